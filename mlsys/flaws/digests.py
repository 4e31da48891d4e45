"""Digests of rows: equal where all features are, and where all but one are.

A row's digest is the sum of one hash per column (modulo 2**64), so that it can be had without any one column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mlsys.schema import spelt

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_LOOKED_AT = 20_000
_STEPS = 100  # of a standard deviation; numbers that differ by much less count as alike in `rough`


@dataclass(frozen=True)
class Digests:
    """Digests of the rows of a table.

    Attributes:
        table: `(n_rows, n_columns)` features alone.
        side: `(n_rows,)` int8.
    """

    table: pa.Table
    side: np.ndarray

    @cached_property
    def by_column(self) -> Mapping[str, np.ndarray]:
        """By column `(n_rows,)` uint64 hashes of its values."""
        return {name: _mixed(_hashes(self.table[name]), place) for place, name in enumerate(self.table.column_names)}

    @cached_property
    def exact(self) -> np.ndarray:
        """`(n_rows,)` uint64: equal where all values are."""
        return _sum(self.by_column, self.table.num_rows)

    @cached_property
    def rough_by_column(self) -> Mapping[str, np.ndarray]:
        """As `by_column`, of numbers to about a 100th of a standard deviation."""
        names = self.table.column_names
        return {name: _mixed(_hashes(self.table[name], steps=_STEPS), place) for place, name in enumerate(names)}

    @cached_property
    def rough(self) -> np.ndarray:
        """`(n_rows,)` uint64: equal where all values roughly are."""
        return _sum(self.rough_by_column, self.table.num_rows)

    @cached_property
    def bits(self) -> dict[str, float]:
        """By column its variety: minus the binary logarithm of the chance that two rows have the same value."""
        return {name: variety(hashes) for name, hashes in self.by_column.items()}


def variety(hashes: np.ndarray) -> float:
    """Return the bits of some values, told by at most 20,000 of them: 64 where no two are alike."""
    import numpy as np

    some = hashes[:: max(1, len(hashes) // _LOOKED_AT)]
    _, counts = np.unique(some, return_counts=True)
    pairs = len(some) * (len(some) - 1)
    alike = float((counts * (counts - 1)).sum()) / pairs if pairs else 1.0
    return float(-np.log2(max(alike, 2.0**-64)))


def _sum(hashes: Mapping[str, np.ndarray], n_rows: int) -> np.ndarray:
    import numpy as np

    total = np.zeros(n_rows, dtype=np.uint64)
    for each in hashes.values():
        total += each
    return total


def _hashes(column: pa.ChunkedArray, *, steps: int | None = None) -> np.ndarray:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        numbers = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64) + 0.0
        if steps is not None:
            numbers = _rounded(numbers, steps)
        numbers[np.isnan(numbers)] = np.nan  # one NaN
        return np.asarray(numbers.view(np.uint64))
    encoded = pc.dictionary_encode(column.combine_chunks())
    texts = spelt(encoded.dictionary).to_numpy(zero_copy_only=False)
    known = pd.util.hash_array(np.asarray(texts, dtype=object), categorize=False)
    codes = encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    hashed: np.ndarray = np.append(known, np.uint64(0))[codes]
    return hashed


def _rounded(numbers: np.ndarray, steps: int) -> np.ndarray:
    """Return numbers in whole steps of their spread; whole numbers of a narrow range stay what they are."""
    import numpy as np

    known = numbers[np.isfinite(numbers)]
    if not known.size:
        return numbers
    low, high = np.quantile(known[:: max(1, known.size // 20_000)], [0.25, 0.75])
    width = (high - low) / 1.35 or float(known.std())
    step = width / steps
    if step == 0 or (step < 1 and bool((known == np.floor(known)).all())):
        return numbers
    return np.round(numbers / step) + 0.0


def _mixed(hashes: np.ndarray, place: int) -> np.ndarray:
    """Return hashes that differ by column, with all bits stirred (the finalizer of MurmurHash3)."""
    import numpy as np

    with np.errstate(over="ignore"):
        mixed = hashes ^ np.uint64((place + 1) * 0x9E3779B97F4A7C15 % 2**64)
        mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
        mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
        stirred: np.ndarray = mixed ^ (mixed >> np.uint64(33))
    return stirred
