"""What the walk-forward report says, as records: the summary that is handed on, and the details of the JSON file.

Everything here follows from the records of the simulated runs and the rows they saw: the same ledger and store give the
same bytes.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field

from mlsys.records import Comparison, GateResult, MetricValue, Outcome, Record


class Verdict(Record):
    """What the gates would have said of a day's best candidate.

    Attributes:
        rival: day of the model that would have served then, None before the first one.
        comparison: best candidate against that model by the primary metric, on the day's holdout.
        kept_out_by: limits for which alone a candidate was rejected that is better beyond chance, while the model that
            serves misses each of them too.
    """

    outcome: Outcome
    reason: str
    sentence: str
    rival: date | None = None
    comparison: Comparison | None = None
    gates: tuple[GateResult, ...] = ()
    kept_out_by: tuple[str, ...] = ()


class SimulatedModel(Record):
    """A day's best candidate. It is named by its id alone: a file that names a model file would keep it for ever.

    Attributes:
        holdout: its metrics on the day's own holdout, as the run recorded them.
        following: its primary metric on the rows of the days after it, None where there are none.
        serves: day of the model that would serve from the next day on, behind the gates.
    """

    day: date
    run_id: str
    candidate: str
    name: str
    holdout: tuple[MetricValue, ...]
    following: MetricValue | None
    verdict: Verdict
    serves: date | None


class DailyValue(Record):
    """The primary metric of the model that served on a day; `model_day` is the day of its run, or of its line."""

    day: date
    model_day: date
    value: MetricValue


class Look(StrEnum):
    """What is looked at: `within_days` and `all_rows` the ranking, in the mean of days and of all rows at once;
    `probabilities`, `decisions` at the threshold, `errors` of predicted numbers, and `primary` for a primary metric
    that is none of them."""

    WITHIN = "within_days"
    POOLED = "all_rows"
    PROBABILITIES = "probabilities"
    DECISIONS = "decisions"
    ERRORS = "errors"
    PRIMARY = "primary"


class _Bounded(Record):
    """A difference with its interval; positive is better.

    Attributes:
        lower, upper: 99 % interval by blocks of whole days, both strategies under the same draws.
    """

    lower: float | None = None
    upper: float | None = None

    @property
    def sign(self) -> int:
        """1 where the interval lies above zero, -1 where it lies below, else 0."""
        if self.lower is None or self.upper is None:
            return 0
        return int(self.lower > 0) - int(self.upper < 0)


class View(_Bounded):
    """One look at a strategy by one metric.

    Attributes:
        headline: no advice is given that this metric contradicts beyond chance; others are shown alone.
        n: rows that it covers; `reason` why there is no value.
        gain: over never retraining, with its interval; None where there is none, and for never retraining itself.
    """

    look: Look
    metric: str
    headline: bool
    value: float | None
    n: int
    reason: str | None = None
    gain: float | None = None


class ViewGain(_Bounded):
    """What one strategy earns over a rarer one by one look; positive is better, whatever the metric's direction."""

    strategy: str
    over: str
    look: Look
    metric: str
    headline: bool
    difference: float | None
    reason: str | None = None


class StrategyResult(Record):
    """A way to retrain, and what it would have given.

    Attributes:
        rule: who is taken into service and when, in words.
        promotions: days whose model, or line on the scores of the first one, was taken into service; it serves from the
            next day on.
        overall: primary metric over the days that all strategies have a model for, with its interval: of a metric that
            ranks rows the mean of days, weighted by rows; of any other one the same as `pooled`.
        pooled: primary metric of all rows of these days in one measurement.
        views: several looks at the same rows; empty where it is not compared.
        regret: how much worse by `overall` than the best of the strategies in hindsight; None where it is not compared.
    """

    name: str
    title: str
    rule: str
    promotions: tuple[date, ...]
    overall: MetricValue
    pooled: MetricValue
    daily: tuple[DailyValue, ...]
    views: tuple[View, ...] = ()
    regret: float | None = None


class Gain(Record):
    """What one strategy earns over another on the same rows; positive is better, whatever the metric's direction."""

    strategy: str
    over: str
    comparison: Comparison


class Change(Record):
    """The fall of the model that is never retrained.

    Attributes:
        kind: `abrupt`, or `gradual` where a straight line fits its days as well as two levels, by the criterion of
            `change.py`.
        day: the first of the worse days; None for a gradual fall.
        before, after: mean of its daily values on either side of the day that divides them best.
        p_value: chance of as large a fall when nothing changes.
    """

    kind: Literal["abrupt", "gradual"]
    day: date | None
    before: float
    after: float
    p_value: float
    sentence: str


class Recovery(Record):
    """Where a way to retrain stands at the end of the range, after the never retrained model fell.

    Attributes:
        n_days: newest days that it was measured on, by the primary metric in their mean: `value`.
        share: of the fall that is made good: 0 as low as after the fall, 1 as before it.
    """

    strategy: str
    n_days: int
    value: float
    share: float


class PaceAnswer(Record):
    """How often to retrain, and what it earns over never retraining.

    Attributes:
        advice: the rarest strategy that the evidence does not separate from the best, or None without evidence.
        subject: the strategy that sentence, chart and table speak of: the advised one, else the one behind the gates.
        headline: a few words; sentence: what the subject earns over never retraining, or that no pace repairs the
            fall; more: the other findings, over never retraining too.
        disagreement: where ranking, probabilities and decisions do not say the same, and what that means.
        recoveries: of each strategy, never retraining among them; empty without a fall.
        repaired: whether one of them has made good at least half of the fall; None without a fall.
    """

    advice: str | None
    headline: str
    sentence: str
    subject: str = "gated"
    more: tuple[str, ...] = ()
    disagreement: tuple[str, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    repaired: bool | None = None


class WalkForwardDetails(Record):
    """All numbers of a walk-forward report.

    Attributes:
        first, last: the range that was asked for.
        ranks: whether the primary metric ranks rows, so that days are measured one by one.
        threshold: of the spec, for decisions; None: each model has its own.
        missing: why days of the range have no model.
        compared: days whose rows all strategies have a model for.
        withheld: newest days before each model's cutoff that it was not fitted on, by what they are for.
    """

    pipeline: str
    first: date
    last: date
    spec_fingerprint: str
    primary: str
    direction: Literal["higher", "lower"]
    models: tuple[SimulatedModel, ...]
    ranks: bool
    threshold: float | None = 0.5
    missing: dict[date, str]
    notes: tuple[str, ...]
    compared: tuple[date, ...]
    n_rows: int
    strategies: tuple[StrategyResult, ...]
    gains: tuple[Gain, ...]
    view_gains: tuple[ViewGain, ...] = ()
    change: Change | None
    withheld: dict[str, int] = Field(default_factory=dict)
    answer: PaceAnswer

    @property
    def kept_out(self) -> tuple[SimulatedModel, ...]:
        """The models that a limit kept out which the model that would have served misses too, by day."""
        return tuple(model for model in self.models if model.verdict.kept_out_by)


class StrategySummary(Record):
    """One strategy in the summary: how many models it took into service, its primary metric, and the other looks.

    Attributes:
        n_promotions: models taken into service; of the recalibrated model itself and its lines.
        regret: how much worse than the best of the strategies in hindsight.
    """

    name: str
    n_promotions: int
    overall: MetricValue
    regret: float | None = None
    views: tuple[View, ...] = ()


class WalkForward(Record):
    """Where the walk-forward report of a pipeline lies, and what it says.

    Attributes:
        path, json_path: the page and all its numbers, relative to MLSYS_HOME.
        sha256: of the JSON file.
        n_days: simulated days; n_rows: rows on which the strategies are compared.
        gain: retraining nightly behind the gates over never retraining; a reason where they can't be compared.
        change_day: first day of an abrupt fall of the model that is never retrained; `repaired` says whether one of the
            strategies has made good at least half of the fall, None without one.
        n_kept_out: days on which a better model was rejected for a limit that the serving one misses too.
        disagreement: where ranking, probabilities and decisions do not say the same; also part of `sentence`.
    """

    pipeline: str
    first: date
    last: date
    path: str
    json_path: str
    sha256: str
    primary: str
    n_days: int
    n_missing: int
    n_rows: int
    strategies: tuple[StrategySummary, ...]
    gain: Comparison
    change_day: date | None
    repaired: bool | None = None
    n_kept_out: int = 0
    advice: str | None
    headline: str
    disagreement: tuple[str, ...] = ()
    sentence: str
