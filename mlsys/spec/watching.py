"""The spec's block of what is watched once a champion serves."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, field_validator, model_validator

from mlsys.components import Frozen
from mlsys.durations import Duration
from mlsys.monitors import MONITORS
from mlsys.wording import counted


class Monitors(Frozen):
    """What is watched once a champion serves; no model and no decision depends on it.

    Attributes:
        watch: the monitors.
        of: the newest windows that `ask_after` counts in; none shares a day with another.
        ask_after: a retraining is asked for when the newest window alarms, and with it so many of the newest `of`.
        cool_down: whole days of data after one was asked for in which none is asked for again.
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

    @field_validator("cool_down")
    @classmethod
    def _whole_days(cls, value: timedelta) -> timedelta:
        if value % timedelta(days=1):
            raise ValueError("A cool-down is whole days, for example 7d; 0d is none")
        return value

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.ask_after > self.of:
            windows = counted(self.of, "window is", "windows are")
            raise ValueError(f"`ask_after` is {self.ask_after}, and only {windows} counted (`of`)")
        return self
