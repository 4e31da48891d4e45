"""Clocks that a test sets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


class GivenTime:
    """Stands in for the module `time`: a clock that never jumps."""

    now = 0.0

    def monotonic(self) -> float:
        """Return what was set."""
        return self.now


@dataclass
class GivenClock:
    """Stands in for `clock.now`: a clock on the wall, which somebody may set."""

    at: datetime

    def __call__(self) -> datetime:
        """Return what was set."""
        return self.at

    def jump(self, hours: float) -> None:
        """Set it forward, or back."""
        self.at += timedelta(hours=hours)
