"""Whole judgements whose answer is known beforehand: scores in, verdict of all gates out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from given import records_samples

from mlsys.evaluation.comparison import Assessment, ComparisonRules, Contender, assess, scored
from mlsys.gates import GATES
from mlsys.gates.base import Evidence
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored
from mlsys.records import EvaluationSet, GateResult

RULES = (
    {"kind": "minimum", "metric": "roc_auc", "at_least": 0.7},
    {"kind": "better_than_champion"},
    {"kind": "min_rows"},
    {"kind": "data_quality"},
    {"kind": "freshness"},
)
N_ROWS = 2000


def truth(n_rows: int = N_ROWS, share: float = 0.4) -> np.ndarray:
    return (np.random.default_rng(11).random(n_rows) < share).astype("int8")


def scores(y: np.ndarray, skill: float, seed: int) -> np.ndarray:
    p: np.ndarray = 1 / (1 + np.exp(-(skill * (2 * y - 1) + np.random.default_rng(seed).normal(size=y.size))))
    return p


def entry(role: str, y: np.ndarray, y_score: np.ndarray, model: str) -> Contender:
    blank = Contender(role, role, "champion" if role == "champion" else "candidate", model)
    return scored(blank, validation=Scored(y, y_score), holdout=Scored(y, y_score))


def judged(challenger: Contender, champion: Contender | None, primary: str = "roc_auc") -> list[GateResult]:
    metrics = [metric.model_validate({}) for metric in METRICS if "binary" in metric.tasks]
    found = assess([challenger], champion, metrics=metrics, rules=ComparisonRules(primary, 400, seed=1))
    evidence = evidence_of(found, challenger, champion, primary)
    return [GATES.parse(rule).judge(evidence) for rule in RULES]


def evidence_of(found: Assessment, challenger: Contender, champion: Contender | None, primary: str) -> Evidence:
    assert challenger.holdout is not None
    y = challenger.holdout.y_true
    by_role = {evaluation.role: evaluation for evaluation in found.evaluations}
    counts = {name: int((y == label).sum()) for name, label in (("no", 0), ("yes", 1)) if (y == label).any()}
    return Evidence(
        plan=records_samples.plan(),
        snapshot=records_samples.snapshot(),
        checks=records_samples.check_report(),
        evaluations=EvaluationSet(
            primary=primary,
            best=found.best.model_id if found.best else None,
            champion=champion.model_id if champion else None,
            champion_state="scored" if champion else "none",
            n_validation=y.size,
            n_holdout=y.size,
            holdout_classes=counts,
            summary={},
            details="0" * 64,
        ),
        challenger=by_role["candidate"] if found.best else None,
        champion=by_role.get("champion"),
        comparisons=found.comparisons,
        directions={metric.kind: metric.direction for metric in (METRICS.parse(name) for name in METRICS.names())},
    )


def promoted(results: Sequence[GateResult]) -> bool:
    return all(result.state == "pass" for result in results)


def reason(results: Sequence[GateResult], gate: str) -> str | None:
    return next(result.reason for result in results if result.gate == gate)


@pytest.mark.slow
def test_clearly_better_is_promoted() -> None:
    y = truth()
    found = judged(entry("new", y, scores(y, 1.5, 1), "a"), entry("champion", y, scores(y, 0.8, 2), "b"))
    assert promoted(found)


@pytest.mark.slow
def test_clearly_worse_is_rejected() -> None:
    y = truth()
    found = judged(entry("new", y, scores(y, 0.8, 1), "a"), entry("champion", y, scores(y, 1.5, 2), "b"))
    assert reason(found, "better_than_champion") == "not_better"


@pytest.mark.slow
@pytest.mark.parametrize("model", ["a", "b"])
def test_identical_predictions_are_not_promoted(model: str) -> None:
    y = truth()
    same = scores(y, 1.5, 1)
    found = judged(entry("new", y, same, "a"), entry("champion", y, same.copy(), model))
    assert not promoted(found)
    assert reason(found, "better_than_champion") == "identical"


@pytest.mark.slow
def test_first_champion_needs_the_absolute_floor() -> None:
    y = truth()
    assert promoted(judged(entry("new", y, scores(y, 1.5, 1), "a"), None))
    found = judged(entry("new", y, scores(y, 0.1, 1), "a"), None)
    assert reason(found, "minimum") == "below_minimum"


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("with_champion", [True, False])
def test_single_class_holdout_is_inconclusive(label: int, with_champion: bool) -> None:
    y = np.full(N_ROWS, label, "int8")
    learnt = truth()
    challenger = Contender(
        "new", "new", "candidate", "a", Scored(learnt, scores(learnt, 1.5, 1)), Scored(y, scores(y, 1, 1))
    )
    champion = entry("champion", y, scores(y, 0.5, 2), "b") if with_champion else None
    states = {result.gate: result.state for result in judged(challenger, champion)}
    assert states["minimum"] == states["min_rows"] == "inconclusive"
    assert states["better_than_champion"] == ("inconclusive" if with_champion else "pass")


def test_a_candidate_without_scores_is_not_promoted() -> None:
    y = truth()
    unusable = Contender("lost", "lost", "candidate", "a", reason="1 of 2000 scores are not finite probabilities")
    metrics = [metric.model_validate({}) for metric in METRICS if "binary" in metric.tasks]
    champion = entry("champion", y, scores(y, 0.8, 2), "b")
    found = assess([unusable], champion, metrics=metrics, rules=ComparisonRules("roc_auc", 100, seed=1))
    assert found.best is None
    assert found.comparisons == {}
    evidence = evidence_of(found, champion, champion, "roc_auc")
    states = {GATES.parse(rule).judge(evidence).state for rule in RULES[:2]}
    assert states == {"inconclusive"}


def test_too_few_rows_are_inconclusive_even_when_clearly_better() -> None:
    y = truth(150)
    found = judged(entry("new", y, scores(y, 3, 1), "a"), entry("champion", y, scores(y, 0.8, 2), "b"))
    assert reason(found, "better_than_champion") is None
    assert reason(found, "min_rows") == "too_few_rows"
    assert not promoted(found)


def test_lower_is_better_is_turned_the_right_way() -> None:
    y = truth()
    better, worse = entry("new", y, scores(y, 1.5, 1), "a"), entry("champion", y, scores(y, 0.8, 2), "b")
    assert reason(judged(better, worse, "log_loss"), "better_than_champion") is None
