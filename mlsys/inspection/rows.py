"""From a run's snapshot, and an earlier one's, to the rows that flaws are looked for in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pyarrow as pa

from mlsys.dataset.dataset import days_of, feature_frame, keys_of, quarantined, read_assignment
from mlsys.errors import IntegrityError
from mlsys.evaluation.comparison import Assessment, Contender
from mlsys.events import get_logger
from mlsys.flaws.digests import Digests
from mlsys.flaws.rows import Answers, Inspected, LabelledRows, Truths
from mlsys.metrics.base import Metric
from mlsys.records import Prepared
from mlsys.schema import DAY, KEY
from mlsys.snapshot.manifest import Manifest, read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT
from mlsys.store import Store

log = get_logger(__name__)

SAMPLED, SAMPLED_OF_SEVERAL = 8_000, 4_000  # rows that single columns are judged by, of two classes and of more
_NEWEST, _UNLABELLED, _PAST = 2_000, 2_000, 4_000
_SEED = 0  # the same rows whenever the same data are looked at


@dataclass(frozen=True)
class EarlierRun:
    """The run whose rows are held against this one's: its id, and the SHA-256 of its manifest."""

    run_id: str
    manifest: str


@dataclass(frozen=True)
class _Table:
    """Rows that were read, with their labels; `places` are theirs among all rows of the snapshot."""

    rows: pa.Table
    places: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]


def inspected(
    spec: Spec, prepared: Prepared, assessed: Assessment, *, reference: EarlierRun | None, store: Store
) -> Inspected:
    """Return the rows of a run as flaws look at them; a sample of them is drawn with a fixed seed.

    Raises:
        IntegrityError: a stored file is missing or damaged.
    """
    all_sides = read_assignment(prepared.split, store)
    manifest = read_manifest(prepared.snapshot.manifest, store)
    features = list(spec.feature_columns())
    days = _days(manifest, all_sides)
    table = _read(spec, manifest, prepared.snapshot.manifest, days, store=store, features=features)
    side, random = all_sides[table.places], np.random.default_rng(_SEED)
    bad = quarantined(prepared.snapshot, prepared.checks, store)[table.places]
    held = np.flatnonzero(side > 0)
    timed = spec.source.timed
    sample = _drawn(table, held, timed=timed, random=random)
    waiting = np.flatnonzero(_unlabelled(table.y) & ~bad)
    before, past = _earlier(spec, manifest, reference, table.classes, random=random, store=store)
    return Inspected(
        types={name: column.type for name, column in spec.feature_columns().items()},
        texts=frozenset(spec.features.texts),
        classes=table.classes,
        timed=timed,
        sample=_rows(spec, table, side, sample),
        unlabelled=_rows(spec, table, side, _some(waiting, _UNLABELLED, random)),
        digests=Digests(table.rows.select(features).take(pa.array(held)), side[held]),
        truths=Truths(keys_of(table.rows)[held], table.y[held], table.classes),
        holdout_day=days_of(table.rows)[side == HOLDOUT],
        before=before,
        past=past,
        challenger=_answers(assessed.best, spec),
        champion=_answers(next((each for each in assessed.contenders if each.role == "champion"), None), spec),
        trusted=frozenset(spec.inspection.trusted),
    )


def _days(manifest: Manifest, side: np.ndarray) -> set[date]:
    """Return the days with a row on a side, and those after the last of them, whose labels may not be known yet."""
    ends = np.cumsum([0, *(entry.n_rows for entry in manifest.partitions)])
    used = [bool((side[start:end] > 0).any()) for start, end in pairwise(ends)]
    last = max(place for place, inside in enumerate(used) if inside)
    return {entry.day for place, entry in enumerate(manifest.partitions) if used[place] or place > last}


def _read(
    spec: Spec, manifest: Manifest, digest: str, days: Collection[date], *, store: Store, features: Collection[str]
) -> _Table:
    names = list(dict.fromkeys([*features, *spec.target.made_of.names, DAY, KEY]))
    rows = read_rows(digest, store, names, days=days)
    inside = [np.full(entry.n_rows, entry.day in days) for entry in manifest.partitions]
    y, classes = _labels(spec, rows)
    return _Table(rows, np.flatnonzero(np.concatenate(inside)), y, classes)


def _labels(spec: Spec, rows: pa.Table) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the labels of rows, as class codes with the names of the classes where there are any."""
    truth = spec.target.truth(spec.target.made_of.of(rows))
    if truth.labels is None:
        return np.asarray(truth.y, dtype=np.float64), ()
    return np.where(truth.known, truth.labels.codes, -1), truth.labels.names


def _unlabelled(y: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.isnan(y) if y.dtype.kind == "f" else y < 0
    return found


def _drawn(table: _Table, held: np.ndarray, *, timed: bool, random: np.random.Generator) -> np.ndarray:
    most = SAMPLED if len(table.classes) <= 2 else SAMPLED_OF_SEVERAL
    if not timed:
        return _some(held, most, random)
    day = days_of(table.rows)[held]
    newest = day == day.max()
    parts = [_some(held[~newest], most, random), _some(held[newest], _NEWEST, random)]
    return np.sort(np.concatenate(parts))


def _some(places: np.ndarray, most: int, random: np.random.Generator) -> np.ndarray:
    if len(places) <= most:
        return places
    found: np.ndarray = np.sort(random.choice(places, most, replace=False))
    return found


def _rows(spec: Spec, table: _Table, side: np.ndarray, places: np.ndarray) -> LabelledRows:
    taken = table.rows.take(pa.array(places))
    return LabelledRows(
        frame=feature_frame(taken, spec.feature_columns()),
        y=table.y[places],
        side=side[places],
        day=days_of(taken),
        key=keys_of(taken),
    )


def _earlier(
    spec: Spec,
    manifest: Manifest,
    reference: EarlierRun | None,
    classes: tuple[str, ...],
    *,
    random: np.random.Generator,
    store: Store,
) -> tuple[Truths | None, LabelledRows | None]:
    """Return what an earlier run read of rows that are others now, and some of its rows where rows have no times.

    Partitions of the same content hold the same labels: of a night's days most need not be read again.
    """
    if reference is None:
        return None, None
    earlier = read_manifest(reference.manifest, store)
    days = {entry.day for entry in earlier.partitions}
    if spec.source.timed:
        contents = {entry.day: entry.content for entry in manifest.partitions}
        days = {entry.day for entry in earlier.partitions if contents.get(entry.day, entry.content) != entry.content}
    if not days:
        return None, None
    features = () if spec.source.timed else tuple(spec.feature_columns())
    try:
        table = _read(spec, earlier, reference.manifest, days, store=store, features=features)
    except IntegrityError as error:  # housekeeping removes the rows of old runs
        log.warning("earlier_rows_gone", run=reference.run_id, reason=str(error))
        return None, None
    truths = Truths(keys_of(table.rows), table.y, table.classes)
    if spec.source.timed:
        return truths, None
    labelled = _some(np.flatnonzero(~_unlabelled(table.y)), _PAST, random)
    rows = _rows(spec, table, np.zeros(len(table.y), dtype=np.int8), labelled)
    return truths, LabelledRows(rows.frame, _renamed(rows.y, table.classes, classes), rows.side, rows.day, rows.key)


def _renamed(y: np.ndarray, names: tuple[str, ...], classes: tuple[str, ...]) -> np.ndarray:
    """Return codes of `names` as codes of `classes`, -1 for a class that is no more."""
    if not names:
        return y
    places: Mapping[str, int] = {name: place for place, name in enumerate(classes)}
    found: np.ndarray = np.array([*(places.get(name, -1) for name in names), -1])[y]
    return found


def _answers(contender: Contender | None, spec: Spec) -> Answers | None:
    if contender is None or contender.holdout is None or not contender.holdout.y_true.size:
        return None
    metric: Metric = spec.metrics.metric(spec.metrics.primary)
    return Answers(contender.validation, contender.holdout, lambda rows: metric.value(rows).value, metric.title)
