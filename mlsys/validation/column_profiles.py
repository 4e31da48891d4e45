"""How much of each column is missing and how many values it has, over a snapshot: no rule, but what people ask first.

Of each partition its missing values are counted and the smallest hashes of its distinct values are kept, which is
enough to count distinct values over any union of partitions: exactly up to `KEPT`, beyond that as (k - 1) / (the k-th
smallest hash as a share of all hashes), with a standard error of about 1 / sqrt(k - 2), 9 % (Bar-Yossef et al.,
Counting distinct elements in a data stream, RANDOM 2002; Beyer et al., SIGMOD 2007). What is kept lies below
MLSYS_HOME/cache, a file for each partition, and may be deleted at any time: nightly work is proportional to the new
day.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mlsys.events import get_logger
from mlsys.schema import Schema
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.store import Store, canonical_json, recall, remember

log = get_logger(__name__)

KEPT = 128  # hashes of a column of a partition
_FORMAT = 1  # of the memory; a change forgets what older versions saw
_ALL_HASHES = 2.0**64

Sketches = dict[str, tuple[int, np.ndarray]]  # {column: (missing values, smallest hashes, rising)}


@dataclass(frozen=True)
class ColumnProfile:
    """What a column holds; `n_distinct` known values differ, an estimate unless `exact`."""

    name: str
    type: str
    n_rows: int
    n_missing: int
    n_distinct: int
    exact: bool


def profiles(spec: Spec, manifest: str, *, store: Store, home: Path) -> list[dict[str, Any]]:
    """Return the profile of each column of a snapshot, given its manifest's SHA-256, and log them; JSON-pure."""
    partitions = read_manifest(manifest, store).partitions
    place = partial(_place, home, spec)
    known = {partition.content: _recalled(place(partition.content), spec.columns) for partition in partitions}
    unknown = [partition for partition in partitions if known[partition.content] is None]
    if unknown:
        table = read_rows(manifest, store, list(spec.columns), days={each.day for each in unknown})
        sizes = [partition.n_rows for partition in unknown]
        columns = {name: _looked(table[name], sizes) for name in spec.columns}
        for i, partition in enumerate(unknown):
            known[partition.content] = looked = {name: seen[i] for name, seen in columns.items()}
            _remember(place(partition.content), looked)
    all_seen = [seen for partition in partitions if (seen := known[partition.content]) is not None]
    n_rows = sum(partition.n_rows for partition in partitions)
    found = [_joined(name, column.type, all_seen, n_rows) for name, column in spec.columns.items()]
    for each in found:
        log.info("column", pipeline=spec.pipeline, missing=each.n_missing, distinct=each.n_distinct, name=each.name)
    return [asdict(each) for each in found]


def _looked(column: pa.ChunkedArray, sizes: Sequence[int]) -> list[tuple[int, np.ndarray]]:
    """Return what is kept of a column for each partition, of so many rows each; all values are hashed together."""
    encoded = column.combine_chunks().dictionary_encode()
    hashes = _hashes(encoded.dictionary)
    known = encoded.is_valid().to_numpy(zero_copy_only=False)
    codes = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    found, start = [], 0
    for size in sizes:
        part = slice(start, start + size)
        there = known[part]
        found.append((size - int(there.sum()), np.unique(hashes[codes[part][there]])[:KEPT]))
        start += size
    return found


def _hashes(values: pa.Array) -> np.ndarray:
    import pandas as pd

    plain = values.to_numpy(zero_copy_only=False)
    if plain.dtype.kind == "M":
        plain = plain.astype("datetime64[us]").view(np.int64)
    hashed: np.ndarray = pd.util.hash_array(plain, categorize=False)
    return hashed


def _joined(name: str, kind: str, seen: Sequence[Sketches], n_rows: int) -> ColumnProfile:
    hashes = np.unique(np.concatenate([each[name][1] for each in seen] or [np.empty(0, np.uint64)]))[:KEPT]
    exact = hashes.size < KEPT
    n_distinct = hashes.size if exact else round((KEPT - 1) * _ALL_HASHES / float(hashes[-1]))
    n_missing = sum(each[name][0] for each in seen)
    return ColumnProfile(name, kind, n_rows, n_missing, min(n_distinct, n_rows - n_missing), exact)


def _place(home: Path, spec: Spec, content: str) -> Path:
    told_by = canonical_json([_FORMAT, {name: column.type for name, column in spec.columns.items()}])
    layout = hashlib.sha256(told_by).hexdigest()[:16]
    return home / "cache" / "columns" / f"{spec.pipeline}-{layout}-{content}.json"


def _recalled(path: Path, columns: Schema) -> Sketches | None:
    stored: Mapping[str, Any] = json.loads(recall(path) or b"{}")
    if not set(columns) <= set(stored):
        return None
    return {name: (n, np.frombuffer(base64.b64decode(text), "<u8")) for name, (n, text) in stored.items()}


def _remember(path: Path, seen: Sketches) -> None:
    stored = {
        name: [n, base64.b64encode(hashes.astype("<u8").tobytes()).decode()] for name, (n, hashes) in seen.items()
    }
    try:
        remember(path, canonical_json(stored))
    except OSError as error:
        log.warning("columns_not_remembered", path=path, error=error)
