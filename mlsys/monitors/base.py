"""The contract of a monitor: one look at the champion's newest rows, against those it was made from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pydantic import field_validator

from mlsys.components import Component
from mlsys.durations import Duration, duration_text
from mlsys.metrics.predictions import Predictions
from mlsys.records import Evaluation, MetricValue
from mlsys.records.monitoring import ConfirmedGain, MonitorResult
from mlsys.targets.base import Target

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.monitors.holdout import Holdout


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
        confirmed: what the champion's promotion gained by the first days after it, or None while that is not known.
        texts: columns that the champion takes apart as text; their values hardly ever repeat.
        evaluation: the champion on its holdout when it was judged, or None.
        primary: the spec's primary metric; `directions`: `higher` or `lower` is better, by metric.
        threshold: `y_score >= threshold` predicts positive.
        unknown: those classes of the labels that the champion does not know.
        measure: gives a metric's value with its 95 % interval; the order of rows plays no part.
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
    holdout: Holdout | None = None
    unknown: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    confirmed: ConfirmedGain | None = None

    @property
    def labelled(self) -> np.ndarray:
        """`(n_rows,)` bool: the current rows whose label is known."""
        return self.target.labelled(self.y_true)

    def newest(self, length: timedelta) -> Window:
        """Return the window with the current rows of its last days alone."""
        import numpy as np

        inside = self.day > np.datetime64(self.last_day - length, "D")
        kept = {name: getattr(self, name)[inside] for name in ("rows", "day", "y_score", "y_true")}
        return replace(self, **kept)


class Monitor(Component, ABC):
    """One thing watched.

    Attributes:
        window: how far back it looks, in whole days.
    """

    window: Duration = timedelta(days=7)

    @field_validator("window")
    @classmethod
    def _whole_days(cls, value: timedelta) -> timedelta:
        if value < timedelta(days=1) or value % timedelta(days=1):
            raise ValueError("A window is one or more whole days, for example 7d")
        return value

    @abstractmethod
    def look(self, window: Window) -> MonitorResult:
        """Return what it saw in its window; without enough evidence that is `inconclusive`, never a pass."""

    def over(self, what: str) -> str:
        """Return a name for people: what is watched, over how many days."""
        return f"{what} over {duration_text(self.window)}"

    def inconclusive(self, name: str, reason: str, sentence: str, *, n_rows: int) -> MonitorResult:
        """Return a finding without a verdict: what it takes to judge is missing."""
        return MonitorResult(
            monitor=self.kind, name=name, state="inconclusive", sentence=sentence, reason=reason, n_rows=n_rows
        )
