"""What recalibrating alone does about a drift, in words."""

from __future__ import annotations

import pytest

from mlsys.backfill.mended import mended
from mlsys.backfill.records import Gain, Look, StrategyResult, ViewGain
from mlsys.backfill.strategies import GATED, NEVER, RECALIBRATED, WEEKLY, Compared
from mlsys.records import Comparison, MetricValue

LINES, BEST = (RECALIBRATED, NEVER), (WEEKLY, NEVER)
OVER_LINES = (WEEKLY, RECALIBRATED)


def view(pair: tuple[str, str], sign: int, *, headline: bool = True) -> ViewGain:
    return ViewGain(
        strategy=pair[0], over=pair[1], look=Look.PROBABILITIES, metric="log_loss", headline=headline,
        difference=0.02 * sign, lower=0.02 * sign - 0.01, upper=0.02 * sign + 0.01,
    )  # fmt: skip


def primary(pair: tuple[str, str], sign: int) -> Gain:
    found = Comparison(
        metric="roc_auc", direction="higher", difference=0.3 * sign, lower=0.3 * sign - 0.1, upper=0.3 * sign + 0.1,
        level=0.99, n=900, method="", reason=None,
    )  # fmt: skip
    return Gain(strategy=pair[0], over=pair[1], comparison=found)


def said(*gains: Gain, views: tuple[ViewGain, ...] = (), names: tuple[str, ...] = (NEVER, RECALIBRATED, WEEKLY)) -> str:
    value = MetricValue(name="roc_auc", value=0.9, n=900)
    results = tuple(
        StrategyResult(name=name, title=name, rule="", promotions=(), overall=value, pooled=value, daily=())
        for name in (*names, GATED)
    )
    return " ".join(mended(Compared(results, gains, views, (), 900)))


def test_where_no_retraining_is_better_it_is_enough() -> None:
    found = said(views=(view(LINES, 1), view(BEST, 1), view(OVER_LINES, 0)))
    assert found.startswith("Recalibrating alone is enough: the level drifts and the ranking does not.")
    assert "better by log loss (+0.02), and no retraining is better than that" in found
    assert "`{kind: recalibrate}`" in found


def test_where_a_pace_is_better_by_some_measure_it_mends_a_part() -> None:
    assert said(primary(OVER_LINES, 1), views=(view(LINES, 1),)) == (
        "Recalibrating alone mends a part: it makes the first model better by log loss (+0.02); against that "
        "retraining weekly is better by ROC AUC (+0.3)."
    )


def test_where_it_is_worse_by_some_measure_it_is_not_enough_either() -> None:
    found = said(views=(view(LINES, 1), view(LINES, -1).model_copy(update={"metric": "f1"})))
    assert found.endswith("mends a part: it makes the first model better by log loss (+0.02) and worse by F1 (-0.02).")


def test_where_only_retraining_helps_it_is_said_to_be_not_enough() -> None:
    found = said(primary(OVER_LINES, 1), primary(BEST, 1))
    assert found.startswith("Recalibrating alone is not enough: by no measure")
    assert found.endswith("against that retraining weekly is better by ROC AUC (+0.3).")


@pytest.mark.parametrize(
    "views",
    [(), (view(LINES, 0),), (view(LINES, 1, headline=False),), (view(LINES, -1), view(OVER_LINES, 1))],
    ids=["nothing", "not apart", "shown alone", "noise of the lines"],
)
def test_where_nothing_drifts_nothing_is_said(views: tuple[ViewGain, ...]) -> None:
    assert said(views=views) == ""


def test_where_it_was_not_tried_nothing_is_said() -> None:
    assert said(primary(BEST, 1), views=(view(BEST, 1),), names=(NEVER, WEEKLY)) == ""
