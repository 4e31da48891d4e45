"""The drawings of the Models page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from given.shop import day

from mlsys.ledger import ChampionChange
from mlsys.orchestration.page import charts, overview
from mlsys.orchestration.page.overview import Judged
from mlsys.records import MetricValue
from mlsys.workspace import Workspace

NOW = datetime(2026, 5, 14, 9, 0, tzinfo=UTC)


@pytest.fixture
def judged(work: Workspace) -> Judged:
    return overview.glance(work, "shop", at=NOW).judged[0]


def series(judged: Judged, *values: float | None, promoted: tuple[int, ...] = ()) -> list[Judged]:
    return [
        replace(
            judged,
            day=day(index),
            metric=MetricValue(name="roc_auc", value=value, n=100, reason=None if value is not None else "one class"),
            champion_metric=None,
            version=f"1.0.{index}" if index in promoted else None,
        )
        for index, value in enumerate(values)
    ]


def positions(svg: str, attribute: str) -> list[float]:
    return [float(found) for found in re.findall(rf'<circle[^>]* {attribute}="([\d.]+)%?"', svg)]


def test_better_stands_higher_and_later_stands_further_right(judged: Judged) -> None:
    svg = str(charts.chart(series(judged, 0.7, 0.8, 0.9), "ROC AUC"))
    assert positions(svg, "cx") == [0, 50, 100]
    assert positions(svg, "cy") == sorted(positions(svg, "cy"), reverse=True)
    assert all(0 < y < 100 for y in positions(svg, "cy"))


def test_promotions_are_marked_and_named(judged: Judged) -> None:
    svg = str(charts.chart(series(judged, 0.7, 0.8, 0.9, promoted=(1,)), "ROC AUC"))
    assert svg.count('class="point promoted"') == 1
    assert svg.count('class="flag"') == 1
    assert ">1.0.1</text>" in svg
    assert "promoted as 1.0.1" in svg


def test_labels_that_would_touch_are_left_out(judged: Judged) -> None:
    svg = str(charts.chart(series(judged, *[0.8] * 50, promoted=(10, 11, 12, 40)), "ROC AUC"))
    assert svg.count('class="flag"') == 4
    assert re.findall(r">(1\.0\.\d+)</text>", svg) == ["1.0.10", "1.0.40"]


@pytest.mark.parametrize("values", [(0.8,), (0.8, 0.8), (0.0, 0.0), (-3.0, 250.0), (0.91234, 0.91235)])
def test_any_range_of_values_is_drawn(judged: Judged, values: tuple[float, ...]) -> None:
    svg = str(charts.chart(series(judged, *values), "ROC AUC"))
    ET.fromstring(svg)
    assert len(positions(svg, "cy")) == len(values)
    assert "nan" not in svg


def test_an_undefined_metric_is_left_out(judged: Judged) -> None:
    assert positions(str(charts.chart(series(judged, 0.7, None, 0.9), "ROC AUC")), "cx") == [0, 100]
    assert charts.chart(series(judged, None), "ROC AUC") == ""
    assert charts.sparkline(series(judged, None), "ROC AUC") == ""
    assert charts.sparkline([], "ROC AUC") == ""


def test_a_sparkline_marks_promotions_and_says_what_it_shows(judged: Judged) -> None:
    svg = str(charts.sparkline(series(judged, 0.7, 0.8, 0.9, promoted=(0, 2)), "ROC AUC"))
    ET.fromstring(svg)
    assert svg.count("<circle") == 2
    assert "of the last 3 challengers" in svg
    assert "from 0.700 to 0.900; 2 promoted" in svg


def test_one_run_is_one_run_in_the_words_of_a_drawing(judged: Judged) -> None:
    assert "of the last 1 challenger, " in charts.sparkline(series(judged, 0.7), "ROC AUC")
    assert "on the holdout rows of 1 run, by" in charts.chart(series(judged, 0.7), "ROC AUC")


def test_a_timeline_shares_the_time_among_those_who_served() -> None:
    changes = [
        ChampionChange(
            pipeline="shop", generation=n, candidate_id=f"c{n}", version=f"1.{n}.0", kind="promote", cutoff=NOW,
            run_id="r", who="gates", reason="", at=NOW - timedelta(days=ago),
        )
        for n, ago in ((0, 10), (1, 5), (2, 0))
    ]  # fmt: skip
    svg = str(charts.timeline(overview.terms(changes), NOW))
    ET.fromstring(svg)
    widths = [float(width) for width in re.findall(r'<rect x="[\d.]+%" y="2" width="([\d.]+)%"', svg)]
    assert widths[:2] == [50, 50]
    assert widths[2] > 0
    assert "1.2.0 from 2026-05-14 09:00 UTC until now" in svg
    assert charts.timeline((), NOW) == ""


def test_decisions_of_one_day_stand_side_by_side(judged: Judged) -> None:
    again = [replace(each, day=day(1)) for each in series(judged, 0.8, 0.7, 0.9)]
    later = replace(again[0], day=day(2))
    for drawn in (charts.chart([*again, later], "ROC AUC"), charts.sparkline([*again, later], "ROC AUC")):
        places = positions(str(drawn), "cx") or [float(x) for x in re.findall(r"[ML]([\d.]+) ", str(drawn))]
        assert places == sorted(set(places))
    assert positions(str(charts.chart(again, "ROC AUC")), "cx") == [0, 50, 100]
