"""What is kept of answered requests, and what is watched once a model serves; no model depends on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator

from mlsys.components import Frozen, OneOrMore
from mlsys.durations import Duration

_KEEP, _WATCH = timedelta(days=90), timedelta(days=14)


class PredictionLog(Frozen):
    """What `mlsys serve` keeps of the requests that it has answered.

    Attributes:
        enabled: keep them; without it nothing live can be judged when labels arrive.
        keep: for how long; housekeeping removes older days.
        leave_out: columns whose values must not be kept.
    """

    enabled: bool = Field(default=True, exclude_if=lambda value: value)
    keep: Duration = Field(default=_KEEP, exclude_if=lambda value: value == _KEEP)
    leave_out: Annotated[tuple[str, ...], OneOrMore()] = Field(default=(), exclude_if=lambda names: not names)

    @field_validator("keep")
    @classmethod
    def _a_day_at_least(cls, value: timedelta) -> timedelta:
        if value < timedelta(days=1):
            raise ValueError("answers are kept for one day at least, or not at all: `enabled: false`")
        return value


class Serving(Frozen):
    """What is kept and watched while a champion answers requests.

    Attributes:
        log: what is kept of the answered requests.
        watch_previous: for so long after a promotion the champion before it scores every request silently, and the new
            one makes way for it where labels show that it is truly worse; `0s` for not at all.
    """

    log: PredictionLog = Field(default=PredictionLog(), exclude_if=lambda given: given == PredictionLog())
    watch_previous: Duration = Field(default=_WATCH, exclude_if=lambda value: value == _WATCH)
