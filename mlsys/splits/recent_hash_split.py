"""Sides by hash inside the newest days: some of their keys judge and choose, all other rows train, up to the last day.

Under a split by time the model that serves has never seen the days that judged it. Here it has seen a part of each.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from mlsys.errors import RunError
from mlsys.splits.base import (
    HOLDOUT,
    LEFT_OUT,
    TRAINING,
    VALIDATION,
    Assignment,
    SplitRows,
    Splitter,
    refuse_empty,
    uniform,
)
from mlsys.splits.hash_split import check_shares, shares_in_words
from mlsys.wording import counted

_SALT = 0x7EC37  # never to be changed: it decides the side of every row there will ever be


class RecentHashSplit(Splitter):
    """Shares of the newest days' keys judge and choose; the rest of these days trains, and so do the days before.

    Rows of one day must be independent: where a day has a skill of its own (a campaign, an outage, a price change),
    its training rows tell of it and the holdout flatters every model alike; prefer `time` there.

    Attributes:
        days: newest UTC days with final labels in which keys are set aside.
        validation, holdout: shares of these days' keys; training gets the rest of them.
        column: names the group of a row, which is no feature: then whole groups are set aside, and their older rows
            are left out. Rows without a group are left out.
        train_window_days: only rows of this many newest days train; None = all there are.
    """

    kind: Literal["recent_hash"] = "recent_hash"
    days: int = Field(default=7, ge=1, le=36_500)
    validation: float = Field(default=0.25, gt=0, lt=1)
    holdout: float = Field(default=0.5, gt=0, lt=1)
    column: str | None = None
    train_window_days: int | None = Field(default=None, ge=1, le=36_500)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        check_shares(self.validation, self.holdout)
        if self.train_window_days is not None and self.train_window_days < self.days:
            raise ValueError(f"`train_window_days` is {self.train_window_days}, and keys of {self.days} days judge")
        return self

    @property
    def judging_days(self) -> tuple[str, int]:
        """The days in which keys are set aside."""
        return "days", self.days

    @property
    def group_column(self) -> str | None:
        """The column that names the group, if whole groups are set aside."""
        return self.column

    def assign(self, rows: SplitRows) -> Assignment:
        """Return sides that depend on each row's day, its key or group, and `last_day` alone."""
        import numpy as np

        if self.column is not None and rows.group_hash is None:
            raise RunError(f"The split needs the hash of column '{self.column}' and got none", where="split")
        hashes = rows.key_hash if rows.group_hash is None or self.column is None else rows.group_hash
        age = (np.datetime64(rows.last_day, "D") - rows.day.astype("datetime64[D]")).astype(np.int64)
        recent, place = (age >= 0) & (age < self.days), uniform(hashes, _SALT)
        side = np.full(len(age), TRAINING, dtype=np.int8)
        side[recent & (place < self.holdout + self.validation)] = VALIDATION
        side[recent & (place < self.holdout)] = HOLDOUT
        window = self.train_window_days
        out = {
            "after the last day": age < 0,
            "before the training window": age >= window if window is not None else np.zeros(len(age), dtype=bool),
        }
        counts = {reason: int((mask & rows.usable).sum()) for reason, mask in out.items()}
        for mask in (*out.values(), ~rows.usable):
            side[mask] = LEFT_OUT
        sentence = self._sentence(rows)
        refuse_empty(
            side,
            detail=sentence.rstrip("."),
            remedy="Set more `days` or larger shares, take in more days, or use `split: {kind: hash}`",
        )
        return Assignment(side, {reason: n for reason, n in counts.items() if n}, sentence)

    def _sentence(self, rows: SplitRows) -> str:
        first = rows.last_day - timedelta(days=self.days - 1)
        by = "key" if self.column is None else f"'{self.column}'"
        window = f" of the newest {counted(self.train_window_days, 'day')}" if self.train_window_days else ""
        shares = shares_in_words(self.validation, self.holdout)
        return f"By hash of the {by} in {first} to {rows.last_day}: {shares}; earlier rows{window} are training."
