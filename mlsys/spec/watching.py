"""The spec's block of what is watched once a champion serves."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from mlsys.components import Frozen, not_given
from mlsys.durations import Duration
from mlsys.errors import shortened
from mlsys.monitors import MONITORS
from mlsys.wording import counted


class Acknowledged(Frozen):
    """A known alarm: it is still looked for and shown, but asks for nothing until it ends.

    Attributes:
        monitor: kind of the monitor.
        reason: why the alarm is no news; it stands in every report that it changes.
        until: last day of data that it covers.
        slice: as the alarm names it, `channel is web`; then an alarm about slices alone is no news where each of them
            is known, and any other alarm of the monitor is one.
    """

    monitor: str
    reason: str = Field(min_length=3, max_length=500)
    until: date
    slice: str | None = Field(default=None, exclude_if=not_given)


class Monitors(Frozen):
    """What is watched once a champion serves; no model and no decision depends on it.

    Attributes:
        watch: the monitors.
        of: the newest windows that `ask_after` counts in; none shares a day with another.
        ask_after: a retraining is asked for when the newest window alarms, and with it so many of the newest `of`.
        cool_down: whole days of data after one was asked for in which none is asked for again.
        acknowledged: known alarms, each with a reason and an end.
        confirm_days: UTC days after a promotion whose rows say what it gained.
    """

    watch: tuple[MONITORS.field(), ...] = Field(  # type: ignore[valid-type]
        default=("feature_drift", "score_drift", "live_metric"), validate_default=True
    )
    ask_after: int = Field(default=2, ge=1)
    of: int = Field(default=3, ge=1, le=60)
    # Left out of the stored spec where it is the default: the fingerprints of specs stay.
    confirm_days: int = Field(default=7, ge=1, le=365, exclude_if=lambda days: days == 7)
    cool_down: Duration = Field(default=timedelta(days=7), exclude_if=lambda length: length == timedelta(days=7))

    acknowledged: tuple[Acknowledged, ...] = Field(default=(), exclude_if=lambda known: not known)

    @field_validator("cool_down")
    @classmethod
    def _whole_days(cls, value: timedelta) -> timedelta:
        if value % timedelta(days=1):
            raise ValueError("A cool-down is whole days, for example 7d; 0d is none")
        return value

    def acknowledgement(self, monitor: str, day: date, *, slices: Collection[str] = ()) -> Acknowledged | None:
        """Return why an alarm of a monitor about a day is no news, or None; `slices` are those that it is about."""
        standing = [known for known in self.acknowledged if known.monitor == monitor and day <= known.until]
        mine = {known.slice: known for known in reversed(standing)}  # of several the first
        found = [mine[name] for name in slices if name in mine]
        return mine.get(None) or (found[0] if found and len(found) == len(slices) else None)

    @model_validator(mode="after")
    def _watched(self) -> Self:
        kinds = [each.kind for each in self.watch]
        stray = next((known.monitor for known in self.acknowledged if known.monitor not in kinds), None)
        if stray is not None:
            raise ValueError(f"`acknowledged` names the monitor {shortened(stray)}, and `watch` has {', '.join(kinds)}")
        return self

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.ask_after > self.of:
            windows = counted(self.of, "window is", "windows are")
            raise ValueError(f"`ask_after` is {self.ask_after}, and only {windows} counted (`of`)")
        return self
