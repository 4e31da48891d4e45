"""How much each row moves a metric: with weights w, one per row on average, it is about `value + mean(w * influence)`.

From it follow standard errors without resamples (the infinitesimal jackknife; Efron and Tibshirani 1993, section
11.5), whether rows of a group pull the same way, and which rows a decision rests on. Values sum to 0 but for rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlsys.metrics.predictions import Predictions
    from mlsys.metrics.scores import Scored


def of_mean(values: np.ndarray) -> np.ndarray:
    """Return the influence on the mean of `(n_rows,)` values."""
    centred: np.ndarray = values - values.mean()
    return centred


def of_decisions(measure: Callable[[Any], np.ndarray], predictions: Predictions) -> np.ndarray | None:
    """Return the influence on what only counts rows by their decision: what leaving one of them out does.

    Rows of one decision count alike, so that one of each is tried. `measure` gives `(n_replicates,)` values of
    resampled predictions. None where it is undefined without one of the rows.
    """
    decisions = predictions.decisions
    if decisions is None:
        return None
    _, first, kind, sizes = np.unique(decisions, return_index=True, return_inverse=True, return_counts=True)
    n_rows = decisions.size
    left = np.vstack([sizes, sizes - np.eye(sizes.size)]).astype("float64")
    value, *without = measure(predictions.where(first).resampled(left))
    found: np.ndarray = (n_rows - 1) * (value - np.array(without))[kind]
    return of_mean(found) if np.isfinite(found).all() else None


def of_area(scored: Scored) -> np.ndarray | None:
    """Return the influence on the area under the ROC curve; None unless both classes have two rows.

    These are DeLong's placements (Biometrics 44, 1988) by midranks (Sun and Xu, IEEE SPL 21, 2014). The factors of
    n / (n - 1) that make his variance unbiased are in them: its root is that of the sum of squares, over all rows.
    """
    is_positive = scored.y_true == 1
    n_positive, n_negative = int(is_positive.sum()), int((~is_positive).sum())
    if min(n_positive, n_negative) < 2:
        return None
    all_ranks = _midranks(scored.y_score)
    found = np.empty(scored.y_true.size)
    for mask, n, others, sign in ((is_positive, n_positive, n_negative, 1), (~is_positive, n_negative, n_positive, -1)):
        beaten = (all_ranks[mask] - _midranks(scored.y_score[mask])) / others  # share of the other class below
        found[mask] = sign * (beaten - beaten.mean()) * found.size / np.sqrt(n * (n - 1.0))
    return found


def of_average_precision(scored: Scored) -> np.ndarray | None:
    """Return the influence on the average precision; None where no row is positive."""
    order = scored.order
    positive = (scored.y_true[order] == 1).astype("float64")
    n_positive = positive.sum()
    if not n_positive:
        return None
    ends = np.flatnonzero(np.diff(scored.y_score[order], append=-np.inf))
    group = np.repeat(np.arange(ends.size), np.diff(ends, prepend=-1))
    found, flagged = np.cumsum(positive)[ends], ends + 1.0
    gained = np.diff(found, prepend=0.0)
    precision = found / flagged
    # A row stands in the precision of its own score and of all lower ones.
    as_positive = _from_here_on(gained * (flagged - found) / flagged**2)
    as_negative = -_from_here_on(gained * found / flagged**2)
    value = (gained * precision).sum()
    moved = np.where(positive == 1, precision[group] + as_positive[group] - value / n_positive, as_negative[group])
    influence = np.empty(order.size)
    influence[order] = moved * order.size / n_positive
    return influence


def of_median(values: np.ndarray) -> np.ndarray:
    """Return the influence on the median of `(n_rows,)` values; the density there is taken from the nearest of them."""
    n, middle = values.size, np.median(values)
    half = min(0.25, 0.5 * n ** (-1 / 3))  # of the rows on either side (Bofinger, Austral. J. Stat. 17, 1975: the rate)
    low, high = np.quantile(values, [0.5 - half, 0.5 + half])
    found: np.ndarray = of_mean(np.sign(values - middle)) * (high - low) / (4 * half)
    return found


def _midranks(values: np.ndarray) -> np.ndarray:
    """Return `(n,)` ranks from 1 on; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: np.ndarray = (ends - (counts - 1) / 2)[place]
    return ranks


def _from_here_on(values: np.ndarray) -> np.ndarray:
    """Return the sums of each value and all after it."""
    sums: np.ndarray = np.cumsum(values[::-1])[::-1]
    return sums
