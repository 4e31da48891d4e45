"""Clocks that a test sets."""

from __future__ import annotations


class GivenTime:
    """Stands in for the module `time`."""

    now = 0.0

    def monotonic(self) -> float:
        """Return what was set."""
        return self.now
