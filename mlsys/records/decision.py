"""Records of gates, decisions and what came of them."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Literal

from pydantic import Field

from mlsys.durations import in_words
from mlsys.records.base import Outcome, Record, State
from mlsys.wording import number, signed

# What would flip a finding that no figure decides, by its reason.
_FLIPS = {
    "no_challenger": "with a candidate that can be fitted and scored",
    "undefined_metric": "on holdout rows on which the metric is defined",
    "checks_not_passed": "once every critical check of the data passes",
    "champion_error": "once the champion can be loaded and scored again",
    "champion_not_comparable": "against a champion that reads the columns of this spec",
    "wrong_side": "with a limit on the other side",
    "not_measured": "once it is measured, in another run",
    "not_loaded_in_time": "on a machine that has more time",
    "process_ended": "on a machine with more memory",
    "machine_busy": "by the same times on a machine with less to do",
    "not_servable": "with a model that loads and answers",
    "package_not_named": "once these packages stand in the requirements",
}
_MANY = 1000  # times as many rows: nobody waits for more
_SIDES = {">": ("above", "at most"), ">=": ("at least", "below"), "<=": ("at most", "above")}


class AnchorFinding(Record):
    """What a gate saw when it held the challenger against the best past champion as well.

    Attributes:
        state: as in `AnchorComparison`; `undefined` where the metric is.
        difference: challenger minus it, turned so that positive is better; `bound` its one-sided bound at `level`.
        limit: what the bound must lie above; `shown_better` when it lies above 0, too.
    """

    model_id: str
    version: str
    state: Literal["champion", "scored", "unusable", "undefined"]
    difference: float | None = None
    bound: float | None = None
    level: float | None = None
    limit: float | None = None

    @property
    def shown_better(self) -> bool:
        """Whether the challenger was shown to be better than it."""
        return self.bound is not None and self.bound > 0


class GateResult(Record):
    """What one gate saw.

    Attributes:
        observed_as: what `observed` is, in a few words: `its lower bound`, `bad rows of the newest day`.
        estimate: what `observed` is a bound of, `estimate_as` in words; None where it is no bound. `level` is the
            one-sided level of that bound.
        needs: how `observed` must stand to `limit`; empty where the gate does not say.
        distance: how far inside (positive) or outside (negative) the limit.
        unit: of all four: `share` of one, `hours`, a `difference` of a metric, or empty for metrics and counts.
        sentence: the finding for people, complete.
        context: what else to know of the evidence, in sentences: what rows tell together, how often they have decided.
        reason: stable code for machines (`below_minimum`, `too_few_rows`), None for a pass.
        decided_before: decisions before this one that compared models on some of the same holdout rows.
        anchor: what it saw of the best past champion; None of a gate that asks for more than "not worse".
    """

    gate: str
    name: str
    state: State
    observed: float | None = None
    observed_as: str = "observed"
    estimate: float | None = None
    estimate_as: str = ""
    level: float | None = None
    needs: Literal["", ">", ">=", "<="] = ""
    limit: float | None = None
    distance: float | None = None
    unit: Literal["", "share", "hours", "difference"] = ""
    sentence: str
    context: str = Field(default="", exclude_if=lambda text: not text)
    reason: str | None = None
    decided_before: int | None = Field(default=None, exclude_if=lambda n: n is None)
    anchor: AnchorFinding | None = Field(default=None, exclude_if=lambda found: found is None)

    @property
    def flip(self) -> str:
        """What would flip the finding, as a sentence; empty where neither a figure nor the reason tells.

        Of a bound it is the estimate that would do at the same width of the interval, and, where more rows would do
        as well, about how many times as many: the width falls with the root of their number.
        """
        passes = self.state == "pass"
        verb = "Would fail" if passes else "Would pass"
        if not passes and self.reason in _FLIPS:
            return f"{verb} {_FLIPS[self.reason]}."
        if self.observed is None or self.limit is None or self.distance is None or not self.needs:
            return ""
        if (self.distance >= 0) != passes and not (self.distance == 0 and self.needs == ">"):
            return ""
        side, bound = _SIDES[self.needs][passes], self.level is not None and self.estimate is not None
        to_go = -self.distance if self.needs != "<=" else self.distance
        what, now, then, more = self.observed_as, self.observed, self.limit, ""
        if bound and self.estimate is not None:
            what, now, then = self.estimate_as, self.estimate, self.estimate + to_go
            more = "" if passes else self._by_rows(self.estimate, self.observed, self.limit)
        return f"{verb} with {what} {side} {self._figure(then, now)}, in place of {self._figure(now, then)}{more}."

    def _by_rows(self, estimate: float, observed: float, limit: float) -> str:
        """What more rows would change for a bound that missed its limit, if the estimate stayed."""
        lead = limit - estimate if self.needs == "<=" else estimate - limit
        if lead <= 0:
            return "; more rows alone would not do"
        times = ((estimate - observed) / lead) ** 2
        return f", or, if it stayed, with about {ceil(10 * times) / 10:.1f} times as many rows" if times < _MANY else ""

    def _figure(self, value: float, other: float) -> str:
        if self.unit == "share":
            return f"{number(100 * value, 100 * other)} %"
        if self.unit == "hours":
            return in_words(timedelta(hours=value))
        return signed(value, other) if self.unit == "difference" else number(value, other)


class Answer(Record):
    """What a person said to a promotion that waited for them; `timed_out` is nobody's answer."""

    answer: Literal["approved", "refused", "timed_out"]
    who: str
    reason: str | None = None


class EnvelopeFinding(Record):
    """Whether a challenger lies inside what may change without a person.

    Attributes:
        version: the version whose envelope is in force, or None where none has been approved yet.
        outside: what lies outside, one sentence each; empty inside.
        sentence: the finding for people, complete.
    """

    version: str | None
    inside: bool
    outside: tuple[str, ...] = ()
    sentence: str


class Luck(Record):
    """What the gates say of the same fit with other seeds.

    Attributes:
        n_seeds: judged, the challenger's own among them; fewer than asked for once one has another outcome.
        alike: whether all of them have the same outcome.
        values: of the primary metric on the holdout, the challenger's own first; None where it is undefined.
        sentence: the finding for people, complete.
    """

    n_seeds: int
    alike: bool
    values: tuple[float | None, ...]
    sentence: str


class Decision(Record):
    """The outcome of a run's judgement, with every gate's finding; `answer` is a person's refusal.

    Attributes:
        envelope: whether the challenger lies inside the spec's `governance.envelope`; None where there is none.
        luck: what other seeds would have changed; None where nobody asked.
    """

    decision_key: str
    run_id: str
    outcome: Outcome
    reason: str
    sentence: str
    challenger: str | None
    champion: str | None
    gates: tuple[GateResult, ...]
    advice: str | None = None
    answer: Answer | None = None
    envelope: EnvelopeFinding | None = Field(default=None, exclude_if=lambda value: value is None)
    luck: Luck | None = Field(default=None, exclude_if=lambda value: value is None)

    @property
    def needs_person(self) -> bool:
        """Whether only a person may let the challenger serve: it lies outside the envelope."""
        return self.envelope is not None and not self.envelope.inside


class ModelVersion(Record):
    """Result of `promote`: what serves now.

    Attributes:
        changed: True when this run made its candidate the champion.
        version: semantic version in the file registry.
        mlflow_version: version in MLflow's registry of the run's best candidate.
        mlflow_run_id: MLflow's run of this retraining, above those of its candidates.
    """

    pipeline: str
    changed: bool
    champion: str | None
    version: str | None = None
    mlflow_version: str | None = None
    mlflow_run_id: str | None = None
    path: str | None = None
    sentence: str
    decision: Decision


class RunReport(Record):
    """Where the report card of a run lies, relative to MLSYS_HOME."""

    run_id: str
    path: str
    sha256: str
    n_bytes: int
