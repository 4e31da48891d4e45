"""How well one column alone tells a label: ROC-AUC and rank correlation of the orders that its values allow.

The drafts of `mlsys init` and the flaws of a run's data judge columns by the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_BINS = 30
_MOST_CATEGORIES = 0.1  # of the rows: beyond, a category's own rows are too few to judge it by


def orderings(
    numbers: np.ndarray | None, codes: np.ndarray, y: np.ndarray, *, by_bins: bool = False
) -> Iterator[np.ndarray]:
    """Yield `(n_rows,)` numbers by which a column could order rows whose truth is `y`.

    Args:
        numbers: `(n_rows,)` float64, NaN where missing; None of a column of categories.
        codes: `(n_rows,)` whole numbers of its different values, -1 where missing.
        y: `(n_rows,)` float64: 0 and 1, or numbers.
        by_bins: what is told may lie between two other values, as a class may.
    """
    import numpy as np

    known = codes >= 0
    if not known.any():
        return
    if not known.all():
        yield known.astype(np.float64)
    if numbers is None:
        if len(np.unique(codes)) <= max(2, _MOST_CATEGORIES * len(codes)):
            yield means_of_others(codes + 1, y)
        return
    low = np.nanmin(numbers) - 1
    yield np.where(np.isnan(numbers), low, numbers)
    if by_bins:
        edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1]))
        yield means_of_others(np.searchsorted(edges, numbers, side="right"), y)


def means_of_others(codes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return for each row the mean truth of its category in the other half of the rows.

    Not the mean of all other rows: that one is lower for each positive row than for a negative one of its category.
    """
    import numpy as np

    half, n = np.random.default_rng(0).integers(0, 2, len(codes)), int(codes.max()) + 1
    found = np.empty(len(codes))
    for side in (0, 1):
        there = half != side
        means = means_by_code(codes[there], y[there], size=n, otherwise=float(y.mean()))
        found[half == side] = means[codes[half == side]]
    return found


def means_by_code(codes: np.ndarray, y: np.ndarray, *, size: int, otherwise: float | None = None) -> np.ndarray:
    """Return the `(size,)` mean truth of the rows of each code; the mean of all, or `otherwise`, where none has it."""
    import numpy as np

    sums, counts = (np.bincount(codes, weights=weights, minlength=size) for weights in (y, None))
    found: np.ndarray = np.where(counts > 0, sums / np.maximum(counts, 1), y.mean() if otherwise is None else otherwise)
    return found


def auc(y: np.ndarray, score: np.ndarray) -> float:
    """Return the ROC-AUC of a score for truths of 0 and 1, in its better direction."""
    area = directed_auc(y, score)
    return max(area, 1 - area)


def directed_auc(y: np.ndarray, score: np.ndarray) -> float:
    """Return the ROC-AUC of a score: above one half where higher scores go with 1."""
    from scipy.stats import rankdata

    ranks = rankdata(score)
    n_positive = int(y.sum())
    n_negative = len(y) - n_positive
    return float((ranks[y == 1].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def rank_correlation(score: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's correlation, 0 where either is the same in every row."""
    import numpy as np
    from scipy.stats import rankdata

    if np.ptp(score) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(score), rankdata(y))[0, 1])
