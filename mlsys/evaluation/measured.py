"""What gates measure themselves, while rows and models are at hand; nothing where the spec has no such gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from mlsys.dataset import dataset
from mlsys.dataset.dataset import Dataset
from mlsys.evaluation.champion import ChampionModel, threshold_of
from mlsys.evaluation.comparison import Assessment
from mlsys.evaluation.served import served
from mlsys.events import get_logger
from mlsys.gates.measuring import GateMaterial, JudgedRows, Measuring, Moved
from mlsys.metrics.predictions import Predictions
from mlsys.monitors.feature_drift import FALSE_ALARMS
from mlsys.monitors.stability import shift
from mlsys.monitors.texts import compared
from mlsys.records import Candidate, Prepared
from mlsys.schema import ColumnSpec
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT, TRAINING
from mlsys.store import Store
from mlsys.training import model_file

log = get_logger(__name__)

_BINS = 10
MOST_COMPARED = 20_000  # training rows that features are compared with


def columns_read(spec: Spec) -> dict[str, ColumnSpec]:
    """Return the columns beside the features that gates read."""
    known = {**spec.columns, **spec.joined_columns()}
    features = spec.feature_columns()
    names = [name for gate in _measuring(spec) for name in gate.reads]
    return {name: known[name] for name in dict.fromkeys(names) if name not in features}


@dataclass(frozen=True)
class Scene:
    """What the step `evaluate` has at hand.

    Attributes:
        data: rows of validation and holdout, with what gates read.
        champion: the model that was scored, or None.
    """

    spec: Spec
    prepared: Prepared
    data: Dataset
    assessed: Assessment
    candidates: Sequence[Candidate]
    champion: ChampionModel | None
    store: Store


def measured(scene: Scene) -> dict[str, Any]:
    """Return what each gate that measures found, by what it asks; a gate that fails leaves its error there.

    A failure decides nothing by itself: the gate's finding is then an error, and nothing is promoted.
    """
    best, gates = scene.assessed.best, {gate.asks: gate for gate in _measuring(scene.spec)}
    if not gates or best is None or best.holdout is None or not best.holdout.y_true.size:
        return {}
    material = _material(scene)
    found: dict[str, Any] = {}
    for asks, gate in gates.items():
        if gate.against_champion and material.holdout.champion is None:
            continue
        try:
            found[asks] = dict(gate.measure(material))
        except Exception as error:  # noqa: BLE001 - a gate of another package may raise anything
            log.warning("gate_not_measured", gate=gate.kind, reason=str(error))
            said = " ".join(f"{type(error).__name__}: {error}".split())
            found[asks] = {"error": said[:300].rstrip(".")}
    return found


def _measuring(spec: Spec) -> list[Measuring]:
    return [gate for gate in spec.gates_in_force if isinstance(gate, Measuring)]


def _material(scene: Scene) -> GateMaterial:
    spec, data, assessed = scene.spec, scene.data, scene.assessed
    best = assessed.best
    assert best is not None
    candidate = next(each for each in scene.candidates if each.candidate_id == best.model_id)
    rival = next((each.holdout for each in assessed.contenders if each.role == "champion"), None)
    inside, timed = data.side == HOLDOUT, any(gate.times for gate in _measuring(spec))

    @cache
    def validation() -> JudgedRows:
        return _judged(data, ~inside, best.validation, _champion_on(scene, ~inside) if rival is not None else None)

    return GateMaterial(
        task=spec.target.task,
        columns=spec.feature_columns(),
        seed=scene.prepared.plan.seed,
        holdout=_judged(data, inside, best.holdout, rival),
        validation=validation,
        moved=lambda days, ignore: _moved(scene, days, ignore),
        served=cache(lambda: served(spec, scene.prepared, candidate, store=scene.store, timed=timed)),
        n_bytes=scene.store.path(str(candidate.model)).stat().st_size,
    )


def _judged(data: Dataset, inside: np.ndarray, new: Predictions | None, old: Predictions | None) -> JudgedRows:
    assert new is not None
    group = None if data.group is None else data.group[inside]
    return JudgedRows(data.rows[inside].reset_index(drop=True), new, old, new.groups if group is None else group)


def _champion_on(scene: Scene, inside: np.ndarray) -> Predictions | None:
    """Return the champion's answers on the validation rows, which it may know: good for looking, not for judging."""
    champion, data = scene.champion, scene.data
    if champion is None or champion.candidate.model is None:
        return None
    pipeline = model_file.load(champion.candidate.model, scene.store)
    answers = data.target.answers(pipeline, data.rows.loc[inside, list(champion.columns)])
    threshold = threshold_of(scene.spec, champion)
    found: Predictions = data.target.predictions.of(data.y[inside], answers, threshold=threshold)
    return found


def _moved(scene: Scene, days: int, ignore: Sequence[str]) -> tuple[list[Moved], int, int]:
    """Compare the newest days of the holdout with the training rows, as the monitor does."""
    spec, data = scene.spec, scene.data
    names = [name for name in spec.feature_columns() if name not in ignore]
    last = np.datetime64(scene.prepared.snapshot.last_day, "D")
    newest = data.rows.loc[(data.side == HOLDOUT) & (data.day > last - np.timedelta64(days, "D")), names]
    trained = dataset.load(spec, scene.prepared.snapshot, scene.prepared.split, store=scene.store, sides=(TRAINING,))
    then = _sample(trained.rows[names], scene.prepared.plan.seed)
    if newest.empty or then.empty:
        return [Moved(name, 0.0, 0.0) for name in names], len(newest), len(then)
    features = list(compared(then, newest, tuple(spec.features.texts)))
    found = []
    for each in features:
        if each.then.empty or each.now.empty:  # nothing new where there is no text
            found.append(Moved(each.name, 0.0, 0.0))
        else:
            change = shift(each.then, each.now, n_bins=_BINS, false_alarms=FALSE_ALARMS / len(features))
            found.append(Moved(each.name, change.psi, change.by_chance))
    return found, len(newest), len(then)


def _sample(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    if len(rows) <= MOST_COMPARED:
        return rows
    return rows.iloc[np.sort(np.random.default_rng(seed).permutation(len(rows))[:MOST_COMPARED])]
