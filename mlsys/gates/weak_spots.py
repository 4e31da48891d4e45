"""Parts of the rows, in words, where a loss is larger than elsewhere: the leaves of a small regression tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsys.schema import ColumnSpec
from mlsys.wording import number

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_DEPTH = 3
_MOST_CATEGORIES = 12


@dataclass(frozen=True)
class _Input:
    """One input of the tree: a number, or whether a column has a value (None: none at all)."""

    column: str
    numeric: bool
    value: str | None = None
    missing: float = 0.0

    def of(self, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows,)` numbers; missing ones lie below all others."""
        values = rows[self.column]
        if self.numeric:
            return values.astype("float64").fillna(self.missing).to_numpy()
        found = values.isna() if self.value is None else values == self.value
        return found.to_numpy(dtype="float64")

    def words(self, threshold: float, *, above: bool) -> str:
        """Return one side of a cut in words."""
        if not self.numeric:
            return f"{self.column} is{'' if above else ' not'} {'missing' if self.value is None else self.value}"
        if threshold < self.missing + 0.5:  # only what is missing lies below
            return f"{self.column} is {'known' if above else 'missing'}"
        return f"{self.column} is {'above' if above else 'at most'} {number(threshold)}"


def weak_spots(
    seen: pd.DataFrame,
    excess: np.ndarray,
    rows: pd.DataFrame,
    *,
    columns: Mapping[str, ColumnSpec],
    most: int,
    least: int,
    seed: int,
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the parts with the largest mean excess that is above 0, in words, as masks of other rows.

    Args:
        seen: the rows that the tree is grown on.
        excess: `(n_seen,)` what it is to explain.
        rows: the rows to divide by it.
        columns: what may divide: numbers, booleans and categories; a text or a time says too little.
        most: how many parts at most.
        least: rows of `seen` in each.
        seed: breaks ties between equally good cuts.
    """
    import numpy as np
    from sklearn.tree import DecisionTreeRegressor

    inputs = [each for name, column in columns.items() for each in _inputs(name, column, seen[name])]
    if not inputs or len(seen) < 2 * least:
        return
    given = np.column_stack([each.of(seen) for each in inputs])
    tree = DecisionTreeRegressor(max_depth=_DEPTH, min_samples_leaf=least, random_state=seed).fit(given, excess)
    paths = dict(_leaves(tree.tree_, inputs))
    leaf_of, now = tree.apply(given), tree.apply(np.column_stack([each.of(rows) for each in inputs]))
    scored = []
    for leaf, words in paths.items():
        inside = excess[leaf_of == leaf]
        if words and inside.mean() > 0:
            scored.append((-float(inside.mean() * inside.size**0.5), leaf, words))
    for _, leaf, words in sorted(scored)[:most]:
        yield words, now == leaf


def _inputs(name: str, column: ColumnSpec, values: pd.Series) -> Iterator[_Input]:
    if column.type in ("integer", "number", "boolean"):
        known = values.astype("float64").dropna()
        if known.size:
            yield _Input(name, numeric=True, missing=float(known.min()) - 1)
    elif column.type == "category":
        counts = values.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
        yield from (_Input(name, numeric=False, value=str(value)) for value in list(counts.index)[:_MOST_CATEGORIES])
        if values.isna().any():
            yield _Input(name, numeric=False)


def _leaves(tree: Any, inputs: list[_Input]) -> Iterator[tuple[int, str]]:
    """Yield each leaf with the cuts that lead to it in words; the root alone has none."""
    pending: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    while pending:
        node, said = pending.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left < 0:
            yield node, " and ".join(said)
            continue
        cut, threshold = inputs[int(tree.feature[node])], float(tree.threshold[node])
        pending += [
            (left, (*said, cut.words(threshold, above=False))),
            (right, (*said, cut.words(threshold, above=True))),
        ]
