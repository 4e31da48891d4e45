"""The gates' self-test: on a made-up world with a known truth they must refuse a worse model and let a far better one
pass. Gates that let everything through, or nothing, look like any others until a night goes wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from mlsys.evaluation.comparison import ComparisonRules, Contender, assess, scored
from mlsys.flaws import FLAWS
from mlsys.gates.base import Evidence
from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.gates.churn import Churn
from mlsys.gates.measuring import Measuring
from mlsys.gates.min_rows import MinRows
from mlsys.metrics import METRICS
from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import Predictions
from mlsys.promotion import made_up
from mlsys.promotion.decide import judged
from mlsys.records import CheckReport, EvaluationSet, GateResult, Plan, Snapshot
from mlsys.records.inspection import Inspection
from mlsys.spec import Spec
from mlsys.wording import counted

_CUTOFF = datetime(2026, 1, 31, tzinfo=UTC)
_LEAST_PER_CLASS, _MOST_PER_CLASS, _REPLICATES, _SEED = 400, 2000, 200, 42
_ALIKE = {"difference": 0.0, "lower": 0.0, "upper": 0.0}  # what a model and itself differ by
Quality = Literal["near-perfect", "good", "mediocre"]
_WRONG: dict[Quality, float] = {"near-perfect": 0.0, "good": 0.05, "mediocre": 0.4}  # as `Target.imagined`


@dataclass(frozen=True)
class SelfTest:
    """Whether gates tell a better model from a worse one, in words."""

    ok: bool
    sentence: str


def self_test(spec: Spec) -> SelfTest:
    """Return whether a spec's gates let a near-perfect model take a mediocre one's place, and not the other way round.

    The gates are told of as many rows as the spec's `min_rows` wants, and a near-perfect model keeps every limit that
    can be kept. Whether a slightly worse model is refused, too, and whether anything is compared with the champion, is
    the owner's choice, and is said.
    """
    better = _evidence(spec, challenger="near-perfect", champion="mediocre")
    lax = _first_lax(spec, better)
    if lax is not None:
        return SelfTest(False, lax)
    stopped = _first_not_passed(spec, better)
    if stopped is not None:
        return SelfTest(False, f"a near-perfect model would not take the place of a mediocre one: {stopped.sentence}")
    refused = _first_not_passed(spec, _evidence(spec, challenger="mediocre", champion="near-perfect"))
    if refused is None:
        # Without a gate that compares this is what the owner asked for: the newest model that keeps the limits.
        chosen = not any(isinstance(gate, BetterThanChampion) for gate in spec.gates)
        why = "no gate compares with the champion" if chosen else "what is compared stops nothing"
        return SelfTest(chosen, f"{why}: on made-up rows a mediocre model takes the place of a near-perfect one")
    said = f"{counted(len(spec.gates_in_force), 'gate')}: on made-up rows a far better model passes"
    close = _first_not_passed(spec, _evidence(spec, challenger="good", champion="near-perfect"))
    if close is not None:
        return SelfTest(True, f"{said}, a worse one is refused by {close.gate}")
    return SelfTest(True, f"{said}, a far worse one is refused by {refused.gate}, and a slightly worse one passes too")


def _first_lax(spec: Spec, evidence: Evidence) -> str | None:
    """Return in words which gate passes where it must not: nothing measured, a broken measurement, the same model."""
    for gate in spec.gates_in_force:
        if isinstance(gate, Measuring):
            for measured, least in (({}, "inconclusive"), ({gate.asks: {"error": "self-test"}}, "error")):
                found = judged(gate, replace(evidence, measured=measured))
                if found.state not in (least, "error"):
                    return f"{gate.kind} says '{found.state}' where it should say '{least}': {found.sentence}"
    compared = any(isinstance(gate, BetterThanChampion) for gate in spec.gates)
    same = {name: each.model_copy(update=_ALIKE) for name, each in evidence.comparisons.items()}
    if compared and _first_not_passed(spec, replace(evidence, comparisons=same)) is None:
        return "on made-up rows a model takes the place of one that is the same"
    return None


def _first_not_passed(spec: Spec, evidence: Evidence) -> GateResult | None:
    # A far better model changes many answers, and how many may change is the owner's choice.
    gates = [made_up.sized(gate) for gate in spec.gates_in_force if not isinstance(gate, Churn)]
    found = (judged(gate, evidence) for gate in gates)
    return next((result for result in found if result.state != "pass"), None)


def _evidence(spec: Spec, *, challenger: Quality, champion: Quality) -> Evidence:
    new, old = _rows(spec, challenger), _rows(spec, champion)
    assessed = assess(
        [scored(Contender("new", "new", "candidate"), validation=new, holdout=new)],
        scored(Contender("old", "old", "champion"), validation=old, holdout=old),
        metrics=_metrics(spec),
        rules=ComparisonRules(primary=spec.metrics.primary, n_replicates=_REPLICATES, seed=_SEED),
    )
    found = {evaluation.model_id: evaluation for evaluation in assessed.evaluations}
    values = {name: evaluation.on_holdout(spec.metrics.primary) for name, evaluation in found.items()}
    n_rows = 2 * _per_class(spec)
    return Evidence(
        plan=_plan(spec),
        snapshot=_snapshot(n_rows),
        checks=_checks(spec, n_rows),
        evaluations=EvaluationSet(
            primary=spec.metrics.primary,
            best="new",
            champion="old",
            champion_state="scored",
            n_validation=n_rows,
            n_holdout=n_rows,
            holdout_classes=dict.fromkeys(spec.target.class_counts(new.y_true), n_rows // 2),
            summary={name: value for name, value in values.items() if value is not None},
            comparison=assessed.comparisons.get(spec.metrics.primary),
            inspection=_inspection(n_rows),
            details="0" * 64,
        ),
        challenger=found["new"],
        champion=found["old"],
        comparisons=assessed.comparisons,
        directions={metric.kind: metric.direction for metric in _metrics(spec)},
        measured=made_up.measured(spec, new, old, seed=_SEED),
        live=made_up.live(spec, assessed.comparisons.get(spec.metrics.primary)),
    )


def _rows(spec: Spec, quality: Quality) -> Predictions:
    """Return made-up rows, half of them positive where there are classes, with the answers of such a model."""
    n_rows = 2 * min(_per_class(spec), _MOST_PER_CLASS)
    threshold = spec.metrics.usual_threshold
    made: Predictions = spec.target.predictions.imagined(n_rows, wrong=_WRONG[quality], threshold=threshold, seed=_SEED)
    return made


def _per_class(spec: Spec) -> int:
    """Return how many rows of each class the gates are told of."""
    floors = [gate for gate in spec.gates_in_force if isinstance(gate, MinRows)]
    return max([_LEAST_PER_CLASS, *(max(gate.per_class, (gate.rows + 1) // 2) for gate in floors)])


def _metrics(spec: Spec) -> list[Metric]:
    """Return the metrics that the gates may ask for."""
    named = {str(name) for gate in spec.gates_in_force if (name := getattr(gate, "metric", None)) is not None}
    outside = {spec.metrics.primary, *named} - set(METRICS.names())
    return [spec.metrics.metric(name) for name in (*spec.task_metrics, *sorted(outside))]


def _plan(spec: Spec) -> Plan:
    return Plan(
        pipeline=spec.pipeline,
        run_id="self-test",
        request_id="self-test",
        day=date(2026, 1, 30),
        day_source="parameter",
        cutoff=_CUTOFF,
        mode="live",
        spec="0" * 64,
        spec_fingerprint="0" * 64,
        training_key="0" * 64,
        seed=_SEED,
    )


def _snapshot(n_rows: int) -> Snapshot:
    return Snapshot(
        fingerprint="0" * 64,
        manifest="0" * 64,
        cutoff=_CUTOFF,
        n_rows=n_rows,
        n_labelled=n_rows,
        n_partitions=1,
        first_day=date(2026, 1, 30),
        last_day=date(2026, 1, 30),
        newest_event=_CUTOFF - timedelta(seconds=1),
    )


def _inspection(n_rows: int) -> Inspection:
    """Return what is said of data without a flaw."""
    return Inspection(
        findings=(),
        n_found=0,
        n_critical=0,
        looked_for=tuple(FLAWS.names()),
        n_rows=n_rows,
        n_sampled=n_rows,
        details="0" * 64,
    )


def _checks(spec: Spec, n_rows: int) -> CheckReport:
    return CheckReport(
        state="pass",
        results=(),
        n_checks=0,
        n_rows=n_rows,
        n_partitions=1,
        n_quarantined=0,
        quarantined_share=0.0,
        tolerated_share=spec.checks.tolerated_share,
        details="0" * 64,
    )
