"""What wrong decisions cost, and the threshold by which they cost least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.components import Frozen
from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import ResampledScores

if TYPE_CHECKING:
    import numpy as np

MOST_POINTS = 200


class Costs(Frozen):
    """What one wrong decision costs, in any unit; right ones cost nothing.

    Attributes:
        false_positive: of calling a negative row positive: a useless call, say.
        false_negative: of missing a positive row.
    """

    false_positive: float = Field(default=1.0, gt=0)
    false_negative: float = Field(default=1.0, gt=0)

    @property
    def break_even(self) -> float:
        """The probability from which on a call is worth its cost, where scores are right (Elkan, IJCAI 2001)."""
        return self.false_positive / (self.false_positive + self.false_negative)


class Cost(Metric):
    """`(false_positive * fp + false_negative * fn) / n`: mean cost of a row's decision at the threshold."""

    kind: Literal["cost"] = "cost"
    direction = "lower"
    title = "Cost per row"
    unit = "cost"
    scale = "log"
    undefined_when = "no rows"
    needs = "costs"
    costs: Costs = Costs()

    def replicates(self, resampled: ResampledScores) -> np.ndarray:
        """Return `(n_replicates,)` mean costs, NaN where no row has weight."""
        import numpy as np

        scored = resampled.scored
        wrong = np.where(scored.y_true == 1, self.costs.false_negative, self.costs.false_positive)
        return resampled.mean(np.where(scored.y_pred == scored.y_true, 0.0, wrong))

    def influence(self, predictions: Predictions) -> np.ndarray | None:
        """Return what leaving out one row of each outcome does."""
        from mlsys.metrics.influence import of_decisions

        return of_decisions(self.replicates, predictions)


def cheapest(y_true: np.ndarray, y_score: np.ndarray, costs: Costs) -> float:
    """Return the threshold with the least cost on `(n_rows,)` labels and scores, of both classes.

    It lies midway between two neighbouring scores, or between an end and 0 or 1. Of several that cost the same the one
    nearest to the break-even probability is taken. With a score of 1 no threshold within [0, 1] calls nobody; then
    the next number above 1 does.
    """
    import numpy as np

    scores, cost = _costs(y_true, y_score, costs)
    above = 1.0 if not scores.size or scores[0] < 1 else float(np.nextafter(1.0, 2.0))
    # The cost of calling the rows down to each distinct score, none at first; a threshold between two of them.
    edges = np.concatenate([[above], scores, [0.0]])
    middles = edges[:-1] + (edges[1:] - edges[:-1]) / 2
    middles[0] = above if above > 1 else middles[0]
    middles = np.where(middles > edges[1:], middles, edges[:-1])  # neighbouring floats have nothing between them
    best = np.flatnonzero(np.isclose(cost, cost.min(), rtol=1e-12, atol=0))
    return float(middles[best[np.abs(middles[best] - costs.break_even).argmin()]])


def cost_points(y_true: np.ndarray, y_score: np.ndarray, costs: Costs) -> list[list[float]]:
    """Return `[share of rows called, cost per row]`, from calling none to calling all, thinned; empty without rows."""
    import numpy as np

    if not y_true.size:
        return []
    scores, cost = _costs(y_true, y_score, costs)
    called = np.concatenate([[0], np.searchsorted(np.sort(-y_score), -scores, side="right")]) / y_true.size
    kept = np.unique(np.linspace(0, called.size - 1, min(called.size, MOST_POINTS)).round().astype(int))
    points: list[list[float]] = np.column_stack([called, cost / y_true.size])[kept].round(6).tolist()
    return points


def _costs(y_true: np.ndarray, y_score: np.ndarray, costs: Costs) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct scores, falling, and the `(n + 1,)` cost of calling none, and all down to each of them."""
    import numpy as np

    order = np.argsort(-y_score, kind="stable")
    y, score = y_true[order].astype("int64"), y_score[order]
    ends = np.flatnonzero(np.diff(score, append=-np.inf))
    tp = np.concatenate([[0], np.cumsum(y)[ends]])
    fp = np.concatenate([[0], ends + 1]) - tp
    cost: np.ndarray = costs.false_positive * fp + costs.false_negative * (y.sum() - tp)
    return score[ends], cost
