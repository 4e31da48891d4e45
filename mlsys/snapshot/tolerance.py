"""How many rows are bad, counted in one way: rows that could not be read and rows set aside, among all that came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DayCount:
    """Rows of one day: those that could be read, of them the ones set aside, and those that could not be read."""

    n_rows: int
    n_unreadable: int = 0
    n_quarantined: int = 0


@dataclass(frozen=True)
class BadShare:
    """Bad rows among all rows of some days; `of` says which rows."""

    n_bad: int
    n_rows: int
    of: str

    @property
    def value(self) -> float:
        """The share, 0 where there are no rows."""
        return self.n_bad / self.n_rows if self.n_rows else 0.0

    @property
    def text(self) -> str:
        """`3 of 80 rows (3.75%)`."""
        return f"{self.n_bad:,} of {self.n_rows:,} {self.of} ({self.value:.2%})"


def worst_share(days: Sequence[DayCount], *, newest: str, together: str) -> BadShare:
    """Return the larger of two shares: of the last day alone, and of all days together.

    One bad day must not hide behind good ones, and what was let in bit by bit must not add up.

    >>> worst_share([DayCount(80), DayCount(76, n_unreadable=4)], newest="new", together="rows").text
    '4 of 80 new (5.00%)'
    """
    populations = {newest: days[-1:], together: days}
    shares = [
        BadShare(
            sum(day.n_unreadable + day.n_quarantined for day in members),
            sum(day.n_unreadable + day.n_rows for day in members),
            name,
        )
        for name, members in populations.items()
    ]
    return max(shares, key=lambda share: share.value)
