"""Sides by day: train on the past, choose on later days, judge on the latest."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from pydantic import Field

from mlsys.splits.base import HOLDOUT, LEFT_OUT, TRAINING, VALIDATION, Assignment, SplitRows, Splitter, refuse_empty
from mlsys.wording import counted


class TimeSplit(Splitter):
    """The last days judge, the days before choose, all before train; the default for sources with time.

    Attributes:
        validation_days, holdout_days: UTC days on each side, counted back from the last day with final labels.
        gap_days: days left out between training and validation, and between validation and holdout.
        train_window_days: only this many days before validation train; None = all there are.
    """

    kind: Literal["time"] = "time"
    validation_days: int = Field(default=5, ge=1, le=36_500)
    holdout_days: int = Field(default=7, ge=1, le=36_500)
    gap_days: int = Field(default=0, ge=0, le=36_500)
    train_window_days: int | None = Field(default=None, ge=1, le=36_500)

    @property
    def in_time(self) -> bool:
        """Training lies before validation, and validation before the holdout."""
        return True

    @property
    def withheld(self) -> dict[str, int]:
        """The days that judge and choose, and the gaps before them."""
        days = {"holdout": self.holdout_days, "validation": self.validation_days, "gaps": 2 * self.gap_days}
        return {name: n for name, n in days.items() if n}

    @property
    def judging_days(self) -> tuple[str, int]:
        """The days of the holdout."""
        return "holdout_days", self.holdout_days

    def assign(self, rows: SplitRows) -> Assignment:
        """Return sides that depend on each row's day and on `last_day` alone."""
        import numpy as np

        age = (np.datetime64(rows.last_day, "D") - rows.day.astype("datetime64[D]")).astype(np.int64)
        edges = self._edges()
        side = np.full(len(age), LEFT_OUT, dtype=np.int8)
        for number, (first, end) in edges.items():
            side[(age >= first) & ((age < end) if end is not None else True)] = number
        first, end = edges[TRAINING]
        reasons = {
            "after the last day": age < 0,
            "gap": (age >= 0) & (age < first) & (side == LEFT_OUT),
            "before the training window": (age >= end) if end is not None else np.zeros(len(age), dtype=bool),
        }
        counts = {reason: int((mask & rows.usable).sum()) for reason, mask in reasons.items()}
        side[~rows.usable] = LEFT_OUT
        sentence = self._sentence(rows)
        refuse_empty(side, detail=sentence, remedy=_remedy(rows))
        return Assignment(side, {reason: n for reason, n in counts.items() if n}, sentence)

    def _edges(self) -> dict[int, tuple[int, int | None]]:
        # Ages in days of each side, [first, end): age 0 is the last day.
        validation = self.holdout_days + self.gap_days
        training = validation + self.validation_days + self.gap_days
        window = self.train_window_days
        return {
            HOLDOUT: (0, self.holdout_days),
            VALIDATION: (validation, validation + self.validation_days),
            TRAINING: (training, None if window is None else training + window),
        }

    def _sentence(self, rows: SplitRows) -> str:
        edges = self._edges()
        first, end = edges[TRAINING]
        last = rows.last_day - timedelta(days=first)
        if end is not None:
            training = _days(rows.last_day, first, end)
        elif rows.usable.any() and (start := rows.day[rows.usable].min().astype(date)) <= last:
            training = f"{start} to {last}"
        else:
            training = f"up to {last}"
        days = counted(self.gap_days, "day")
        gap = f", with {days} left out before validation and before the holdout" if self.gap_days else ""
        return (
            f"By UTC day: training {training}, validation {_days(rows.last_day, *edges[VALIDATION])}, "
            f"holdout {_days(rows.last_day, *edges[HOLDOUT])}{gap}."
        )


def _days(last_day: date, first: int, end: int | None) -> str:
    assert end is not None
    return f"{last_day - timedelta(days=end - 1)} to {last_day - timedelta(days=first)}"


def _remedy(rows: SplitRows) -> str:
    days = rows.day[rows.usable]
    if not len(days) or days.min() == days.max():
        return "All usable rows are of one day: use `split: {kind: hash}`"
    return (
        f"Usable rows reach from {days.min()} to {days.max()}: set fewer `validation_days`, `holdout_days` or "
        "`gap_days`, take in more days, or use `split: {kind: hash}`"
    )
