"""Rows as the states of a table: numbers and rates in a few bins, categories by their codes, all as one whole number.

Categories of which many have few rows, such as schools, enter by the rate at which their training rows succeeded
(Micci-Barreca, SIGKDD Explorations 3, 2001), drawn towards the overall rate where they are few. A training row's own
result is left out of its rate. Codes would claim that schools had an order, and a column for each of them that every
school was a world of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlsys.features.base import FeatureColumns

if TYPE_CHECKING:
    import numpy as np

_MOST_STATES = 2**53  # whole numbers that float64 has


def features(columns: FeatureColumns, *, rates: Sequence[str], codes: Sequence[str]) -> Any:
    """Return the unfitted transformer of raw rows to `(n_rows, n_features)` numbers; it is fitted with successes."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import OrdinalEncoder, TargetEncoder

    parts: list[tuple[str, Any, list[str]]] = []
    if columns.numeric:
        parts.append(("numbers", SimpleImputer(strategy="median", keep_empty_features=True), list(columns.numeric)))
    if codes:
        coder = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1, min_frequency=0.005
        )
        parts.append(("codes", coder, list(codes)))
    if rates:
        parts.append(("rates", TargetEncoder(target_type="binary", cv=StratifiedKFold(5)), list(rates)))
    return ColumnTransformer(parts, sparse_threshold=0.0)


def edges_of(values: np.ndarray, bins: int) -> np.ndarray:
    """Return the rising edges between at most so many bins of like size; few different values have a bin each."""
    import numpy as np

    known = np.unique(values)
    if known.size <= bins:
        between: np.ndarray = (known[1:] + known[:-1]) / 2
        return between
    inner = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="higher"))
    found: np.ndarray = inner[inner > known[0]]
    return found


def numbering(edges: Sequence[np.ndarray]) -> Any:
    """Return the transformer of features to `(n_rows, 1)` numbers of states.

    Raises:
        ValueError: the features have more combinations than a number can tell apart.
    """
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    sizes = [len(inner) + 1 for inner in edges]
    if np.prod(np.array(sizes, dtype="float64")) > _MOST_STATES:
        raise ValueError(f"{len(sizes)} features of {min(sizes)} to {max(sizes)} bins give too many states: use fewer")
    radix = np.cumprod([1, *sizes[:-1]]).astype("float64").reshape(-1, 1)
    binned = [
        (f"bin{place}", FunctionTransformer(np.digitize, kw_args={"bins": inner}), [place])
        for place, inner in enumerate(edges)
    ]
    together = FunctionTransformer(np.dot, kw_args={"b": radix})
    return Pipeline([("bins", ColumnTransformer(binned, sparse_threshold=0.0)), ("number", together)])


def bins_of(numbering: Any, numbers: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Return `(n_states, n_features)` int64, the bin of each feature in which `(n_states,)` states lie, and how many
    bins each feature has; `numbering` is fitted."""
    import numpy as np

    parts = numbering.named_steps["bins"].transformers_
    sizes = [len(part.kw_args["bins"]) + 1 for _, part, _ in parts]
    return np.stack(np.unravel_index(numbers.astype("int64"), sizes, order="F"), axis=1), sizes


def told(number: float, names: Sequence[str], edges: Sequence[np.ndarray]) -> list[str]:
    """Return a state in words, feature by feature: the bounds of its bins."""
    found, rest = [], int(number)
    for name, inner in zip(names, edges, strict=True):
        rest, place = divmod(rest, len(inner) + 1)
        plain = name.partition("__")[2]
        if not len(inner):
            continue
        low = "" if place == 0 else f"{inner[place - 1]:.4g} ≤ "
        high = "" if place == len(inner) else f" < {inner[place]:.4g}"
        found.append(f"{low}{plain}{high}")
    return found
