"""The rows of a snapshot as one table: features, label, side."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mlsys.errors import DataError
from mlsys.records import CheckReport, Snapshot, Split
from mlsys.schema import DAY, KEY, LARGEST, ColumnSpec, spelt
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.targets.base import Target

NUMERIC = ("integer", "number", "boolean")


@dataclass(frozen=True)
class Dataset:
    """Rows in the snapshot's order.

    Attributes:
        rows: `(n_rows, n_columns)` feature columns: numeric as float64 with NaN for missing values and those beyond
            what models can hold, categorical as objects, str or None.
        y: `(n_rows,)` labels as the learning task has them: class codes, -1 without one, or float64 with NaN.
        key_hash: `(n_rows,)` uint64.
        day: `(n_rows,)` datetime64[D].
        side: `(n_rows,)` int8.
        target: the learning task, which knows the classes that `y` counts.
        group: `(n_rows,)` numbers of the groups that the split keeps together; None where it keeps none.
        groups: `(n_rows,)` numbers of the groups by each column that was asked for; a row without one is its own.
    """

    rows: pd.DataFrame
    y: np.ndarray
    key_hash: np.ndarray
    day: np.ndarray
    side: np.ndarray
    target: Target
    group: np.ndarray | None = None
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)

    def where(self, mask: np.ndarray) -> Dataset:
        """Return the rows of a mask `(n_rows,)`; the same object where it is true of all."""
        if mask.all():
            return self
        arrays = {name: getattr(self, name)[mask] for name in ("y", "key_hash", "day", "side")}
        group = None if self.group is None else self.group[mask]
        groups = {name: codes[mask] for name, codes in self.groups.items()}
        return replace(self, rows=self.rows[mask].reset_index(drop=True), group=group, groups=groups, **arrays)


def load(
    spec: Spec,
    snapshot: Snapshot,
    split: Split,
    *,
    store: Store,
    sides: Collection[int],
    columns: Mapping[str, ColumnSpec] | None = None,
    classes: Collection[str] = (),
    grouping: Collection[str] = (),
) -> Dataset:
    """Return the rows on the given sides; `columns` defaults to the spec's features (a champion has its own).

    `classes` are known to the learning task beside those of the split's rows, on whichever side: a champion's.
    `grouping` names columns whose groups are wanted.

    Raises:
        DataError: a column holds what its type can't be made of.
    """
    wanted = spec.feature_columns() if columns is None else dict(columns)
    group = spec.split.group_column
    names = list(dict.fromkeys([*wanted, *spec.target.made_of.names, DAY, KEY, *([group] if group else []), *grouping]))
    side = read_assignment(split, store)
    mask = np.isin(side, list(sides))
    table = read_rows(snapshot.manifest, store, names).filter(pa.array(mask))
    target: Target = spec.target.about([*split.classes, *classes])
    return Dataset(
        rows=feature_frame(table, wanted),
        y=target.truth(target.made_of.of(table)).y,
        key_hash=keys_of(table),
        day=days_of(table),
        side=side[mask],
        target=target,
        group=None if group is None else _places(table[group]),
        groups={name: _places(table[name]) for name in grouping},
    )


def _places(column: pa.ChunkedArray) -> np.ndarray:
    """Return `(n_rows,)` whole numbers, alike for rows of one value; each row without a value has its own."""
    places = column.combine_chunks().dictionary_encode().indices
    own = -1 - np.arange(len(places))
    found: np.ndarray = np.where(pc.is_null(places).to_numpy(zero_copy_only=False), own, places.fill_null(0).to_numpy())
    return found


def feature_frame(table: pa.Table, columns: Mapping[str, ColumnSpec]) -> pd.DataFrame:
    """Return columns as models take them: float64 with NaN, or objects (str or None).

    Infinity counts as missing, and so does every number beyond float32, in which models hold their numbers.

    Raises:
        DataError: a column holds what its type can't be made of.
    """
    arrays: dict[str, Any] = {}
    for name, column in columns.items():
        try:
            if column.type in NUMERIC:
                numbers = pc.cast(table[name], pa.float64(), safe=False).to_numpy(zero_copy_only=False)
                arrays[name] = np.where(np.abs(numbers) <= LARGEST, numbers, np.nan)
            else:
                texts = spelt(table[name]).to_numpy(zero_copy_only=False)
                arrays[name] = pd.Series(texts, dtype=object)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise DataError(
                f"Values of type {table[name].type} can't be read as {column.type}: {error}",
                where=f"column {name}",
                remedy="Give the column its type in `schema`",
            ) from error
    return pd.DataFrame(arrays, columns=list(columns), copy=False)


def read_assignment(split: Split, store: Store) -> np.ndarray:
    """Return `(n_rows,)` int8 sides in the order of the snapshot's rows."""
    side: np.ndarray = np.load(io.BytesIO(store.read_bytes(split.assignment)), allow_pickle=False)
    return side


def quarantined(snapshot: Snapshot, checks: CheckReport, store: Store) -> np.ndarray:
    """Return `(n_rows,)` bool: rows that the checks set aside."""
    mask = np.zeros(snapshot.n_rows, dtype=bool)
    if checks.quarantine is None:
        return mask
    offsets: dict[str, list[int]] = store.read_json(checks.quarantine)
    start = 0
    for partition in read_manifest(snapshot.manifest, store).partitions:
        inside = np.asarray(offsets.get(partition.fingerprint, []), dtype=np.int64)
        mask[start + inside] = True
        start += partition.n_rows
    return mask


def days_of(table: pa.Table) -> np.ndarray:
    """Return the `(n_rows,)` datetime64[D] day of each row."""
    days: np.ndarray = table[DAY].to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return days


def keys_of(table: pa.Table) -> np.ndarray:
    """Return the `(n_rows,)` uint64 hash of each row's key."""
    keys: np.ndarray = table[KEY].to_numpy(zero_copy_only=False).astype(np.uint64)
    return keys
