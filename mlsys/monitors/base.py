"""The contract of a monitor: one look at the champion's newest rows, against those it was made from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta

from pydantic import field_validator

from mlsys.components import Component
from mlsys.durations import Duration, duration_text
from mlsys.monitors.window import Past, Window, WindowAnswers
from mlsys.records.monitoring import MonitorResult

__all__ = ["Monitor", "Past", "Window", "WindowAnswers"]


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

    @property
    def reach(self) -> timedelta:
        """How far back it looks at answers and labels; features are those of its window."""
        return self.window

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns whose values it tells apart, whether or not the champion sees them."""
        return ()

    @property
    def estimates(self) -> bool:
        """Whether its results hold an `estimate`, which is held against the real value when labels have come."""
        return False

    @property
    def of_served(self) -> bool:
        """Whether it looks at the rows that were answered live, in place of the source's."""
        return False

    @abstractmethod
    def look(self, window: Window) -> MonitorResult:
        """Return what it saw in its window; without enough evidence that is `inconclusive`, never a pass."""

    def over(self, what: str) -> str:
        """Return a name for people: what is watched, on which rows, over how many days."""
        return f"{what}{' of served rows' if self.of_served else ''} over {duration_text(self.window)}"

    def inconclusive(self, name: str, reason: str, sentence: str, *, n_rows: int) -> MonitorResult:
        """Return a finding without a verdict: what it takes to judge is missing."""
        return MonitorResult(
            monitor=self.kind, name=name, state="inconclusive", sentence=sentence, reason=reason, n_rows=n_rows
        )
