"""Records of candidates and of how well they and the champion did."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mlsys.records.base import Record
from mlsys.records.built_on import BuiltOn, RefitOn
from mlsys.records.inspection import Inspection
from mlsys.wording import number


class TriedSet(Record):
    """A set of hyperparameters that tuning tried.

    Attributes:
        params: those that differ between the trials of a candidate; none for the spec's own set, `own`.
        value: the primary metric on the training rows that judged, or None where it could not be fitted or judged.
        seconds: of CPU.
    """

    params: dict[str, Any] = Field(default_factory=dict)
    value: float | None = None
    seconds: float = 0.0
    own: bool = False


class Guard(Record):
    """What a guard found of a model that was fitted again.

    Attributes:
        observed, limit: None where the guard has no number.
    """

    name: Literal["servable", "churn", "scores"]
    passed: bool
    observed: float | None = None
    limit: float | None = None
    sentence: str


class Refit(Record):
    """How a candidate was fitted again on more rows after it was judged, and whether the guards let it serve.

    Attributes:
        on: the sides whose rows it was fitted on.
        guards: in the order in which they looked; none for a refit of an earlier mlsys.
    """

    on: RefitOn
    guards: tuple[Guard, ...] = ()

    @property
    def refused_by(self) -> Guard | None:
        """The first guard that does not let it serve, or None."""
        return next((guard for guard in self.guards if not guard.passed), None)


class Candidate(Record):
    """A fitted model of a run, or the reason why it could not be fitted.

    Attributes:
        candidate_id: `<training key, 12 digits>-<name>`; the same key gives the same id.
        model: SHA-256 of the pickled scikit-learn pipeline in the store; only files named here are ever loaded.
        baseline: a sanity line (the prior): scored and shown, never chosen.
        classes: of a model of several classes those that it knows, in the order of its probabilities; empty of others.
        threshold: a score that reaches it counts as positive, chosen on validation rows; None: that of the spec.
        trials: the best that tuning tried, best first, and the spec's own set.
        refit: of a model that was judged and then fitted again on more rows; None of any other.
        built_on: the champion that it is made of; None of a model that was fitted from nothing.
    """

    candidate_id: str
    name: str
    kind: str
    status: Literal["fitted", "failed"]
    reason: str | None = None
    baseline: bool = False
    threshold: float | None = Field(default=None, exclude_if=lambda value: value is None)
    model: str | None = None
    model_bytes: int | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    seed: int = 0
    n_training_rows: int = 0
    n_features: int = 0
    fit_seconds: float = 0.0
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    trials: tuple[TriedSet, ...] = ()
    refit: Refit | None = Field(default=None, exclude_if=lambda value: value is None)
    built_on: BuiltOn | None = Field(default=None, exclude_if=lambda value: value is None)

    @property
    def ranks_by(self) -> dict[str, Any]:
        """Kind and hyperparameters of the model that ranks the rows: its own, or those of what it is made of."""
        return self.params if self.built_on is None else self.built_on.params

    @property
    def judged_twin(self) -> str | None:
        """Id of the candidate that was judged in the place of a refitted one; None of any other."""
        own = Candidate.id_of(self.candidate_id, self.name)
        return own if self.candidate_id == Candidate.refitted(own) else None

    @property
    def refit_sentence(self) -> str:
        """What became of a model that was fitted again, as a sentence."""
        on = self.refit.on if self.refit else "train+validation"
        rows = "all rows, those of the holdout too," if on == "all" else "training and validation rows"
        if self.status == "failed":
            return f"The refit on {rows} does not serve, the judged model does: {self.reason}"
        guards = self.refit.guards if self.refit else ()
        churn = next((guard.observed for guard in guards if guard.name == "churn" and guard.observed is not None), None)
        said = "" if churn is None else f" (churn {number(churn)})"
        return f"What serves was fitted again on {rows} after the gates passed{said}, and was not itself judged"

    @staticmethod
    def id_of(training_key: str, name: str) -> str:
        """Return the id of a candidate: the key of its data and spec, and its name in the spec."""
        return f"{training_key[:12]}-{name}"

    @staticmethod
    def refitted(candidate_id: str) -> str:
        """Return the id of what a candidate becomes when it is fitted again on more rows."""
        return f"{candidate_id}-refit"


class MetricValue(Record):
    """One metric of one model on one set of rows.

    Attributes:
        value: None where the metric is undefined; `reason` then says why.
        lower, upper: 95 % interval, or None.
    """

    name: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int
    reason: str | None = None


class Evaluation(Record):
    """All metrics of one model on the validation rows (values alone) and on the holdout (with intervals)."""

    model_id: str
    name: str
    role: Literal["candidate", "baseline", "champion"]
    validation: tuple[MetricValue, ...] = ()
    holdout: tuple[MetricValue, ...]

    def on_holdout(self, metric: str) -> MetricValue | None:
        """Return the holdout value of a metric, or None when it was not computed."""
        return next((value for value in self.holdout if value.name == metric), None)

    def on_validation(self, metric: str) -> MetricValue | None:
        """Return the validation value of a metric, or None when it was not computed."""
        return next((value for value in self.validation if value.name == metric), None)


class RowDependence(Record):
    """How far rows of the holdout depend on each other, and what counts as one piece of evidence therefore.

    Attributes:
        unit: a single `row`, or all rows of a `group`, of a `day`, of a `block` of days; `column` names the group.
        n_rows, n_units: how many of both there are.
        correlation: intra-class correlation of the rows of a unit, or None where it was not measured.
        design_effect: how many times as large as for independent rows the variance is.
        effective_rows: how many independent rows would tell as much; with few units a rough figure. `effective_at_most`
            is the upper end of it: fewer than that is shown beyond chance, at 95 %.
        sentence: what was measured and chosen, for people, complete.
        warning: what the holdout can't tell because its groups have rows on other sides, too, or None.
    """

    unit: Literal["row", "group", "day", "block"]
    column: str | None = None
    n_rows: int
    n_units: int
    correlation: float | None = None
    design_effect: float
    effective_rows: int
    effective_at_most: int
    sentence: str
    warning: str | None = None


class Flip(Record):
    """How few rows of the holdout a comparison's verdict rests on.

    Attributes:
        limit: what the lower bound is held against.
        n_rows: leaving out so many rows, those that speak most for the verdict, turns it; None: not half of them do.
        fragile: they are less than 1 % of the rows.
    """

    limit: float
    n_rows: int | None
    fragile: bool


class Comparison(Record):
    """Challenger against champion on the same holdout rows.

    Attributes:
        difference: challenger minus champion, turned so that positive is better, or None with a reason.
        lower, upper: bounds of the two-sided interval of `2 * level - 1`; `lower` is the one-sided bound at `level`.
        flips: of each limit that a gate holds it against, how few rows turn the verdict.
    """

    metric: str
    direction: Literal["higher", "lower"]
    difference: float | None
    lower: float | None
    upper: float | None
    level: float
    n: int
    method: str
    reason: str | None = None
    flips: tuple[Flip, ...] = Field(default=(), exclude_if=lambda flips: not flips)


class AnchorComparison(Record):
    """Challenger against the best past champion, on the same holdout rows.

    Attributes:
        model_id, version: of the past champion.
        state: `champion` is the one that serves, so that its comparisons stand already; `unusable` can't be scored
            any more, for the `reason`.
        comparisons: of the metrics that gates hold against it.
    """

    model_id: str
    version: str
    state: Literal["champion", "scored", "unusable"]
    reason: str | None = None
    comparisons: tuple[Comparison, ...] = ()


class Shortage(Record):
    """Too little data to fit, to choose or to judge; then nothing is promoted.

    Attributes:
        reason: `too_few_rows` for a side of the split with rows of one class alone, `undefined_metric` where the
            validation rows leave the primary metric of every candidate undefined.
    """

    reason: Literal["too_few_rows", "undefined_metric"]
    sentence: str


class KnownRows(Record):
    """Rows of the holdout whose key the champion was fitted on; they are left out, for all models.

    Attributes:
        n_rows: those left out.
        n_holdout: rows of the holdout before.
        unknown: why the champion's rows are not known, as a sentence; None where they are.
    """

    n_rows: int
    n_holdout: int
    unknown: str | None = None


class EvaluationSet(Record):
    """Result of `evaluate`: who is best on validation rows, and how it compares with the champion on the holdout.

    Attributes:
        best: candidate id, chosen on validation rows, or None when no candidate could be scored or chosen.
        shortage: what the rows lack to decide by, or None.
        champion_state: `error` is a champion that should work and does not; `not_comparable` can't read this schema;
            `not_asked` in runs about the past, which today's champion has no say in.
        twin: of a champion that was fitted again after it was judged, the candidate that was, compared in its place.
        known_rows: of the holdout those that the champion was fitted on; None where there are none.
        summary: the primary metric of every model (the rest is in `details`).
        inspection: what was found wrong with the data, None where nobody looked; left out of records without one.
        dependence: what counts as one piece of evidence in the comparison, or, without one, in the best candidate's
            primary metric; None where nothing ties rows together.
        details: SHA-256 of a JSON file in the store: evaluations, comparisons, curves, confusion matrices.
    """

    primary: str
    best: str | None
    champion: str | None
    champion_state: Literal["none", "scored", "not_comparable", "error", "not_asked"]
    champion_reason: str | None = None
    n_validation: int
    n_holdout: int
    holdout_classes: dict[str, int]
    summary: dict[str, MetricValue]
    comparison: Comparison | None = None
    shortage: Shortage | None = None
    twin: str | None = Field(default=None, exclude_if=lambda value: value is None)
    known_rows: KnownRows | None = Field(default=None, exclude_if=lambda value: value is None)
    inspection: Inspection | None = Field(default=None, exclude_if=lambda seen: seen is None)
    dependence: RowDependence | None = Field(default=None, exclude_if=lambda value: value is None)
    details: str
