"""What the steps hand to each other: small, frozen, JSON-pure records."""

from mlsys.records.anchor import Anchor
from mlsys.records.base import HELD, HISTORICAL, MAX_BYTES, MEASURED, Mode, Outcome, Record, RunStatus, Severity, State
from mlsys.records.decision import Answer, Decision, EnvelopeFinding, GateResult, ModelVersion, RunReport
from mlsys.records.evaluation import Candidate, Comparison, Evaluation, EvaluationSet, MetricValue, Shortage, TriedSet
from mlsys.records.progress import Decided, Evaluated
from mlsys.records.run import (
    Arrivals,
    BadRows,
    CheckReport,
    CheckResult,
    Plan,
    Prepared,
    Snapshot,
    Split,
    SplitCounts,
    Start,
)

__all__ = [
    "HELD",
    "HISTORICAL",
    "MAX_BYTES",
    "MEASURED",
    "Anchor",
    "Answer",
    "Arrivals",
    "BadRows",
    "Candidate",
    "CheckReport",
    "CheckResult",
    "Comparison",
    "Decided",
    "Decision",
    "EnvelopeFinding",
    "Evaluated",
    "Evaluation",
    "EvaluationSet",
    "GateResult",
    "MetricValue",
    "Mode",
    "ModelVersion",
    "Outcome",
    "Plan",
    "Prepared",
    "Record",
    "RunReport",
    "RunStatus",
    "Severity",
    "Shortage",
    "Snapshot",
    "Split",
    "SplitCounts",
    "Start",
    "State",
    "TriedSet",
]
