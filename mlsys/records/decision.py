"""Records of gates, decisions and what came of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlsys.records.base import Outcome, Record, State


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
    reason: str | None = None
    decided_before: int | None = Field(default=None, exclude_if=lambda n: n is None)
    anchor: AnchorFinding | None = Field(default=None, exclude_if=lambda found: found is None)


class Answer(Record):
    """What a person said to a promotion that waited for them; `timed_out` is nobody's answer."""

    answer: Literal["approved", "refused", "timed_out"]
    who: str
    reason: str | None = None


class Decision(Record):
    """The outcome of a run's judgement, with every gate's finding; `answer` is a person's refusal."""

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
