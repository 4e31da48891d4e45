"""Rows of several classes with one model's probabilities, and what several of their metrics need, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from mlsys.metrics.predictions import Predictions, Resampled, ratio
from mlsys.metrics.scores import LOG_LOSS_CLIP, ResampledScores, Scored

if TYPE_CHECKING:
    import numpy as np

_IMAGINED, _SURE, _SPREAD = 3, 0.9995, 0.0001


@dataclass(frozen=True)
class Classified(Predictions):
    """Rows of several classes with one model's probabilities.

    Attributes:
        y_true: `(n_rows,)` whole numbers, which column of the probabilities is that of the true class.
        y_score: `(n_rows, n_classes)` float64 probabilities; finite. They add up to less than 1 where the model
            knows classes that these rows can't have; a class that it does not know has 0.

    Raises:
        ValueError: different lengths, a label without a column, a probability that is not finite.
    """

    y_true: np.ndarray
    y_score: np.ndarray

    def __post_init__(self) -> None:
        import numpy as np

        if self.y_score.ndim != 2 or self.y_true.shape != self.y_score.shape[:1]:
            raise ValueError(f"labels {self.y_true.shape} and probabilities {self.y_score.shape} must be equally long")
        if self.y_true.size and not 0 <= self.y_true.min() <= self.y_true.max() < self.n_classes:
            raise ValueError(f"a label is none of the {self.n_classes} classes")
        if not np.isfinite(self.y_score).all():
            raise ValueError("a probability is not finite")

    @property
    def n_classes(self) -> int:
        """How many classes have a column."""
        return int(self.y_score.shape[1])

    @property
    def answers(self) -> np.ndarray:
        """`(n_rows, n_classes)` float64 probabilities."""
        return self.y_score

    @property
    def expected(self) -> tuple[np.ndarray, np.ndarray]:
        """`(n_rows,)` probability of the class that was said, and whether it was right."""
        return self.y_score.max(axis=1, initial=0.0), (self.y_pred == self.y_true).astype("float64")

    @property
    def decisions(self) -> np.ndarray:
        """`(n_rows,)` int64: which true class is taken for which."""
        import numpy as np

        found: np.ndarray = self.y_true * np.int64(self.n_classes) + self.y_pred
        return found

    def where(self, rows: np.ndarray) -> Self:
        """Return the rows of a mask, or those at some positions."""
        return replace(self, y_true=self.y_true[rows], y_score=self.y_score[rows])

    def answered(self, answers: np.ndarray) -> Self:
        """Return the same rows with other probabilities."""
        return replace(self, y_score=answers)

    @classmethod
    def of(cls, y_true: np.ndarray, answers: np.ndarray, *, threshold: float) -> Self:  # noqa: ARG003 - of two classes
        """Return labels with probabilities; the class with the highest one is what the model says."""
        return cls(y_true, answers)

    @classmethod
    def imagined(cls, n_rows: int, *, wrong: float, threshold: float, seed: int) -> Self:  # noqa: ARG003 - as in `of`
        """Return rows of three classes, with sure probabilities of which so large a share is wrong."""
        import numpy as np

        random = np.random.default_rng(seed)
        y_true = (np.arange(n_rows) % _IMAGINED).astype(np.int16)
        said = np.where(random.random(n_rows) < wrong, (y_true + 1) % _IMAGINED, y_true)
        y_score = np.full((n_rows, _IMAGINED), (1 - _SURE) / (_IMAGINED - 1))
        y_score[np.arange(n_rows), said] = _SURE
        y_score = y_score * np.exp(random.normal(0, _SPREAD, y_score.shape))  # equal ones have no ranking
        return cls(y_true, y_score / y_score.sum(axis=1, keepdims=True))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of several parts as one."""
        import numpy as np

        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("y_true", "y_score")))

    def resampled(self, weights: np.ndarray) -> ResampledClasses:
        """Return the rows under `(n_replicates, n_rows)` weightings."""
        return ResampledClasses(weights, self)

    def pictures(self) -> dict[str, Any]:
        """Return how many rows of each class were said to be of which: a row of counts for each true class."""
        import numpy as np

        cells = np.bincount(self.decisions, minlength=self.n_classes**2)
        return {"said_of": cells.reshape(self.n_classes, self.n_classes).tolist()}

    @property
    def said(self) -> np.ndarray:
        """`(n_rows,)` int64, the most probable class."""
        return self.y_pred

    @property
    def loss(self) -> np.ndarray:
        """`(n_rows,)` squared distance of the probabilities from the truth, over all classes (Brier 1950)."""
        import numpy as np

        found: np.ndarray = ((self.y_score - (self.y_true[:, None] == np.arange(self.n_classes))) ** 2).sum(axis=1)
        return found

    @cached_property
    def y_pred(self) -> np.ndarray:
        """`(n_rows,)` int64, the class with the highest probability, of equal ones the first."""
        import numpy as np

        found: np.ndarray = np.argmax(self.y_score, axis=1)
        return found

    @cached_property
    def against_the_rest(self) -> list[Scored]:
        """The same rows as two classes, once for each class: this one, or another."""
        return [Scored((self.y_true == i).astype("int8"), self.y_score[:, i]) for i in range(self.n_classes)]

    @cached_property
    def given_to_truth(self) -> np.ndarray:
        """`(n_rows,)` probability of the true class, clipped as the log loss takes it."""
        import numpy as np

        p = self.y_score[np.arange(self.y_true.size), self.y_true]
        clipped: np.ndarray = np.clip(p, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
        return clipped


@dataclass(frozen=True)
class ClassCounts:
    """Weight by class, each `(n_replicates, n_classes)` float64.

    Attributes:
        hits: of the rows of a class that were said to be of it; actual: of its rows; said: of those said to be of it.
    """

    hits: np.ndarray
    actual: np.ndarray
    said: np.ndarray

    @property
    def right(self) -> np.ndarray:
        """`(n_replicates,)` weight of the rows predicted right."""
        total: np.ndarray = self.hits.sum(axis=1)
        return total

    @property
    def total(self) -> np.ndarray:
        """`(n_replicates,)` weight of all rows."""
        total: np.ndarray = self.actual.sum(axis=1)
        return total

    @property
    def recalls(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each class the weight of what is found, and of all its rows, each `(n_replicates,)`."""
        return list(zip(self.hits.T, self.actual.T, strict=True))

    @property
    def mean_recall(self) -> np.ndarray:
        """`(n_replicates,)` mean share found of the classes that have rows, NaN where fewer than two have."""
        import numpy as np

        there = self.actual > 0
        n_there = there.sum(axis=1)
        shares = np.where(there, self.hits / np.where(there, self.actual, 1), 0)
        return ratio(shares.sum(axis=1), np.where(n_there > 1, n_there, 0).astype("float64"))

    @property
    def correlation(self) -> np.ndarray:
        """`(n_replicates,)` correlation of truth and prediction (R_K of Gorodkin 2004), NaN where one is constant."""
        import numpy as np

        n, shares = self.total, [side / np.where(self.total > 0, self.total, 1)[:, None] for side in self._sides]
        spread = np.sqrt(
            np.prod([np.where((s > 0).sum(axis=1) > 1, 1 - (s**2).sum(axis=1), 0) for s in shares], axis=0)
        )
        chance = (shares[0] * shares[1]).sum(axis=1)
        return ratio(ratio(self.right, n) - chance, spread)

    @property
    def _sides(self) -> tuple[np.ndarray, np.ndarray]:
        return self.actual, self.said


@dataclass(frozen=True)
class ResampledClasses(Resampled):
    """Rows of several classes under many weightings."""

    classified: Classified

    @property
    def given_to_truth(self) -> np.ndarray:
        """`(n_rows,)` probability of the true class, clipped as the log loss takes it."""
        return self.classified.given_to_truth

    @cached_property
    def confusion(self) -> ClassCounts:
        """Weight by class of hits, true and predicted rows."""
        rows = self.classified
        return ClassCounts(
            self._by_class(rows.y_true, rows.y_true == rows.y_pred),
            self._by_class(rows.y_true),
            self._by_class(rows.y_pred),
        )

    @cached_property
    def areas(self) -> np.ndarray:
        """`(n_replicates, n_classes)` area under the ROC curve of each class against the rest, NaN where undefined."""
        import numpy as np

        from mlsys.metrics.binary_scores import RocAuc

        measure = RocAuc()
        found = [measure.replicates(ResampledScores(self.weights, each)) for each in self.classified.against_the_rest]
        return np.stack(found, axis=1) if found else np.empty((len(self.weights), 0))

    def _by_class(self, of: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
        """Return `(n_replicates, n_classes)` float64 weight of the rows by a class `(n_rows,)`, of some rows alone."""
        import numpy as np

        found = np.zeros((len(self.weights), self.classified.n_classes))
        places = np.arange(of.size) if kept is None else np.flatnonzero(kept)
        places = places[np.argsort(of[places], kind="stable")]
        if places.size:
            present, starts = np.unique(of[places], return_index=True)
            # Whole numbers whose sum is exact in the weights' type: in whatever order they are added.
            found[:, present] = np.add.reduceat(np.take(self.weights, places, axis=1), starts, axis=1)
        return found
