"""The rows of simulated days that later become the test of earlier models, and what those models say of them.

A model is asked about a whole partition at a time and its answers are kept by the digest of the model file and the
fingerprint of the partition: a later report with one more day asks for the new pairs alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from mlsys import clock
from mlsys.backfill.days import SimulatedDay, Simulation
from mlsys.dataset import dataset
from mlsys.errors import IntegrityError, RunError
from mlsys.events import get_logger
from mlsys.metrics.predictions import Predictions
from mlsys.schema import DAY, KEY
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.snapshot.segments import Stored, batches
from mlsys.store import recall, remember
from mlsys.targets.base import Target
from mlsys.training import model_file
from mlsys.workspace import Workspace

log = get_logger(__name__)

ROWS_AT_ONCE = 100_000

Pairs = Mapping[date, Collection[SimulatedDay]]  # by the day to be scored


@dataclass(frozen=True)
class JudgedDay:
    """A day whose rows are a test for models of earlier days.

    Attributes:
        fingerprint: of the partition's content.
        n_rows: rows of the partition.
        usable: `(n_rows,)` bool: labelled by the end of the range, label final, not quarantined, and its key on no
            earlier day.
        y: `(n_usable,)` labels.
        target: the learning task, which knows the classes that `y` counts: those of all labels, and of all models.
    """

    day: date
    fingerprint: str
    n_rows: int
    usable: np.ndarray
    y: np.ndarray
    target: Target


def judged_days(work: Workspace, simulation: Simulation) -> dict[date, JudgedDay]:
    """Return the days after the first simulated one that have usable rows, with the labels that the newest run knew."""
    newest, spec = simulation.days[-1], simulation.spec
    table = read_rows(newest.prepared.snapshot.manifest, work.store, [*spec.target.made_of.names, DAY, KEY])
    column = spec.target.made_of.of(table)
    truth = spec.target.truth(column)
    learnt = [name for simulated in simulation.days for name in simulated.best.classes]
    target: Target = spec.target.about([*truth.counts(truth.known), *learnt])
    y = target.truth(column).y
    day = table[DAY].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    usable = truth.known & ~dataset.quarantined(newest.prepared.snapshot, newest.prepared.checks, work.store)
    usable &= day <= np.datetime64(clock.last_day_before(newest.plan.cutoff - spec.label.delay), "D")
    usable &= ~_repeated(table[KEY].to_numpy(zero_copy_only=False), day)
    found, start = {}, 0
    for partition in read_manifest(newest.prepared.snapshot.manifest, work.store).partitions:
        rows = slice(start, start + partition.n_rows)
        start = rows.stop
        judged, mask = partition.day, usable[rows]
        if judged > simulation.days[0].day and mask.any():
            found[judged] = JudgedDay(judged, partition.fingerprint, partition.n_rows, mask, y[rows][mask], target)
    return found


class ScoreBook:
    """The scores of models on judged days.

    Args:
        work: the installation.
        simulation: the simulated days; the newest one's snapshot holds all rows.
        days: what `judged_days` found.
    """

    def __init__(self, work: Workspace, simulation: Simulation, days: Mapping[date, JudgedDay]) -> None:
        self._store = work.store
        self._folder = work.home / "cache" / "walkforward" / "scores"
        self._columns = simulation.spec.feature_columns()
        self._target: Target = simulation.spec.target
        self._manifest = simulation.days[-1].prepared.snapshot.manifest
        self._usual_threshold = simulation.spec.metrics.usual_threshold
        self._loaded: tuple[str, object] = ("", None)
        self.days = days

    def fill(self, pairs: Pairs) -> None:
        """Let models score days of which nothing is remembered.

        Raises:
            IntegrityError: a model could have seen the day it is asked about.
            RunError: a model can't be loaded or scored.
        """
        missing = {day: self._unknown(day, models) for day, models in sorted(pairs.items())}
        wanted = [self.days[day] for day, models in missing.items() if models]
        for some in batches(wanted, ROWS_AT_ONCE):
            self._score(some, missing, self._manifest)
        log.info("scored", pairs=sum(map(len, pairs.values())), new=sum(map(len, missing.values())))

    def scored(self, model: SimulatedDay, day: date) -> Predictions:
        """Return a model's scores of the usable rows of a day that `fill` was asked for."""
        judged = self.days[day]
        answers = model.adjusted(self._known(model, judged))
        classes, threshold = model.best.classes, model.threshold
        if classes:
            answers = judged.target.arranged(answers, classes)
        threshold = self._usual_threshold if threshold is None else threshold
        return judged.target.predictions.of(judged.y, answers[judged.usable], threshold=threshold)

    def answers(self, model: SimulatedDay, manifest: str, parts: Sequence[Stored]) -> np.ndarray:
        """Return what a model says of all rows of some partitions of a snapshot, in their order.

        Also of days that it may have seen: these judge nobody, and whoever asks knows which rows it has learnt from.

        Raises:
            RunError: it can't be loaded or scored.
        """
        wanted = [part for part in parts if recall(self._path(model.model, part.fingerprint)) is None]
        for some in batches(wanted, ROWS_AT_ONCE):
            self._score(some, {part.day: {model.model: model} for part in some}, manifest)
        return np.concatenate([self._known(model, part) for part in parts])

    def _known(self, model: SimulatedDay, part: Stored) -> np.ndarray:
        """Return `(n_rows,)` answers of a partition that was scored, or `(n_rows, n_classes)`."""
        path, n_classes = self._path(model.model, part.fingerprint), len(model.best.classes)
        data = recall(path)
        if data is None or len(data) != part.n_rows * max(1, n_classes) * 8:
            raise IntegrityError("A score that was just written is gone", where=str(path))
        answers = np.frombuffer(data, dtype="<f8")
        return answers.reshape(-1, n_classes) if n_classes else answers

    def _unknown(self, day: date, models: Collection[SimulatedDay]) -> dict[str, SimulatedDay]:
        for model in models:
            if clock.last_day_before(model.plan.cutoff) >= day or model.prepared.snapshot.last_day >= day:
                raise IntegrityError(
                    f"The model of {model.day} may have seen rows of {day}, on which it would be judged",
                    where=model.plan.run_id,
                )
        judged = self.days[day]
        return {m.model: m for m in models if recall(self._path(m.model, judged.fingerprint)) is None}

    def _score(
        self, parts: Sequence[Stored], missing: Mapping[date, Mapping[str, SimulatedDay]], manifest: str
    ) -> None:
        # One thread makes sums independent of the machine, and starts no OpenMP pool before a later fork.
        from threadpoolctl import threadpool_limits

        wanted = {part.day for part in parts}
        table = read_rows(manifest, self._store, list(self._columns), days=wanted)
        frame = dataset.feature_frame(table, self._columns)
        ends = np.cumsum([part.n_rows for part in parts])
        models = {digest: model for part in parts for digest, model in missing[part.day].items()}
        with threadpool_limits(limits=1):
            for digest, model in models.items():
                pipeline = self._load(digest)
                target = self._target.about(model.best.classes)
                for part, end in zip(parts, ends, strict=True):
                    if digest in missing[part.day]:
                        # Each day by itself: a score must not depend on what else is asked in the same call.
                        rows = frame.iloc[end - part.n_rows : end]
                        answers = _asked(target, pipeline, rows, model, part.day)
                        remember(self._path(digest, part.fingerprint), answers.astype("<f8").tobytes())

    def _load(self, digest: str) -> object:
        if self._loaded[0] != digest:
            self._loaded = digest, model_file.load(digest, self._store)
        return self._loaded[1]

    def _path(self, model: str, fingerprint: str) -> Path:
        return self._folder / model[:2] / model / fingerprint


def _asked(target: Target, pipeline: object, rows: pd.DataFrame, model: SimulatedDay, day: date) -> np.ndarray:
    try:
        return target.answers(pipeline, rows)
    except RunError as error:
        raise RunError(
            f"The model of {model.day} can't score the rows of {day}: {error.rule}", where=model.plan.run_id
        ) from error


def _repeated(key: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Return `(n_rows,)` bool: rows whose key stands on an earlier day; a model may have learnt from that one."""
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    repeated: np.ndarray = day > day[first][inverse]
    return repeated
