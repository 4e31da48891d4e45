"""ROC and precision-recall curves, thinned for a report without losing their shape."""

from __future__ import annotations

import numpy as np

MAX_POINTS = 200
_DECIMALS = 6


def roc_points(y_true: np.ndarray, y_score: np.ndarray) -> list[list[float]] | None:
    """Return `[false positive rate, true positive rate]` from (0, 0) to (1, 1), or None when one class is missing."""
    tp, fp = _cumulated(y_true, y_score)
    if not tp.size or tp[-1] == 0 or fp[-1] == 0:
        return None
    points = np.column_stack([np.r_[0, fp] / fp[-1], np.r_[0, tp] / tp[-1]])
    return _thinned(points)


def pr_points(y_true: np.ndarray, y_score: np.ndarray) -> list[list[float]] | None:
    """Return `[recall, precision]` at each distinct score, recall rising, or None when no row is positive."""
    tp, fp = _cumulated(y_true, y_score)
    if not tp.size or tp[-1] == 0:
        return None
    return _thinned(np.column_stack([tp / tp[-1], tp / (tp + fp)]))


def gain_points(y_true: np.ndarray, y_score: np.ndarray) -> list[list[float]] | None:
    """Return `[share of rows, share of the positive ones]` from the top of the list down, or None without positives.

    Between two points lie rows of one score, whose order is anybody's guess: the line between them is its mean.
    """
    tp, fp = _cumulated(y_true, y_score)
    if not tp.size or tp[-1] == 0:
        return None
    return _thinned(np.column_stack([np.r_[0, tp + fp] / y_true.size, np.r_[0, tp] / tp[-1]]))


def _cumulated(y_true: np.ndarray, y_score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return true and false positives when everything down to each distinct score is flagged."""
    order = np.argsort(-y_score, kind="stable")
    y, score = y_true[order].astype("int64"), y_score[order]
    ends = np.flatnonzero(np.diff(score, append=-np.inf))
    tp = np.cumsum(y)[ends]
    return tp, ends + 1 - tp


def _thinned(points: np.ndarray) -> list[list[float]]:
    """Return at most MAX_POINTS of the points, evenly spread along the curve's length, both ends among them."""
    if len(points) > MAX_POINTS:
        length = np.r_[0, np.cumsum(np.abs(np.diff(points, axis=0)).sum(axis=1))]
        wanted = np.linspace(0, length[-1], MAX_POINTS)
        kept = np.unique(np.minimum(np.searchsorted(length, wanted), len(points) - 1))
        kept[-1] = len(points) - 1
        points = points[kept]
    rounded: list[list[float]] = points.round(_DECIMALS).tolist()
    return rounded
