"""What rows lack to fit, to choose or to judge by."""

from __future__ import annotations

import pytest

from mlsys.evaluation.comparison import Assessment, Contender
from mlsys.evaluation.shortage import shortage_of
from mlsys.metrics import METRICS
from mlsys.records import Evaluation, MetricValue, Split, SplitCounts

BOTH = {"no": 70, "yes": 10}
PRECISION = METRICS.parse("precision")


def split(**classes: dict[str, int]) -> Split:
    sides = {"training": BOTH, "validation": BOTH, "holdout": BOTH} | classes
    counts = {side: SplitCounts(n_rows=sum(found.values()), classes=found) for side, found in sides.items()}
    return Split(kind="hash", assignment="a" * 64, left_out={}, sentence="", **counts)


def assessed(*values: MetricValue, best: Contender | None = None) -> Assessment:
    roles = [
        Evaluation(model_id=str(n), name="", role="candidate", validation=(v,), holdout=())
        for n, v in enumerate(values)
    ]
    return Assessment((), tuple(roles), best, {}, "")


UNDEFINED = MetricValue(name="precision", value=None, n=80, reason="no row is predicted positive")
UNSCORED = MetricValue(name="precision", value=None, n=0, reason="not scored")
CHOSEN = Contender("0", "0", "candidate")


def test_rows_of_both_classes_and_a_best_candidate_lack_nothing() -> None:
    assert shortage_of(split(), assessed(best=CHOSEN), PRECISION) is None


@pytest.mark.parametrize("side", ["training", "validation", "holdout"])
@pytest.mark.parametrize("label", BOTH)
def test_a_side_of_one_class_is_too_few_rows_whatever_was_chosen(side: str, label: str) -> None:
    found = shortage_of(split(**{side: {label: 80}}), assessed(best=CHOSEN), PRECISION)
    assert found is not None
    assert found.reason == "too_few_rows"
    assert found.sentence.startswith(f"All 80 {side} rows are of one class, '{label}': n")


def test_a_metric_undefined_for_all_is_said_with_its_reason() -> None:
    found = shortage_of(split(), assessed(UNSCORED, UNDEFINED), PRECISION)
    assert found is not None
    assert found.reason == "undefined_metric"
    assert found.sentence == (
        "No candidate has a defined Precision on the 80 validation rows: no row is predicted positive"
    )


def test_candidates_that_can_t_be_scored_are_no_shortage_of_rows() -> None:
    assert shortage_of(split(), assessed(UNSCORED), PRECISION) is None
