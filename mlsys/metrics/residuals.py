"""What a report draws of a regression: predictions against truth, the spread of errors, errors by size of the truth."""

from __future__ import annotations

import numpy as np

MOST_POINTS, BINS, PARTS = 400, 30, 10
_DIGITS = 7  # significant ones: a drawing shows three


def points(y_true: np.ndarray, y_pred: np.ndarray) -> list[list[float]]:
    """Return `[true, predicted]` of at most `MOST_POINTS` rows, evenly spread over the rows by rising truth."""
    order = np.lexsort((y_pred, y_true))
    kept = order[np.unique(np.linspace(0, order.size - 1, min(order.size, MOST_POINTS)).round().astype(int))]
    return [[_short(y_true[i]), _short(y_pred[i])] for i in kept]


def error_bins(error: np.ndarray) -> list[list[float]]:
    """Return `[from, to, rows]` of bins of equal width over the errors but for the outermost hundredths.

    Errors beyond count in the first and the last bin, so that the rows add up.
    """
    if not error.size:
        return []
    low, high = np.quantile(error, [0.01, 0.99])
    if low == high:
        return [[_short(low), _short(high), int(error.size)]]
    edges = np.linspace(low, high, BINS + 1)
    counts, _ = np.histogram(np.clip(error, low, high), bins=edges)
    return [[_short(a), _short(b), int(n)] for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)]


def tenths(y_true: np.ndarray, error: np.ndarray) -> list[list[float]]:
    """Return `[least truth, greatest truth, mean error, mean absolute error, rows]` of tenths by rising truth.

    Rows of one truth are never parted, so there may be fewer.
    """
    order = np.argsort(y_true, kind="stable")
    truth, error = y_true[order], error[order]
    if not truth.size:
        return []
    cuts = truth[np.linspace(0, truth.size, PARTS + 1).astype(int)[1:-1]]
    edges = np.unique(np.searchsorted(truth, cuts))
    return [
        [_short(t[0]), _short(t[-1]), _short(e.mean()), _short(np.abs(e).mean()), int(t.size)]
        for t, e in zip(np.split(truth, edges), np.split(error, edges), strict=True)
        if t.size
    ]


def _short(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")
