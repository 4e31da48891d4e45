"""The confirmed gain: what a promotion gained by the first days after it, beside what its decision promised.

A promotion is a selection: of many nights it is one whose challenger looked good on that night's holdout, partly by
luck. On days that came later neither model has that luck. They are compared once, when enough of these days have their
final labels, and what was found is kept.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from mlsys import clock
from mlsys.dataset import dataset
from mlsys.evaluation.champion import ChampionModel, model_of, obstacle_of
from mlsys.evaluation.comparison import Assessment, ComparisonRules, Contender, assess, scored
from mlsys.evaluation.ties import Ties
from mlsys.ledger import ChampionChange
from mlsys.metrics.predictions import Predictions
from mlsys.monitoring.gains import gain_of, keep_gain
from mlsys.monitoring.reference import reference_of
from mlsys.records import Comparison, Snapshot
from mlsys.records.monitoring import ConfirmedGain
from mlsys.schema import DAY, KEY
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.training import model_file
from mlsys.wording import counted, number, signed
from mlsys.workspace import Workspace


def confirm(work: Workspace, spec: Spec, change: ChampionChange, snapshot: Snapshot) -> ConfirmedGain | None:
    """Return the confirmed gain of a champion, found now or before; None while its days are not over.

    None too for the first champion, after a rollback, and where one of the two can't score these rows. Rows whose key
    either was fitted or judged on do not count.

    Raises:
        IntegrityError: a stored file is missing or damaged.
        RunError: a model can't be loaded or scored.
    """
    known = gain_of(work.home, change.pipeline, change.candidate_id)
    if known is not None or change.previous is None or change.kind == "rollback":
        return known
    first = change.cutoff.date()
    last = first + timedelta(days=spec.monitors.confirm_days - 1)
    if clock.last_day_before(snapshot.cutoff - spec.label.delay) < last:
        return None
    before = work.ledger.champion_changes(change.pipeline, of=[change.previous])[-1]
    models = model_of(work, change), model_of(work, before)
    if any(obstacle_of(spec, model) for model in models):
        return None
    assessed = _compared(work, spec, (change, before), models, snapshot, days=(first, last))
    if assessed is None:
        return None
    found = _record(work, spec, (change, before), assessed, days=(first, last))
    if found is not None:
        keep_gain(work.home, change.pipeline, found)
    return found


def _compared(
    work: Workspace,
    spec: Spec,
    changes: tuple[ChampionChange, ChampionChange],
    models: tuple[ChampionModel, ChampionModel],
    snapshot: Snapshot,
    *,
    days: tuple[date, date],
) -> Assessment | None:
    """Compare champion and predecessor on the labelled rows of days; None where there are none."""
    from threadpoolctl import threadpool_limits

    inside = [e.day for e in read_manifest(snapshot.manifest, work.store).partitions if days[0] <= e.day <= days[1]]
    columns = {name: column for model in models for name, column in model.columns.items()}
    names = list(dict.fromkeys([*columns, *spec.target.made_of.names, KEY, DAY]))
    table = read_rows(snapshot.manifest, work.store, names, days=inside)
    truth = spec.target.truth(spec.target.made_of.of(table))
    target = spec.target.about([*models[0].candidate.classes, *models[1].candidate.classes, *truth.counts(truth.known)])
    fresh = truth.known & ~np.isin(table[KEY].to_numpy(), _seen(work, changes))
    if not fresh.any():
        return None
    frame = dataset.feature_frame(table, columns)[fresh].reset_index(drop=True)
    y = target.truth(target.made_of.of(table)).y[fresh]
    rows: list[Predictions] = []
    with threadpool_limits(limits=1):
        for model in models:
            pipeline = model_file.load(str(model.candidate.model), work.store)
            answers = target.answers(pipeline, frame[list(model.columns)])
            rows.append(target.predictions.of(y, answers, threshold=model.threshold))
        new, old = (Contender(m.candidate.candidate_id, m.candidate.name, "candidate") for m in models)
        return assess(
            [scored(new, validation=rows[0], holdout=rows[0])],
            Contender(old.model_id, old.name, "champion", holdout=rows[1]),
            metrics=[spec.metrics.metric(name) for name in dict.fromkeys([*spec.task_metrics, spec.metrics.primary])],
            rules=ComparisonRules(
                primary=spec.metrics.primary,
                n_replicates=spec.metrics.replicates,
                seed=spec.training.seed,
                level=spec.metrics.level,
                ties=Ties(days=table[DAY].to_numpy()[fresh]),
            ),
        )


def _seen(work: Workspace, changes: tuple[ChampionChange, ChampionChange]) -> np.ndarray:
    return np.concatenate([reference_of(work, change).keys for change in changes])


def _record(
    work: Workspace,
    spec: Spec,
    changes: tuple[ChampionChange, ChampionChange],
    assessed: Assessment,
    *,
    days: tuple[date, date],
) -> ConfirmedGain | None:
    confirmed, (new, old) = assessed.comparisons.get(spec.metrics.primary), changes
    if confirmed is None:
        return None
    decided = work.ledger.decision(new.decision_key) if new.decision_key else None
    promised = decided[0].comparison if decided and decided[1].challenger == new.candidate_id else None
    return ConfirmedGain(
        champion=new.candidate_id,
        version=new.version,
        previous=old.candidate_id,
        previous_version=old.version,
        first_day=days[0],
        last_day=days[1],
        n_rows=confirmed.n,
        promised=promised,
        confirmed=confirmed,
        values=assessed.evaluations[0].holdout,
        sentence=_sentence(promised, confirmed, old.version, days),
    )


def _sentence(promised: Comparison | None, confirmed: Comparison, before: str, days: tuple[date, date]) -> str:
    rows = f"on {counted(confirmed.n, 'row')} of {days[0]} to {days[1]}, which neither model had seen"
    said = f"Promised: {signed(promised.difference)} by {promised.metric}. " if promised and promised.difference else ""
    if confirmed.difference is None or confirmed.lower is None or confirmed.upper is None:
        return f"{said}Not confirmed: the gain over version {before} {rows}, is not known: {confirmed.reason}."
    interval = (
        f"{100 * (2 * confirmed.level - 1):.3g} % interval {number(confirmed.lower)} to {number(confirmed.upper)}"
    )
    verdict = "Confirmed" if confirmed.lower > 0 else "Refuted" if confirmed.upper < 0 else "Not separated from nothing"
    gained = f"{signed(confirmed.difference)} by {confirmed.metric} over version {before} ({interval})"
    return f"{said}{verdict}: {gained} {rows}."
