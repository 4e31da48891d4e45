"""What every gate must keep; subclass `GateContract` with the fixtures `gate`, `good` and `spoiled`.

`evidence` builds what a gate looks at: a challenger whose roc_auc is 0.95 and beats the champion by 0.02.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from mlsys.gates.base import Evidence, Gate
from mlsys.gates.measuring import Measuring
from mlsys.records import (
    CheckReport,
    CheckResult,
    Comparison,
    Evaluation,
    EvaluationSet,
    GateResult,
    MetricValue,
    Plan,
    Snapshot,
)
from mlsys.records.inspection import FlawFound, Inspection
from mlsys.records.live import LiveEvidence, LiveVerdict

DIRECTIONS = {"roc_auc": "higher", "log_loss": "lower"}
VALUES = {"roc_auc": (0.95, 0.94, 0.96), "log_loss": (0.30, 0.28, 0.32)}


def evaluation(model_id: str = "new", values: Mapping[str, Any] | None = None, *, n: int = 1000) -> Evaluation:
    """Return an evaluation from `{metric: (value, lower, upper)}`; a None in place of the three is undefined."""
    found = []
    for name, triple in (VALUES if values is None else values).items():
        value, lower, upper = triple or (None, None, None)
        reason = None if triple else "all rows are of one class"
        found.append(MetricValue(name=name, value=value, lower=lower, upper=upper, n=n, reason=reason))
    return Evaluation(model_id=model_id, name=model_id, role="candidate", holdout=tuple(found))


def comparison(difference: float | None = 0.02, lower: float | None = 0.01, upper: float | None = 0.03) -> Comparison:
    """Return a comparison by roc_auc."""
    return Comparison(
        metric="roc_auc",
        direction="higher",
        difference=difference,
        lower=lower,
        upper=upper,
        level=0.95,
        n=1000,
        method="paired bootstrap, 1000 resamples",
        reason=None if difference is not None else "undefined for the challenger: all rows are of one class",
    )


def evidence(
    *,
    challenger: Evaluation | None = None,
    without_challenger: bool = False,
    compared: Comparison | None = None,
    snapshot: Mapping[str, Any] | None = None,
    checks: Mapping[str, Any] | None = None,
    measured: Mapping[str, Mapping[str, Any]] | None = None,
    live: LiveVerdict | None = "better",
    **evaluations: Any,
) -> Evidence:
    """Return good evidence with changes: fields of the snapshot, the check report and the evaluation set.

    `measured` is what gates measured, by `Measuring.asks`; `live` what the labels of live requests say, if any.
    """
    chosen = None if without_challenger else challenger or evaluation()
    found: dict[str, Any] = {
        "primary": "roc_auc",
        "best": chosen.model_id if chosen else None,
        "champion": "old",
        "champion_state": "scored",
        "n_validation": 500,
        "n_holdout": 1000,
        "holdout_classes": {"no": 600, "yes": 400},
        "summary": {},
        "inspection": inspection(),
        "details": "0" * 64,
    }
    found |= evaluations
    scored = found["champion_state"] == "scored"
    return Evidence(
        plan=_plan(),
        snapshot=_snapshot().model_copy(update=dict(snapshot or {})),
        checks=_checks().model_copy(update=dict(checks or {})),
        evaluations=EvaluationSet(**found),
        challenger=chosen,
        champion=evaluation("old") if scored else None,
        comparisons={"roc_auc": compared or comparison()} if scored and chosen else {},
        directions=DIRECTIONS,
        measured=measured or {},
        live=None if live is None or chosen is None else live_evidence(chosen.model_id, live),
    )


def live_evidence(candidate: str, verdict: LiveVerdict = "better") -> LiveEvidence:
    """Return what the labels of live requests say of a candidate."""
    bounds = {"better": (0.02, 0.01, 0.03), "worse": (-0.02, -0.03, -0.01), "open": (0.01, -0.01, 0.03)}
    return LiveEvidence(
        pipeline="phishing",
        candidate=candidate,
        champion="old",
        version="1.0.0",
        role="shadow",
        since=datetime(2026, 3, 9, tzinfo=UTC),
        until=datetime(2026, 3, 23, tzinfo=UTC),
        n_answers=2000,
        n_known=1000,
        comparison=comparison(*bounds[verdict]) if verdict in bounds else None,
        verdict=verdict,
        sentence=f"{candidate} in the shadow of version 1.0.0: {verdict}.",
    )


def inspection(*findings: FlawFound) -> Inspection:
    """Return what was found wrong with the data: nothing, or these findings."""
    return Inspection(
        findings=findings,
        n_found=len(findings),
        n_critical=sum(finding.severity == "critical" for finding in findings),
        looked_for=("leaking_column", "telling_gap"),
        n_rows=10_000,
        n_sampled=10_000,
        details="6" * 64,
    )


def _plan() -> Plan:
    return Plan(
        pipeline="phishing",
        run_id="phishing-2026-03-08-000000000000",
        request_id="r-1",
        day=date(2026, 3, 8),
        day_source="partition",
        cutoff=datetime(2026, 3, 9, tzinfo=UTC),
        mode="live",
        spec="0" * 64,
        spec_fingerprint="1" * 64,
        training_key="2" * 64,
        seed=42,
        champion="old",
    )


def _snapshot() -> Snapshot:
    return Snapshot(
        fingerprint="3" * 64,
        manifest="4" * 64,
        cutoff=datetime(2026, 3, 9, tzinfo=UTC),
        n_rows=10_000,
        n_labelled=10_000,
        n_partitions=60,
        first_day=date(2026, 1, 8),
        last_day=date(2026, 3, 8),
        newest_event=datetime(2026, 3, 8, 23, 52, 17, tzinfo=UTC),
    )


def _checks() -> CheckReport:
    name = "url_length not null"
    sentence = "All 178 rows have a value."
    rule = CheckResult(
        name=name, kind="not_null", severity="critical", state="pass", n_rows=178, n_failed=0, sentence=sentence
    )
    slack = rule.model_copy(
        update={"name": "row_count at most 150", "kind": "row_count", "severity": "warning", "state": "fail"}
    )
    return CheckReport(
        state="pass",
        results=(slack, rule),
        n_checks=2,
        n_rows=178,
        n_partitions=1,
        n_quarantined=1,
        quarantined_share=1 / 178,
        tolerated_share=0.02,
        details="5" * 64,
    )


class GateContract:
    """The contract; `good` is evidence that passes, `spoiled` are pieces of evidence that must not."""

    def test_good_evidence_passes(self, gate: Gate, good: Evidence) -> None:
        """It can pass."""
        assert gate.judge(good).state == "pass"

    def test_spoiled_evidence_never_passes(self, gate: Gate, spoiled: Sequence[Evidence]) -> None:
        """It does not pass what it must not, and says why by a code."""
        assert spoiled
        for item in spoiled:
            found = gate.judge(item)
            assert found.state != "pass"
            assert found.reason

    def test_findings_are_complete(self, gate: Gate, good: Evidence, spoiled: Sequence[Evidence]) -> None:
        """Each finding is JSON-pure, names its gate and is a whole sentence; the sign of the distance fits."""
        for item in (good, *spoiled):
            found = gate.judge(item)
            assert GateResult.load(found.dump()) == found
            assert found.gate == gate.kind
            assert found.name
            assert found.sentence.endswith(".")
            assert found.sentence[0].isupper() or found.sentence[0].isdigit()
            if found.state == "pass":
                assert found.reason is None
                assert found.distance is None or found.distance >= 0

    def test_what_was_not_measured_is_no_pass(self, gate: Gate, good: Evidence) -> None:
        """Where it measures: nothing measured is inconclusive, and a broken measurement an error."""
        if isinstance(gate, Measuring):
            assert gate.judge(replace(good, challenger=None)).reason == "no_challenger"
            assert gate.judge(replace(good, measured={})).state == "inconclusive"
            broken = gate.judge(replace(good, measured={gate.asks: {"error": "no such column"}}))
            assert (broken.state, broken.reason) == ("error", "measuring_failed")

    def test_a_finding_says_what_would_flip_it(self, gate: Gate, good: Evidence, spoiled: Sequence[Evidence]) -> None:
        """A finding with a figure and a limit says what figure would flip it."""
        for item in (good, *spoiled):
            found = gate.judge(item)
            if found.distance is not None and found.state in ("pass", "fail"):
                assert found.flip.endswith(".")

    def test_same_evidence_same_finding(self, gate: Gate, good: Evidence) -> None:
        """A gate has no memory."""
        assert gate.judge(good) == gate.judge(good)
