"""The lines of the chart: which strategies have one of their own."""

from __future__ import annotations

from datetime import date, timedelta

from mlsys.backfill.chart import chart, drawn
from mlsys.backfill.records import DailyValue, StrategyResult
from mlsys.backfill.strategies import NEVER, RECALIBRATED, TITLES
from mlsys.records import MetricValue

FIRST = date(2026, 3, 1)


def strategy(name: str, values: list[float], made: list[int]) -> StrategyResult:
    daily = tuple(
        DailyValue(
            day=FIRST + timedelta(days=n),
            model_day=FIRST + timedelta(days=before),
            value=MetricValue(name="log_loss", value=value, n=50),
        )
        for n, (value, before) in enumerate(zip(values, made, strict=True), 1)
    )
    blank = daily[0].value
    return StrategyResult(
        name=name, title=TITLES[name], rule="", promotions=(), overall=blank, pooled=blank, daily=daily
    )


def test_a_recalibrated_model_has_a_line_and_dots_where_it_differs_from_the_first_one() -> None:
    results = [strategy(NEVER, [0.5, 0.6, 0.7], [0, 0, 0]), strategy(RECALIBRATED, [0.5, 0.6, 0.6], [0, 0, 2])]
    drawing = chart(results, None, "Log loss") or ""
    assert drawn(results) == results
    assert drawing.count('class="line w-recalibrated"') == 1
    assert "Recalibrated nightly: from 2026-03-04 the line of 2026-03-03 serves" in drawing


def test_where_it_ranks_as_the_first_one_its_line_would_hide_that_one() -> None:
    results = [strategy(name, [0.9, 0.8], [0, 1]) for name in (NEVER, RECALIBRATED)]
    assert drawn(results) == results[:1]
    assert "w-recalibrated" not in (chart(results, None, "ROC AUC") or "")
