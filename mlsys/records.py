"""What the steps hand to each other: small, frozen, JSON-pure records.

A record carries numbers, names and pointers (SHA-256 digests of files in the store), never data. It goes
through Airflow's XCom, the ledger and the report unchanged, so it holds no NaN (None and a reason instead), no
numpy scalar, no path object, and at most 16 KB.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from mlsys.errors import RunError
from mlsys.store import canonical_json

MAX_BYTES = 16 * 1024

Mode = Literal["live", "dry", "train", "simulate"]
HISTORICAL: frozenset[Mode] = frozenset({"train", "simulate"})  # look at their own day alone, and never promote
# Of what two runs with the same key record, only these fields may differ.
MEASURED = frozenset({"fit_seconds"})
RunStatus = Literal["done", "skipped", "failed"]
Outcome = Literal["promote", "reject", "inconclusive", "historical", "error"]
State = Literal["pass", "fail", "inconclusive", "error"]
Severity = Literal["critical", "warning"]


class Record(BaseModel):
    """Base of all records: frozen, unknown keys refused, finite numbers only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def dump(self) -> dict[str, Any]:
        """Return the record as JSON-pure data.

        Raises:
            RunError: more than 16 KB: something that belongs into the store stands in the record.
        """
        data = self.model_dump(mode="json")
        size = len(canonical_json(data))
        if size > MAX_BYTES:
            raise RunError(f"A {type(self).__name__} record has {size} bytes; the limit is {MAX_BYTES}")
        return data

    @classmethod
    def load(cls, data: Any) -> Self:
        """Return the record of what `dump` gave."""
        return cls.model_validate(data)


class Plan(Record):
    """What a run is going to do, fixed by its first step; every later step gets it.

    Attributes:
        run_id: names the run everywhere; derived from the keys, so a repetition has the same.
        cutoff: exclusive end of the data the run sees, UTC.
        champion: id of the champion at the start, or None; runs about the past are not measured against it.
        approval: a person has the last word on a promotion.
        spec: SHA-256 of the resolved spec in the store.
        overrides: spec keys set for this run alone, as `path=value` texts.
    """

    pipeline: str
    run_id: str
    request_id: str
    day: date
    day_source: str
    cutoff: datetime
    mode: Mode
    reason: str | None = None
    spec: str
    spec_fingerprint: str
    training_key: str
    seed: int
    champion: str | None = None
    approval: bool = False
    overrides: tuple[str, ...] = ()


class Snapshot(Record):
    """The data of a run. `manifest` is the SHA-256 of the list of partitions in the store.

    Attributes:
        fingerprint: of the content, labels masked at the cutoff; the same rows give the same one.
        n_rows: rows in all partitions; n_labelled: those with a label known before the cutoff.
        newest_event: newest event time in it, or None for a source without time.
    """

    fingerprint: str
    manifest: str
    cutoff: datetime
    n_rows: int
    n_labelled: int
    n_partitions: int
    first_day: date
    last_day: date
    newest_event: datetime | None = None
    n_duplicate_keys: int = 0


class Arrivals(Record):
    """What a run was the first to read, which depends on the runs before it; `days` are the first 30."""

    n_partitions: int = 0
    n_rows: int = 0
    days: tuple[date, ...] = ()


class CheckResult(Record):
    """One check over the partitions it looked at.

    Attributes:
        name: what it says, for people: `url_length between 0 and 2000`.
        n_failed: rows that failed it, or None for a rule over whole tables.
        sentence: what was seen, in words.
    """

    name: str
    kind: str
    column: str | None = None
    severity: Severity
    state: State
    n_rows: int
    n_failed: int | None = None
    sentence: str
    examples: tuple[str, ...] = ()


class CheckReport(Record):
    """Result of `validate`.

    Attributes:
        results: worst first; at most 40 (all of them are in `details`).
        quarantine: SHA-256 of a JSON file `{partition fingerprint: [row offsets]}`, or None when no row failed.
        details: SHA-256 of the JSON list of all results, with reasons per quarantined row.
        n_rows, n_partitions: what the verdict covers; findings about partitions seen before are remembered.
        data_docs: path of the Data Docs index below MLSYS_HOME, or None.
    """

    state: State
    results: tuple[CheckResult, ...]
    n_checks: int
    n_rows: int
    n_partitions: int
    n_quarantined: int
    quarantined_share: float
    tolerated_share: float
    quarantine: str | None = None
    details: str
    data_docs: str | None = None


class SplitCounts(Record):
    """Rows of one side, and of each class in it."""

    n_rows: int
    classes: dict[str, int]


class Split(Record):
    """Which row stands on which side.

    Attributes:
        assignment: SHA-256 of a `.npy` file in the store: int8 `(n_rows,)` in the order of the snapshot's rows,
            0 left out, 1 training, 2 validation, 3 holdout.
        left_out: why rows stand on no side: `{"no label": 12, "gap": 30}`.
        sentence: the rule in words, with its dates.
    """

    kind: str
    assignment: str
    training: SplitCounts
    validation: SplitCounts
    holdout: SplitCounts
    left_out: dict[str, int]
    sentence: str


class Candidate(Record):
    """A fitted model of a run, or the reason why it could not be fitted.

    Attributes:
        candidate_id: `<training key, 12 digits>-<name>`; the same key gives the same id.
        model: SHA-256 of the pickled scikit-learn pipeline in the store; only files named here are ever loaded.
        baseline: a sanity line (the prior): scored and shown, never chosen.
    """

    candidate_id: str
    name: str
    kind: str
    status: Literal["fitted", "failed"]
    reason: str | None = None
    baseline: bool = False
    model: str | None = None
    model_bytes: int | None = None
    params: dict[str, Any] = {}
    seed: int = 0
    n_training_rows: int = 0
    n_features: int = 0
    fit_seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @staticmethod
    def id_of(training_key: str, name: str) -> str:
        """Return the id of a candidate: the key of its data and spec, and its name in the spec."""
        return f"{training_key[:12]}-{name}"


class MetricValue(Record):
    """One metric of one model on one set of rows.

    Attributes:
        value: None where the metric is undefined; `reason` then says why.
        lower, upper: 95 % bootstrap interval, or None.
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


class Comparison(Record):
    """Challenger against champion on the same holdout rows.

    Attributes:
        difference: challenger minus champion, turned so that positive is better, or None with a reason.
        lower, upper: bounds of the two-sided interval of `2 * level - 1`; `lower` is the one-sided bound at `level`.
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


class EvaluationSet(Record):
    """Result of `evaluate`: who is best on validation rows, and how it compares with the champion on the holdout.

    Attributes:
        best: candidate id, chosen on validation rows, or None when no candidate could be scored.
        champion_state: `error` is a champion that should work and does not; `not_comparable` can't read this schema;
            `not_asked` in runs about the past, which today's champion has no say in.
        summary: the primary metric of every model (the rest is in `details`).
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
    details: str


class GateResult(Record):
    """What one gate saw.

    Attributes:
        distance: how far inside (positive) or outside (negative) the limit.
        unit: of observed, limit and distance: `share` of one, `hours`, or empty for metrics and counts.
        sentence: the finding for people, complete.
        reason: stable code for machines (`below_minimum`, `too_few_rows`), None for a pass.
    """

    gate: str
    name: str
    state: State
    observed: float | None = None
    limit: float | None = None
    distance: float | None = None
    unit: Literal["", "share", "hours"] = ""
    sentence: str
    reason: str | None = None


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


class Start(Record):
    """Result of `take_snapshot`: go on with plan and snapshot, or skip with a reason.

    Attributes:
        reason: `unchanged`, `no_data_for_day` or `too_few_new_rows` for a skip.
        run_id: of the run that already answered, for `unchanged`.
    """

    go: bool
    request_id: str
    reason: str | None = None
    sentence: str
    run_id: str | None = None
    plan: Plan | None = None
    snapshot: Snapshot | None = None
    arrivals: Arrivals | None = None
