"""Rows of two classes with one model's scores, and what several of their metrics need: counts, weights by rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from mlsys.metrics.predictions import Predictions, Resampled, ratio

if TYPE_CHECKING:
    import numpy as np

# A certain and wrong prediction costs 36, not infinity; scikit-learn clips at the same place.
LOG_LOSS_CLIP = 2.0**-52
_SURE = 0.9995  # what an imagined model says of a row that it takes for positive
_SPREAD = 0.0001  # of its scores: equal ones have no ranking


@dataclass(frozen=True)
class Scored(Predictions):
    """Rows of two classes with one model's scores.

    Attributes:
        y_true: `(n_rows,)` int8, 1 = positive.
        y_score: `(n_rows,)` float64, probability of the positive class; finite.
        threshold: `y_score >= threshold` predicts positive; `(n_rows,)` where rows of several models are joined.

    Raises:
        ValueError: different lengths, a label that is neither 0 nor 1, a score that is not finite.
    """

    y_true: np.ndarray
    y_score: np.ndarray
    threshold: float | np.ndarray = 0.5

    def __post_init__(self) -> None:
        import numpy as np

        if self.y_true.shape != self.y_score.shape or self.y_true.ndim != 1:
            raise ValueError(f"labels {self.y_true.shape} and scores {self.y_score.shape} must be equally long")
        if not np.isin(self.y_true, (0, 1)).all():
            raise ValueError("a label is neither 0 nor 1")
        if not np.isfinite(self.y_score).all():
            raise ValueError("a score is not finite")

    @property
    def answers(self) -> np.ndarray:
        """`(n_rows,)` float64 scores."""
        return self.y_score

    @property
    def decisions(self) -> np.ndarray:
        """`(n_rows,)` int8: which of the four outcomes."""
        found: np.ndarray = 2 * self.y_true + self.y_pred
        return found

    def where(self, rows: np.ndarray) -> Self:
        """Return the rows of a mask, or those at some positions."""
        threshold = self.threshold if isinstance(self.threshold, float) else self.threshold[rows]
        return replace(self, y_true=self.y_true[rows], y_score=self.y_score[rows], threshold=threshold)

    def answered(self, answers: np.ndarray) -> Self:
        """Return the same rows with other scores."""
        return replace(self, y_score=answers)

    @classmethod
    def of(cls, y_true: np.ndarray, answers: np.ndarray, *, threshold: float) -> Self:
        """Return labels with scores; those that reach the threshold count as positive."""
        return cls(y_true, answers, threshold)

    @classmethod
    def imagined(cls, n_rows: int, *, wrong: float, threshold: float, seed: int) -> Self:
        """Return rows, half of them positive, with sure scores of which so large a share is wrong."""
        import numpy as np

        y_true = np.repeat(np.array([0, 1], dtype=np.int8), (n_rows + 1) // 2)
        random = np.random.default_rng(seed)
        said = np.where(random.random(y_true.size) < wrong, 1 - y_true, y_true)
        y_score = np.where(said == 1, _SURE, 1 - _SURE) + random.normal(0, _SPREAD, y_true.size)
        return cls(y_true, np.clip(y_score, 1 - _SURE, _SURE), threshold)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of several parts as one; each keeps its threshold."""
        import numpy as np

        y_true, y_score = ([getattr(part, name) for part in parts] for name in ("y_true", "y_score"))
        thresholds = np.concatenate([np.broadcast_to(part.threshold, part.y_true.shape) for part in parts])
        one = parts[0].threshold if thresholds.size == 0 or (thresholds == thresholds[0]).all() else thresholds
        return cls(np.concatenate(y_true), np.concatenate(y_score), one)

    def resampled(self, weights: np.ndarray) -> ResampledScores:
        """Return the rows under `(n_replicates, n_rows)` weightings."""
        return ResampledScores(weights, self)

    def pictures(self) -> dict[str, Any]:
        """Return the curves, thinned, and the confusion matrix."""
        import numpy as np

        from mlsys.metrics.curves import pr_points, roc_points

        counts = self.resampled(np.ones((1, self.y_true.size))).confusion
        return {
            "curves": {
                "roc": roc_points(self.y_true, self.y_score) or [],
                "pr": pr_points(self.y_true, self.y_score) or [],
            },
            "confusion": {name: int(getattr(counts, name)[0]) for name in ("tp", "fp", "fn", "tn")},
        }

    @property
    def said(self) -> np.ndarray:
        """`(n_rows,)` int8 predictions at the threshold."""
        return self.y_pred

    @cached_property
    def y_pred(self) -> np.ndarray:
        """`(n_rows,)` int8 predictions."""
        return (self.y_score >= self.threshold).astype("int8")  # type: ignore[no-any-return]

    @cached_property
    def given_to_truth(self) -> np.ndarray:
        """`(n_rows,)` probability of the true class, clipped as the log loss takes it."""
        import numpy as np

        p = np.clip(self.y_score, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
        found: np.ndarray = np.where(self.y_true == 1, p, 1 - p)
        return found

    @cached_property
    def order(self) -> np.ndarray:
        """`(n_rows,)` row positions by falling score; shared by the ranking metrics."""
        import numpy as np

        return np.argsort(-self.y_score, kind="stable")

    @cached_property
    def ranking(self) -> Ranking:
        """Where positives stand among the negatives; found once, used by every replicate."""
        import numpy as np

        is_positive = self.y_true[self.order] == 1
        positives, negatives = self.order[is_positive], self.order[~is_positive]
        positive_scores, negative_scores = -self.y_score[positives], -self.y_score[negatives]  # both rising
        starts = np.flatnonzero(np.diff(positive_scores, prepend=-np.inf) != 0)
        distinct = positive_scores[starts]
        above = np.searchsorted(negative_scores, distinct, side="left")
        return Ranking(positives, negatives, starts, above, np.searchsorted(negative_scores, distinct, side="right"))


@dataclass(frozen=True)
class Ranking:
    """Rows by falling score, the positives in groups of equal scores.

    Attributes:
        positives, negatives: row positions by falling score.
        starts: `(n_groups,)` where in `positives` a new score begins.
        above: `(n_groups,)` how many negatives have a higher score than the group.
        down_to: `(n_groups,)` how many have a higher or the same score.
    """

    positives: np.ndarray
    negatives: np.ndarray
    starts: np.ndarray
    above: np.ndarray
    down_to: np.ndarray


@dataclass(frozen=True)
class Confusion:
    """Weight of the four outcomes, each `(n_replicates,)` float64."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """`(n_replicates,)` weight of the rows predicted right."""
        found: np.ndarray = self.tp + self.tn
        return found

    @property
    def total(self) -> np.ndarray:
        """`(n_replicates,)` weight of all rows."""
        found: np.ndarray = self.tp + self.fp + self.fn + self.tn
        return found

    @property
    def recalls(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of both classes the weight of what is found, and of all its rows, each `(n_replicates,)`."""
        return [(self.tp, self.tp + self.fn), (self.tn, self.tn + self.fp)]

    @property
    def mean_recall(self) -> np.ndarray:
        """`(n_replicates,)` mean share found of both classes, NaN where one has no rows."""
        both: np.ndarray = sum(ratio(*recall) for recall in self.recalls)  # type: ignore[assignment]
        return both / 2

    @property
    def correlation(self) -> np.ndarray:
        """`(n_replicates,)` correlation of truth and prediction, NaN where one of them is constant."""
        import numpy as np

        tp, fp, fn, tn = self.tp, self.fp, self.fn, self.tn
        # Two roots, because the product of four counts passes 2**53 from 10,000 rows on.
        scale = np.sqrt((tp + fp) * (tp + fn)) * np.sqrt((tn + fp) * (tn + fn))
        return ratio(tp * tn - fp * fn, scale)


@dataclass(frozen=True)
class RankedWeights:
    """Weights along the ranking, each `(n_replicates, n_groups)`.

    Attributes:
        positives: weight of the positives of each group.
        above: weight of the negatives with a higher score than the group.
        down_to: weight of those with a higher or the same score.
    """

    positives: np.ndarray
    above: np.ndarray
    down_to: np.ndarray


@dataclass(frozen=True)
class ResampledScores(Resampled):
    """Rows of two classes under many weightings."""

    scored: Scored

    @property
    def given_to_truth(self) -> np.ndarray:
        """`(n_rows,)` probability of the true class, clipped as the log loss takes it."""
        return self.scored.given_to_truth

    @cached_property
    def confusion(self) -> Confusion:
        """Weighted confusion counts at the threshold."""
        import numpy as np

        actual, predicted = self.scored.y_true, self.scored.y_pred
        indicators = np.column_stack([actual * predicted, actual, predicted, np.ones_like(actual)])
        sums = (self.weights @ indicators.astype(self.weights.dtype)).astype("float64")
        tp, positive, flagged, total = sums.T
        return Confusion(tp, flagged - tp, positive - tp, total - positive - flagged + tp)

    @cached_property
    def down_to(self) -> tuple[np.ndarray, np.ndarray]:
        """Weight of all rows, and of the positive ones, down to each score, `(n_replicates, n_scores + 1)` float64.

        Scores fall; the first column is 0, before any row.
        """
        import numpy as np

        order, scored = self.scored.order, self.scored
        ends = np.flatnonzero(np.diff(scored.y_score[order], append=-np.inf)) + 1
        weights = np.take(self.weights, order, axis=1)
        found = []
        for part in (weights, weights * (scored.y_true[order] == 1)):
            sums = np.zeros((len(part), part.shape[1] + 1))
            np.cumsum(part, axis=1, out=sums[:, 1:])
            found.append(sums[:, np.concatenate([[0], ends])])
        return found[0], found[1]

    @cached_property
    def ranked(self) -> RankedWeights:
        """Weights summed along the ranking by score."""
        import numpy as np

        ranking = self.scored.ranking
        positives = np.take(self.weights, ranking.positives, axis=1)
        if ranking.starts.size < ranking.positives.size:
            positives = np.add.reduceat(positives, ranking.starts, axis=1)
        passed = np.zeros((len(self.weights), ranking.negatives.size + 1), dtype=self.weights.dtype)
        np.cumsum(np.take(self.weights, ranking.negatives, axis=1), axis=1, out=passed[:, 1:])
        above = np.take(passed, ranking.above, axis=1)
        tied = not np.array_equal(ranking.above, ranking.down_to)
        return RankedWeights(positives, above, np.take(passed, ranking.down_to, axis=1) if tied else above)
