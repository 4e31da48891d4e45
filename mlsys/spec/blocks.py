"""The blocks of a spec that are no components: target, label, ingest, training, schedule and their like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, TypeAdapter, field_validator, model_validator

from mlsys.checks import CHECKS
from mlsys.components import Frozen, OneOrMore, not_given
from mlsys.durations import Duration, duration_text, parse_duration
from mlsys.errors import shortened
from mlsys.flaws import FLAWS
from mlsys.flaws.base import Flaw
from mlsys.metrics import METRICS
from mlsys.metrics.base import Metric
from mlsys.metrics.binary_costs import Costs
from mlsys.metrics.top_of_list import NumberOfRows, ShareOfRows
from mlsys.notification.outbox import Channel, Event, RunEvent
from mlsys.records import RefitOn
from mlsys.spec.learnt import LearntCheck

WEBHOOK = "mlsys_webhook"
MAX_CHURN = 0.1
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_THRESHOLD: TypeAdapter[float] = TypeAdapter(Annotated[float, Field(gt=0, lt=1, strict=True, allow_inf_nan=False)])
_MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


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
    """Rules for new data, and the share of rows that may break a critical one (they are quarantined).

    Attributes:
        tolerated_share: of the rows, so many may break critical rules and are quarantined; more stop the run.
        rules: what new data must keep, one by one.
        learnt: what is said of a day that looks unlike those before it.
    """

    tolerated_share: float = Field(default=0.01, ge=0, le=1)
    rules: tuple[CHECKS.field(), ...] = ()  # type: ignore[valid-type]
    # Left out of the stored spec where it is the default: the fingerprints of specs stay.
    learnt: LearntCheck = Field(default=LearntCheck(), exclude_if=lambda value: value == LearntCheck())


class CostThreshold(Costs):
    """Each candidate's own threshold: the one by which wrong decisions cost least on validation rows.

    Attributes:
        kind: `cost`.
    """

    kind: Literal["cost"] = "cost"


AskedUnit = Literal["auto", "row", "group", "day"]


class MetricChoice(Frozen):
    """What is measured. `primary` chooses the best candidate and is what gates compare by default.

    Attributes:
        primary: the metric that chooses the best candidate, and what gates compare unless they name another one; where
            the spec has none, that of the learning task: `roc_auc` of two classes, `rmse` of numbers.
        threshold: a probability that reaches it counts as positive, in the metrics that need classes: a number, or
            `{kind: cost, false_positive: 1, false_negative: 20}`, and each candidate gets the one that costs least on
            validation rows; `cost` can then be measured, too.
        k: how much of a list is worked through: a share of the rows, such as 0.05, or a number of them, such as 100;
            `precision_at_k`, `recall_at_k` and `lift_at_k` are then measured, too.
        replicates: bootstrap samples behind the intervals of metrics that need them.
        unit: what counts as one piece of evidence: a `row`, or, where their rows resemble each other, a whole `group`
            or a whole `day`; `auto` measures it on the holdout, and says what it took and why.
        group: the column that names the group of a row (a customer, a device); where the spec has none, that of
            `split: {kind: group}`, and columns of a `key` of several.
        level: confidence of the lower bound of a difference to the champion, one-sided.
    """

    primary: str = Field(default="roc_auc", json_schema_extra={"examples": METRICS.names()})  # type: ignore[dict-item]
    threshold: float | CostThreshold = Field(default=0.5, union_mode="left_to_right")
    k: NumberOfRows | ShareOfRows | None = Field(default=None, union_mode="left_to_right", exclude_if=not_given)
    replicates: int = Field(default=1000, ge=100, le=20000)
    # Left out of the stored spec where they are as ever: the fingerprints of specs stay.
    unit: AskedUnit = Field(default="auto", exclude_if=lambda value: value == "auto")
    group: str | None = Field(default=None, exclude_if=not_given)
    level: float = Field(default=0.95, gt=0.5, lt=1, exclude_if=lambda value: value == 0.95)

    @property
    def costs(self) -> CostThreshold | None:
        """What wrong decisions cost, where that sets the threshold; else None."""
        return self.threshold if isinstance(self.threshold, CostThreshold) else None

    @property
    def usual_threshold(self) -> float:
        """The threshold of models that have none of their own: the number, or the costs' break-even probability."""
        return self.threshold.break_even if isinstance(self.threshold, CostThreshold) else self.threshold

    def metric(self, name: str) -> Metric:
        """Return a metric as it is measured here, by its name."""
        needs = METRICS.find(name).needs
        given = getattr(self, needs) if needs else None
        return METRICS.parse(name if given is None else {"kind": name, needs: given})

    def measures(self, name: str) -> bool:
        """Return whether the spec says what a metric needs to be measured."""
        needs = METRICS.find(name).needs
        return not needs or getattr(self, needs) is not None

    @field_validator("threshold", mode="before")
    @classmethod
    def _number_or_costs(cls, value: object) -> object:
        # By hand: of a union, every member would say what is wrong.
        return CostThreshold.model_validate(value) if isinstance(value, Mapping) else _THRESHOLD.validate_python(value)

    @field_validator("k", mode="before")
    @classmethod
    def _share_or_number(cls, value: object) -> object:
        share = isinstance(value, float) and 0 < value < 1
        if value is None or share or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
            return value
        rule = "must be a share of the rows between 0 and 1, such as 0.05, or a number of them from 1 on"
        raise ValueError(f"{rule}, got {shortened(str(value))}")

    @field_validator("primary")
    @classmethod
    def _known(cls, value: str) -> str:
        METRICS.find(value)
        return value


class Training(Frozen):
    """How candidates are fitted.

    Attributes:
        seed: the only source of randomness; the same seed, data and code give the same model.
        seeds: judge a challenger that passes with so many seeds; where another seed does not pass, the outcome is
            `inconclusive`. What serves is always the fit with its own seed; what is rejected is fitted once.
        threads: of each candidate; candidates are trained side by side.
        timeout: a candidate that takes longer counts as failed.
        refit: once all gates pass, fit the challenger again before it serves, on `train+validation` rows or on `all`;
            `none` and `false` let the judged model serve, `true` is an older word for `train+validation`. The refitted
            model itself is not judged: guards look at it, and the report says so.
        max_churn: most of the holdout's decisions that a refit may change; of numbers, the root mean square of the
            change in standard deviations. Where it changes more, the judged model serves.
    """

    seed: int = Field(default=42, ge=0, lt=2**32)
    seeds: int = Field(default=1, ge=1, le=20, exclude_if=lambda value: value == 1)
    threads: int = Field(default=1, ge=1, le=64)
    refit: bool | RefitOn = False
    max_churn: float = Field(default=MAX_CHURN, gt=0, le=1, exclude_if=lambda value: value == MAX_CHURN)
    timeout: Duration = timedelta(hours=1)

    @property
    def refit_on(self) -> RefitOn | None:
        """The rows that what serves is fitted on again, or None."""
        if self.refit == "all":
            return "all"
        return "train+validation" if self.refit else None

    @field_validator("refit", mode="before")
    @classmethod
    def _kind_of_refit(cls, value: object) -> object:
        # By hand: of a union, every member would say what is wrong. `none` is kept as false: fingerprints stay.
        if value in ("none", None):
            return False
        if isinstance(value, bool) or value in ("train+validation", "all"):
            return value
        raise ValueError(f"must be none, train+validation or all, got {shortened(str(value))}")


class Tuning(Frozen):
    """Whether each candidate's hyperparameters are searched for, inside its training rows.

    Attributes:
        enabled: search; else each candidate is fitted with the parameters that the spec gives.
        trials: random sets of hyperparameters per candidate, beside the spec's own.
        budget: CPU time per candidate after which no further set is begun. What is found then depends on how fast the
            machine is; no limit by default.
        grid: by candidate, values by hyperparameter: all their combinations are tried instead of random sets.
    """

    enabled: bool = False
    trials: int = Field(default=20, ge=1, le=1000)
    budget: Duration | None = Field(default=None, exclude_if=not_given)
    # Left out of the stored spec where there is none, as is the budget: the fingerprints of specs stay.
    grid: dict[str, dict[str, tuple[bool | int | float | str | None, ...]]] = Field(
        default_factory=dict, exclude_if=lambda grid: not grid
    )


class Schedule(Frozen):
    """The nightly run: at this UTC hour, about the day before; `enabled: false` leaves manual runs alone.

    Attributes:
        enabled: run every night; without it the DAG waits for a trigger.
        hour: of the start, UTC.
        scan: look so often for days of data that arrived and that no run has looked at; not at all by default.
        deadline: by when the nightly decision must be there: a UTC time of day (`"06:00"`) or a duration after the
            start (`4h`). Nobody is told of a late one by default.
    """

    enabled: bool = True
    hour: int = Field(default=2, ge=0, le=12)
    scan: Duration | None = None
    deadline: str | None = None

    @property
    def allowed(self) -> timedelta | None:
        """How long after its start the nightly run may take, or None."""
        if self.deadline is None:
            return None
        clock = _TIME_OF_DAY.fullmatch(self.deadline)
        if clock is None:
            return parse_duration(self.deadline)
        after = timedelta(hours=int(clock[1]) - self.hour, minutes=int(clock[2]))
        return after if after > timedelta(0) else after + timedelta(days=1)

    @field_validator("deadline", mode="before")
    @classmethod
    def _time_or_duration(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
            value = f"{value // 60:02d}:{value % 60:02d}"  # YAML reads a bare 16:00 as 960
        if value is None or (isinstance(value, str) and _TIME_OF_DAY.fullmatch(value)):
            return value
        try:
            allowed = parse_duration(value)
        except ValueError:
            allowed = timedelta(0)
        if allowed <= timedelta(0):
            raise ValueError('a deadline is a UTC time of day such as "06:00", or a duration such as 4h')
        return duration_text(allowed)

    @field_validator("scan")
    @classmethod
    def _not_all_the_time(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < timedelta(seconds=10):
            raise ValueError("a look at the source more often than every 10s keeps it busy; 10m is usual")
        return value


class Approval(Frozen):
    """Whether a person has the last word on a promotion.

    Attributes:
        required: a run whose gates all pass waits for a person.
        timeout: without an answer in this time the promotion is refused.
    """

    required: bool = False
    timeout: Duration = timedelta(hours=12)


class Notify(Frozen):
    """Who is told of what; everything is logged in any case.

    Attributes:
        events: those that are sent. (The key is not called `on`: YAML reads that as true.) Where all six of runs are
            named, as by default, those of serving are sent, too.
        email: receivers; the mail server is the operator's (Airflow connection `mlsys_smtp`).
        webhook: `true` for the address in the connection `mlsys_webhook`, or the name of another connection.
    """

    events: Annotated[tuple[Event, ...], OneOrMore()] = get_args(RunEvent)
    email: Annotated[tuple[str, ...], OneOrMore()] = ()
    webhook: bool | str = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The ways out, in the spec's order."""
        hook = WEBHOOK if self.webhook is True else self.webhook
        mails = (Channel(kind="email", to=address) for address in self.email)
        return (*mails, *([Channel(kind="webhook", to=hook)] if hook else []))

    def wants(self, event: Event) -> bool:
        """Return whether an event is sent.

        Events of serving came later, and stored specs name what was all there was: whoever has all of that has all.
        """
        return event in self.events or set(get_args(RunEvent)) <= set(self.events)

    @field_validator("email")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            if not _MAIL_ADDRESS.fullmatch(address):
                raise ValueError(f"'{address}' is no mail address")
        return value


class Scoring(Frozen):
    """Whether a model scores what it has not scored as soon as it serves; monitors score what they need anyway.

    Attributes:
        enabled: score at once, by a DAG of its own.
    """

    enabled: bool = True


class Inspecting(Frozen):
    """What flaws of the data are looked for in every run; what is critical stops a promotion.

    Attributes:
        enabled: look for them.
        flaws: those with other settings than their own; all others are looked for as they are.
        trusted: columns that may tell the label by themselves, because they are known when the model is asked: nothing
            is said of them.
    """

    enabled: bool = True
    flaws: tuple[FLAWS.field(), ...] = ()  # type: ignore[valid-type]
    trusted: Annotated[tuple[str, ...], OneOrMore()] = ()

    @property
    def looked_for(self) -> tuple[Flaw, ...]:
        """The flaws that are looked for: built-in ones in their table's order, then those of other packages."""
        given = {flaw.kind: flaw for flaw in self.flaws}
        usual = {kind: FLAWS.parse(kind) for kind in FLAWS.built_in()}
        return tuple(flaw for flaw in (usual | given).values() if flaw.severity != "ignored")

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        kinds = [flaw.kind for flaw in self.flaws]
        twice = next((kind for kind in kinds if kinds.count(kind) > 1), None)
        if twice is not None:
            raise ValueError(f"`{twice}` stands there twice: settings of a flaw stand in one place")
        return self


class Explanations(Frozen):
    """How the challenger is explained on the report card, after the decision; no model and no decision depends on it.

    Attributes:
        enabled: explain it.
        rows: most holdout rows that are asked; fewer where a model is slow to explain.
        seconds: most time for each of the three parts (permutation, SHAP, partial dependence); one that takes longer
            is left out, and the card says so.
        top: columns whose partial dependence is drawn, those that matter most.
        show_rows: show holdout rows with their values, the most wrong and the most certain ones; `false` keeps single
            rows off the card and out of MLflow.
    """

    enabled: bool = True
    rows: int = Field(default=1000, ge=50, le=20_000)
    seconds: int = Field(default=30, ge=1, le=3600)
    top: int = Field(default=6, ge=0, le=30)
    show_rows: bool = True
