"""The first model with a new line on its scores each night: what `recalibrate` among the candidates would have given.

The line is that of `mlsys.models.recalibrate`, on the rows that the candidate would have had: training rows of the
night's own split, of its newest days, with the labels that were known then, which the first model has not learnt from.
The model scores each partition once; a night costs the fit of two numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np

from mlsys import keys
from mlsys.backfill.days import SimulatedDay, Simulation
from mlsys.backfill.scores import ScoreBook
from mlsys.dataset import dataset
from mlsys.dataset.learnt_rows import among, names_learnt, row_names
from mlsys.metrics.binary_costs import cheapest
from mlsys.models.calibration import Line
from mlsys.models.recalibrate import FEWEST, Recalibrate
from mlsys.records import LearntRows
from mlsys.schema import DAY, KEY
from mlsys.snapshot.manifest import ManifestEntry, read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.splits.base import TRAINING, VALIDATION
from mlsys.store import canonical_json, recall, remember
from mlsys.workspace import Workspace


@dataclass(frozen=True)
class Recalibrated(SimulatedDay):
    """The model of a simulated day with a line on its scores.

    Attributes:
        night: the day whose rows were the newest that the line could learn from; it serves from the next one on.
        line: slope and intercept.
        cut: its own threshold, where wrong decisions have costs; None for the spec's.
    """

    night: date
    line: Line
    cut: float | None

    @property
    def day(self) -> date:
        """The last day of data that the line could see."""
        return self.night

    @property
    def threshold(self) -> float | None:
        """Its own threshold, None for the spec's."""
        return self.cut

    def adjusted(self, answers: np.ndarray) -> np.ndarray:
        """Return the probabilities that the model's scores stand for."""
        return self.line.probabilities(answers)


@dataclass(frozen=True)
class _Rows:
    """Rows of a night: `(n_rows,)` scores of the first model, and labels."""

    scores: np.ndarray
    y: np.ndarray


def recalibrations(work: Workspace, simulation: Simulation, book: ScoreBook) -> tuple[Recalibrated, ...]:
    """Return the first model with the line of each later night that has one; empty for a task without two classes.

    A night with too few fresh rows has none, and neither has one whose line would turn the order of the rows.

    Raises:
        IntegrityError, RunError: a stored file is missing or damaged, or the model can't be scored.
    """
    spec, (first, *nights) = simulation.spec, simulation.days
    if not spec.target.two_classes or not nights:
        return ()
    by = next((model for model in spec.models if isinstance(model, Recalibrate)), Recalibrate())
    known = _Nights(work, spec, first, book)
    found = []
    for night in nights:
        fitted = known.line(night, by)
        if fitted is not None:
            parts = {field.name: getattr(first, field.name) for field in fields(SimulatedDay)}
            found.append(Recalibrated(**parts, night=night.day, line=fitted[0], cut=fitted[1]))
    return tuple(found)


class _Nights:
    """The rows of nights, as the first model knows them and does not."""

    def __init__(self, work: Workspace, spec: Spec, first: SimulatedDay, book: ScoreBook) -> None:
        self._store, self._spec, self._first, self._book = work.store, spec, first, book
        self._cache = work.home / "cache" / "walkforward" / "lines"
        snapshot, split = first.prepared.snapshot, first.prepared.split
        rows = LearntRows(manifest=snapshot.manifest, assignment=split.assignment, keyed=bool(spec.key))
        self._learnt_rows, self._learnt = rows, np.empty(0, dtype=np.uint64)

    def line(self, night: SimulatedDay, by: Recalibrate) -> tuple[Line, float | None] | None:
        """Return a night's line and threshold, or None where it has none; remembered."""
        path = self._cache / f"{self._name(night, by)}.json"
        known = recall(path)
        if known is None:
            found = self._fitted(night, by)
            known = canonical_json({"line": found and found[0].model_dump(), "threshold": found and found[1]})
            remember(path, known)
        told = json.loads(known)
        return None if told["line"] is None else (Line.model_validate(told["line"]), told["threshold"])

    def _name(self, night: SimulatedDay, by: Recalibrate) -> str:
        prepared = night.prepared
        parts = [keys.code_fingerprint(), self._first.plan.spec_fingerprint, self._first.model, by.days]
        parts += [self._learnt_rows.dump(), prepared.snapshot.manifest, prepared.split.assignment]
        return hashlib.sha256(canonical_json(parts)).hexdigest()

    def _fitted(self, night: SimulatedDay, by: Recalibrate) -> tuple[Line, float | None] | None:
        from threadpoolctl import threadpool_limits

        rows = self._rows(night, TRAINING, days=by.days, fresh=True)
        if min(np.bincount(rows.y, minlength=2)) < FEWEST:
            return None
        with threadpool_limits(limits=1):
            line = Line.on(rows.scores, rows.y)
        return (line, self._threshold(night, line)) if line.rises else None

    def _threshold(self, night: SimulatedDay, line: Line) -> float | None:
        """Return the threshold at which wrong decisions cost least on the night's validation rows."""
        costs = self._spec.metrics.costs
        if costs is None:
            return None
        rows = self._rows(night, VALIDATION)
        if np.unique(rows.y).size < 2:
            return costs.break_even
        return cheapest(rows.y, line.probabilities(rows.scores), costs)

    def _rows(self, night: SimulatedDay, side: int, *, days: int | None = None, fresh: bool = False) -> _Rows:
        """Return a night's rows of one side, of so many newest days of it; `fresh`: less those already learnt from."""
        snapshot, target = night.prepared.snapshot, self._spec.target
        sides = dataset.read_assignment(night.prepared.split, self._store) == side
        chosen = _newest(read_manifest(snapshot.manifest, self._store).partitions, sides, days)
        if not chosen:
            return _Rows(np.empty(0), np.empty(0, dtype="int8"))
        mask = np.concatenate([here for _, here in chosen])
        among_days = {entry.day for entry, _ in chosen}
        table = read_rows(snapshot.manifest, self._store, [*target.made_of.names, KEY, DAY], days=among_days)
        if fresh:
            names = row_names(dataset.keys_of(table), dataset.days_of(table), keyed=bool(self._spec.key))
            mask &= ~among(names, self._known())
        entries = [entry for entry, _ in chosen]
        scores = self._book.answers(self._first, snapshot.manifest, entries)
        return _Rows(scores[mask], target.truth(target.made_of.of(table)).y[mask])

    def _known(self) -> np.ndarray:
        """Return the names of the rows that the first model has learnt from."""
        if not self._learnt.size:
            self._learnt = names_learnt([self._learnt_rows], self._store)
        return self._learnt


def _newest(
    entries: Sequence[ManifestEntry], mask: np.ndarray, days: int | None
) -> list[tuple[ManifestEntry, np.ndarray]]:
    """Return the partitions that have rows of a mask, in their order, with their part of it; of so many newest days."""
    ends = np.cumsum([entry.n_rows for entry in entries])
    parts = [(entry, mask[end - entry.n_rows : end]) for entry, end in zip(entries, ends, strict=True)]
    some = [(entry, here) for entry, here in parts if here.any()]
    oldest = max(entry.day for entry, _ in some) - timedelta(days=days - 1) if some and days is not None else None
    return [(entry, here) for entry, here in some if oldest is None or entry.day >= oldest]
