"""What a partition looks like: a few numbers of each column, small enough to keep for every day there ever was.

A portrait depends on the partition's content and the columns alone. Labels come late, so of a target only its values
count, not how many are missing; columns that the spec drops, and the one that says when labels arrived, are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlsys.events import get_logger
from mlsys.schema import EVENT_TIME, LARGEST, ColumnSpec
from mlsys.snapshot.manifest import ManifestEntry, read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.store import Store, canonical_json, recall, remember

log = get_logger(__name__)

MeasuredAs = Literal["share", "place", "size"]
MOST_VALUES = 60  # a column of more different values has no portrait of each
_FORMAT = 1  # of what is remembered; a change forgets what older versions saw
_PARTS = ((0.05, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.95))  # of the sorted values
_DAY = 86_400e6  # microseconds
_FOREIGN = "[^\x00-\x7f]"
_DIGIT = "[0-9]"


@dataclass(frozen=True)
class Trait:
    """One number of a portrait.

    Attributes:
        column: "" where it is of the rows as a whole.
        what: in words: `share of missing values`.
        scale: a `share` of `n`, a `place` among values that are `spread` apart, or a `size`, a natural logarithm.
        n: values that it rests on.
    """

    column: str
    what: str
    scale: MeasuredAs
    value: float
    n: int
    spread: float = 1.0


@dataclass(frozen=True)
class Portrait:
    """Traits of a partition, and of columns with few values how often each of them occurs."""

    traits: tuple[Trait, ...]
    counts: Mapping[str, Mapping[str, int]]


def portraits(spec: Spec, manifest: str, *, store: Store, home: Path, newest: int | None = None) -> list[Portrait]:
    """Return the portrait of each partition of a snapshot, given its manifest's SHA-256; new ones alone are read.

    With `newest`, of so many of the newest ones alone.
    """
    partitions, columns = read_manifest(manifest, store).partitions[-(newest or 0) :], _columns(spec)
    paths = [_place(home, spec, columns, partition) for partition in partitions]
    known = [_recalled(path) for path in paths]
    unknown = [i for i, found in enumerate(known) if found is None]
    if unknown:
        timed = partitions[unknown[0]].newest_event is not None
        names = [*columns, *([EVENT_TIME] if timed else [])]
        table = read_rows(manifest, store, names, days={partitions[i].day for i in unknown})
        start = 0
        for i in unknown:
            rows = table.slice(start, partitions[i].n_rows)
            known[i] = found = drawn(rows, columns, partitions[i], late=set(spec.target.made_of.names))
            _remember(paths[i], found)
            start += partitions[i].n_rows
    return [found for found in known if found is not None]


def _columns(spec: Spec) -> dict[str, ColumnSpec]:
    left_out = {*spec.drop, spec.label.arrival}
    return {name: column for name, column in spec.columns.items() if name not in left_out}


def drawn(rows: pa.Table, columns: Mapping[str, ColumnSpec], partition: ManifestEntry, *, late: set[str]) -> Portrait:
    """Return the portrait of a partition's rows; values of columns that are `late` may be missing for now."""
    traits, counts = list(_whole(rows, partition)), {}
    for name, column in columns.items():
        values, n_rows = rows[name], rows.num_rows
        known = values.drop_null()
        if name not in late and n_rows:
            traits.append(Trait(name, "share of missing values", "share", values.null_count / n_rows, n_rows))
        if not len(known):
            continue
        if column.type in ("integer", "number"):
            traits += _of_numbers(name, known.cast(pa.float64()).to_numpy())
        elif column.type == "timestamp":
            traits += _of_times(name, known, partition)
        else:
            texts = known.cast(pa.string())
            if column.type != "boolean":
                traits += _of_texts(name, texts)
            found = pc.value_counts(texts)
            if len(found) <= MOST_VALUES:
                counts[name] = dict(zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True))
    return Portrait(tuple(traits), counts)


def _whole(rows: pa.Table, partition: ManifestEntry) -> Iterator[Trait]:
    n_rows = rows.num_rows
    came = n_rows + partition.n_rejected
    yield Trait("", "number of rows", "size", float(np.log(came + 1)), max(came, 1))
    if came:
        yield Trait("", "share of rows that can't be read", "share", partition.n_rejected / came, came)
    if n_rows:
        yield Trait(
            "", "share of rows whose key stands there twice", "share", partition.n_duplicate_keys / n_rows, n_rows
        )
    if EVENT_TIME in rows.column_names and n_rows:
        hours = (rows[EVENT_TIME].cast(pa.int64()).to_numpy() % _DAY) / _DAY * 24
        yield from _levels("", "hours of the day, ", hours)


def _of_numbers(name: str, values: np.ndarray) -> Iterator[Trait]:
    # As to models, what float32 has no number for is missing: sums of such numbers have no float64.
    values, n = values[np.abs(values) <= LARGEST], values.size
    if not values.size:
        return
    yield from _levels(name, "", values)
    size = np.log10(np.abs(values[values != 0])) if (values != 0).any() else np.zeros(1)
    yield Trait(name, "order of magnitude", "place", float(size.mean()), size.size, max(float(size.std()), 0.05))
    yield Trait(name, "share of zeros", "share", float((values == 0).mean()), n)
    yield Trait(name, "share of negative numbers", "share", float((values < 0).mean()), n)
    yield Trait(name, "share of whole numbers", "share", float((values == np.rint(values)).mean()), n)
    yield Trait(name, "share of different values", "share", np.unique(values).size / n, n)


def _levels(name: str, what: str, values: np.ndarray) -> Iterator[Trait]:
    """Yield means of a few parts of the sorted values: quantiles would jump where few values are different."""
    found = np.sort(values)
    means = [
        float(found[int(a * found.size) : max(int(b * found.size), int(a * found.size) + 1)].mean()) for a, b in _PARTS
    ]
    spread = max(means[-1] - means[0], 1e-9 * float(np.abs(found).max()), 1e-12)
    for (low, high), mean in zip(_PARTS, means, strict=True):
        yield Trait(
            name, f"{what}mean from the {low:.0%} to the {high:.0%} quantile", "place", mean, found.size, spread
        )


def _of_times(name: str, known: pa.ChunkedArray, partition: ManifestEntry) -> Iterator[Trait]:
    start = np.datetime64(partition.day, "us").astype("int64")
    days = (known.cast(pa.int64()).to_numpy() - start) / _DAY
    yield from _levels(name, "days since the partition's, ", days)
    yield Trait(name, "share of midnights", "share", float((days % 1 == 0).mean()), days.size)


def _of_texts(name: str, texts: pa.ChunkedArray) -> Iterator[Trait]:
    n = len(texts)
    length = pc.utf8_length(texts).to_numpy().astype("float64")
    yield Trait(name, "mean length", "place", float(length.mean()), n, max(float(length.std()), 0.5))
    for what, pattern in (
        ("share of texts with other signs than ASCII", _FOREIGN),
        ("share of texts with digits", _DIGIT),
    ):
        yield Trait(name, what, "share", float(pc.mean(pc.match_substring_regex(texts, pattern)).as_py()), n)
    yield Trait(name, "share of different values", "share", pc.count_distinct(texts).as_py() / n, n)


def _place(home: Path, spec: Spec, columns: Mapping[str, ColumnSpec], partition: ManifestEntry) -> Path:
    layout = [_FORMAT, {name: column.type for name, column in columns.items()}, list(spec.key), partition.n_rejected]
    digest = hashlib.sha256(canonical_json([layout, sorted(spec.target.made_of.names), partition.content])).hexdigest()
    return home / "cache" / "portraits" / spec.pipeline / f"{digest[:32]}.json"


def _recalled(path: Path) -> Portrait | None:
    stored = recall(path)
    if stored is None:
        return None
    data = json.loads(stored)
    return Portrait(tuple(Trait(*each) for each in data["traits"]), data["counts"])


def _remember(path: Path, found: Portrait) -> None:
    traits = [[t.column, t.what, t.scale, t.value, t.n, t.spread] for t in found.traits]
    try:
        remember(path, canonical_json({"traits": traits, "counts": found.counts}))
    except OSError as error:
        log.warning("portrait_not_remembered", path=path, error=error)
