"""The newest row must be recent, in data time: old runs are judged as they would have been on their day."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from mlsys.durations import Duration, duration_text, in_words
from mlsys.gates.base import Evidence, Gate
from mlsys.records import GateResult


class Freshness(Gate):
    """From the newest event to the cutoff at most `max_age` may pass; a source without time has no age.

    Attributes:
        max_age: from the newest row to the cutoff.
    """

    kind: Literal["freshness"] = "freshness"
    max_age: Duration = timedelta(days=3)

    def judge(self, evidence: Evidence) -> GateResult:
        """Return whether the newest event is recent; observed, limit and distance are in hours."""
        name, newest = f"newest row at most {duration_text(self.max_age)} old", evidence.snapshot.newest_event
        if newest is None:
            sentence = "The source has no event time, so its rows have no age."
            return GateResult(gate=self.kind, name=name, state="pass", sentence=sentence)
        cutoff = evidence.plan.cutoff
        age = cutoff - newest
        fresh = age <= self.max_age
        return GateResult(
            gate=self.kind,
            name=name,
            state="pass" if fresh else "fail",
            observed=_hours(age),
            observed_as="age of the newest row",
            needs="<=",
            limit=_hours(self.max_age),
            distance=_hours(self.max_age - age),
            unit="hours",
            sentence=f"The newest row ({newest:%Y-%m-%d %H:%M} UTC) is {in_words(age)} older than the cutoff "
            f"({cutoff:%Y-%m-%d %H:%M} UTC); at most {in_words(self.max_age)} are allowed.",
            reason=None if fresh else "stale",
        )


def _hours(value: timedelta) -> float:
    return value.total_seconds() / 3600
