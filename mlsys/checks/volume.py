"""The rule about how many rows a day brings, and how old the newest may be."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from mlsys.checks.base import Check, Finding, Summaries
from mlsys.checks.bounds import in_words, require_limits
from mlsys.durations import Duration, duration_text
from mlsys.wording import counted


class RowCount(Check):
    """The newest day has between `min_rows` and `max_rows` rows.

    Attributes:
        min_rows: fewest rows of the day; None = no limit.
        max_rows: most rows of the day; None = no limit.
    """

    scope = "snapshot"
    rowwise = False

    kind: Literal["row_count"] = "row_count"
    min_rows: int | None = Field(default=None, ge=0)
    max_rows: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _limited(self) -> Self:
        require_limits(self.kind, ("min_rows", self.min_rows), ("max_rows", self.max_rows))
        return self

    @property
    def title(self) -> str:
        """What the check demands."""
        return f"{in_words(self.min_rows, self.max_rows)} rows on the newest day"

    def judge(self, summaries: Summaries) -> Finding:
        """Return the verdict."""
        if not summaries.partitions:
            return Finding("inconclusive", "the snapshot has no partition")
        newest = summaries.partitions[-1]
        too_few = self.min_rows is not None and newest.n_rows < self.min_rows
        too_many = self.max_rows is not None and newest.n_rows > self.max_rows
        return Finding("fail" if too_few or too_many else "pass", f"{counted(newest.n_rows, 'row')} on {newest.day}")


class Recency(Check):
    """The newest event lies at most `max_age` before the run's cutoff: data time, never the wall clock.

    Attributes:
        max_age: from the newest event to the cutoff.
    """

    scope = "snapshot"
    rowwise = False

    kind: Literal["recency"] = "recency"
    max_age: Duration

    @property
    def title(self) -> str:
        """What the check demands."""
        return f"newest event at most {duration_text(self.max_age)} before the cutoff"

    def judge(self, summaries: Summaries) -> Finding:
        """Return the verdict; without event times there is none."""
        newest = max((p.newest_event for p in summaries.partitions if p.newest_event), default=None)
        if newest is None:
            return Finding("inconclusive", "the rows have no event time")
        age = summaries.cutoff - newest
        hours = age.total_seconds() / 3600
        sentence = f"the newest event, {newest:%Y-%m-%d %H:%M} UTC, lies {hours:.1f} h before the cutoff"
        return Finding("fail" if age > self.max_age else "pass", sentence)
