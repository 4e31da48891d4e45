"""Metrics of the top of a list: rows are worked through from the highest score down, and only so many of them.

Where the list ends among rows of one score, each of them counts by the chance that it would have been taken: the value
is the mean over all orders of equal rows.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import ratio
from mlsys.metrics.scores import ResampledScores

if TYPE_CHECKING:
    import numpy as np

ShareOfRows = Annotated[float, Field(gt=0, lt=1)]
NumberOfRows = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Top:
    """The top of a list under many weightings, each `(n_replicates,)` float64; a list longer than all rows is NaN.

    Attributes:
        length: rows taken; hits: positive ones among them.
        positives: positive rows of all; rows: all.
    """

    length: np.ndarray
    hits: np.ndarray
    positives: np.ndarray
    rows: np.ndarray


class TopMetric(Metric):
    """A metric of the first rows by falling score.

    Attributes:
        k: how many: a share of the rows, such as 0.05 (rounded down, at least one row), or a number, such as 100. A
            number means another part of a holdout than of a monitor's window; a share does not.
    """

    ranks = True
    needs = "k"
    k: NumberOfRows | ShareOfRows = 0.1

    def replicates(self, resampled: ResampledScores) -> np.ndarray:
        """Return `(n_replicates,)` values, NaN where undefined."""
        return self._of(top(resampled, self.k))

    @abstractmethod
    def _of(self, top: Top) -> np.ndarray: ...


class PrecisionAtK(TopMetric):
    """`hits / k`: share of the first rows that are positive."""

    kind: Literal["precision_at_k"] = "precision_at_k"
    direction = "higher"
    title = "Precision at k"
    undefined_when = "there are fewer rows than k"

    def _of(self, top: Top) -> np.ndarray:
        return ratio(top.hits, top.length)


class RecallAtK(TopMetric):
    """`hits / positives`: share of the positive rows that stand among the first ones."""

    kind: Literal["recall_at_k"] = "recall_at_k"
    direction = "higher"
    title = "Recall at k"
    undefined_when = "no row is positive, or there are fewer rows than k"

    def _of(self, top: Top) -> np.ndarray:
        return ratio(top.hits, top.positives)


class LiftAtK(TopMetric):
    """`(hits / k) / (positives / n)`: how many times as many of the first rows are positive as of all."""

    kind: Literal["lift_at_k"] = "lift_at_k"
    direction = "higher"
    title = "Lift at k"
    unit = "lift"
    undefined_when = "no row is positive, or there are fewer rows than k"

    def _of(self, top: Top) -> np.ndarray:
        return ratio(top.hits * top.rows, top.length * top.positives)


def top(resampled: ResampledScores, k: float) -> Top:
    """Return what stands among the first `k` rows: a number of them, or, of type float, a share."""
    import numpy as np

    all_rows, positives = resampled.down_to
    n_rows, n_positive = all_rows[:, -1], positives[:, -1]
    length = np.full(n_rows.shape, float(k)) if isinstance(k, int) else np.maximum(np.floor(k * n_rows + 1e-9), 1.0)
    length = np.where(length <= n_rows, length, np.nan)
    if not n_rows.size:
        return Top(length, n_positive, n_positive, n_rows)
    # The group of equal scores in which the list ends; column 0 of the sums is the beginning of the list.
    end = np.minimum((all_rows[:, 1:] < length[:, None]).sum(axis=1), all_rows.shape[1] - 2)
    lines = np.arange(len(end))
    before, after = all_rows[lines, end], all_rows[lines, end + 1]
    taken = ratio(length - before, after - before)
    hits = positives[lines, end] + taken * (positives[lines, end + 1] - positives[lines, end])
    return Top(length, hits, n_positive, n_rows)
