"""What a monitor may look at: current rows, the champion's answers to them, labels, and what it was made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from mlsys.metrics.predictions import Predictions
from mlsys.records import Evaluation, MetricValue
from mlsys.records.monitoring import ConfirmedGain
from mlsys.targets.base import Target

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.monitors.holdout import Holdout


@dataclass(frozen=True)
class Past:
    """What is known of the days that the champion was made from.

    Attributes:
        day: `(n_reference,)` datetime64[D], of the reference's rows.
        y_score: `(n_reference,)` its answers on them, of classes as in the window's `y_score`; it was fitted on them.
        y_true: `(n_reference,)` their labels.
        holdout_day: `(n_holdout,)` datetime64[D].
        leans: by how much its answers change where a column is shuffled, as shares of 1; empty where not known.
    """

    day: np.ndarray
    y_score: np.ndarray
    y_true: np.ndarray
    holdout_day: np.ndarray
    leans: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class WindowAnswers:
    """Rows that the champion has not seen, without their features: `(n_rows,)` each, as in a window.

    Attributes:
        sliced: `(n_rows, n_columns)` columns whose values may be slices, as text or missing; None where none are
            looked at.
    """

    day: np.ndarray
    y_score: np.ndarray
    y_true: np.ndarray
    sliced: pd.DataFrame | None = None

    def where(self, mask: np.ndarray) -> WindowAnswers:
        """Return the rows of a mask `(n_rows,)`."""
        sliced = None if self.sliced is None else self.sliced[mask]
        return WindowAnswers(self.day[mask], self.y_score[mask], self.y_true[mask], sliced)

    def newest(self, length: timedelta, last_day: date) -> WindowAnswers:
        """Return the rows of the last days up to one."""
        import numpy as np

        return self.where(self.day > np.datetime64(last_day - length, "D"))


@dataclass(frozen=True)
class Window:
    """All that a monitor may look at. Current rows are of days and keys that the champion was not made from.

    Attributes:
        last_day: last UTC day of the current rows.
        reference: `(n_reference, n_columns)` training rows of the champion, its feature columns: numbers as float64
            with NaN for missing, categories as objects, str or None.
        holdout_scores: `(n_holdout,)` float64, the champion's answers on its holdout; of classes as in `y_score`.
        rows: `(n_rows, n_columns)` current rows, columns as in `reference`.
        day: `(n_rows,)` datetime64[D].
        y_score: `(n_rows,)` float64, the champion's answers: scores, or predicted numbers; `(n_rows, n_classes)` of
            several classes, as `target.names` has them, 0 for one that it does not know.
        y_true: `(n_rows,)` labels; those that were not known before the cutoff are not `labelled`.
        target: what is predicted; knows which labels are known, and what metrics are made of.
        answered: the rows of as many days as any monitor reaches back to; None where none reaches beyond `rows`.
        past: what is known of the champion's own days; None where rows have to be taken as independent.
        confirmed: what the champion's promotion gained by the first days after it, or None while that is not known.
        texts: columns that the champion takes apart as text; their values hardly ever repeat.
        evaluation: the champion on its holdout when it was judged, or None.
        primary: the spec's primary metric; `directions`: `higher` or `lower` is better, by metric.
        threshold: `y_score >= threshold` predicts positive.
        unknown: those classes of the labels that the champion does not know.
        measure: gives a metric's value with its 95 % interval; the order of rows plays no part.
        leaning: gives by column `(n_rows,)` by how much the champion's answers to rows change where the column's values
            are those of as many other rows; None where its model is not at hand.
        holdout: the champion's holdout row by row, or None where it has none.
    """

    last_day: date
    reference: pd.DataFrame
    holdout_scores: np.ndarray
    rows: pd.DataFrame
    day: np.ndarray
    y_score: np.ndarray
    y_true: np.ndarray
    evaluation: Evaluation | None
    primary: str
    directions: Mapping[str, str]
    threshold: float
    measure: Callable[[str, Predictions], MetricValue]
    target: Target
    leaning: Callable[[pd.DataFrame, pd.DataFrame], Mapping[str, np.ndarray]] | None = None
    holdout: Holdout | None = None
    unknown: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    confirmed: ConfirmedGain | None = None
    answered: WindowAnswers | None = None
    past: Past | None = None

    @property
    def answers(self) -> WindowAnswers:
        """The rows of as many days as are at hand; `rows` where none reaches beyond them."""
        return self.answered or WindowAnswers(self.day, self.y_score, self.y_true, self.rows)

    @property
    def labelled(self) -> np.ndarray:
        """`(n_rows,)` bool: the current rows whose label is known."""
        return self.target.labelled(self.y_true)

    def newest(self, length: timedelta) -> Window:
        """Return the window with the current rows of its last days alone."""
        import numpy as np

        inside = self.day > np.datetime64(self.last_day - length, "D")
        return replace(
            self, rows=self.rows[inside], day=self.day[inside], y_score=self.y_score[inside], y_true=self.y_true[inside]
        )
