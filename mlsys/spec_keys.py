"""The blocks of a spec that are no components: target, label, ingest, training, schedule and their like."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from mlsys.checks import CHECKS
from mlsys.components import Frozen
from mlsys.durations import Duration
from mlsys.metrics import METRICS
from mlsys.monitors import MONITORS


class Target(Frozen):
    """What is predicted.

    Attributes:
        positive: the class that counts as positive, by its name as text (`phishing`, `yes`, `True`, `1`).
    """

    column: str
    positive: str
    task: Literal["binary"] = "binary"

    @field_validator("positive", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str:
        return str(value)


class Label(Frozen):
    """When labels become known.

    Attributes:
        arrival: column with the time at which a row's label was known; labels that arrived at or after a run's
            cutoff are masked.
        delay: rows younger than this at the cutoff sit out, because their labels are not final.
    """

    arrival: str | None = None
    delay: Duration = timedelta(0)


class Ingest(Frozen):
    """How new data is taken in.

    Attributes:
        lookback: this far before the cutoff, late and changed rows make a new version of their partition.
        settle: a day is complete when its end plus this has passed.
        min_new_rows: fewer new rows than this since the champion's data are not worth a retraining.
    """

    lookback: Duration = timedelta(days=7)
    settle: Duration = timedelta(hours=2)
    min_new_rows: int = Field(default=1, ge=0)


class Checks(Frozen):
    """Rules for new data, and the share of rows that may break a critical one (they are quarantined)."""

    tolerated_share: float = Field(default=0.01, ge=0, le=1)
    rules: tuple[CHECKS.field(), ...] = ()  # type: ignore[valid-type]


class MetricChoice(Frozen):
    """What is measured. `primary` chooses the best candidate and is what gates compare by default."""

    primary: str = "roc_auc"
    threshold: float = Field(default=0.5, gt=0, lt=1)
    replicates: int = Field(default=1000, ge=100, le=20000)

    @field_validator("primary")
    @classmethod
    def _known(cls, value: str) -> str:
        METRICS.find(value)
        return value


class Training(Frozen):
    """How candidates are fitted.

    Attributes:
        refit: fit the chosen candidate again on training and validation rows before it serves. The refitted model is
            then not the one that was judged, and the report says so.
    """

    seed: int = Field(default=42, ge=0, lt=2**32)
    threads: int = Field(default=1, ge=1, le=64)
    refit: bool = False
    timeout: Duration = timedelta(hours=1)


class Tuning(Frozen):
    """Whether each candidate's hyperparameters are searched for, inside its training rows.

    Attributes:
        trials: random sets of hyperparameters per candidate, beside the spec's own.
    """

    enabled: bool = False
    trials: int = Field(default=20, ge=1, le=1000)


class Schedule(Frozen):
    """The nightly run: at this UTC hour, about the day before; `enabled: false` leaves manual runs alone."""

    enabled: bool = True
    hour: int = Field(default=2, ge=0, le=12)


class Approval(Frozen):
    """Whether a person has the last word on a promotion.

    Attributes:
        required: a run whose gates all pass waits for a person.
        timeout: without an answer in this time the promotion is refused.
    """

    required: bool = False
    timeout: Duration = timedelta(hours=12)


class Monitors(Frozen):
    """What is watched once a champion serves; no model and no decision depends on it.

    Attributes:
        ask_after: a retraining is asked for when the newest window alarms, and with it so many of the newest `of`.
    """

    watch: tuple[MONITORS.field(), ...] = Field(  # type: ignore[valid-type]
        default=("feature_drift", "score_drift", "live_metric"), validate_default=True
    )
    ask_after: int = Field(default=2, ge=1)
    of: int = Field(default=3, ge=1, le=60)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.ask_after > self.of:
            raise ValueError(f"`ask_after` is {self.ask_after}, and only {self.of} windows are counted (`of`)")
        return self
