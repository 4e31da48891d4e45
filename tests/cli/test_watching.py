"""`mlsys monitor`: what the monitors saw, where the page lies, and the rows for another tool."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from given.shop import day, make_shop

from mlsys.cli.watching import _show
from mlsys.records.monitoring import MonitorReport, MonitorResult, WatchedSlice


@pytest.mark.slow
def test_it_says_what_each_monitor_saw_and_where_the_page_lies(mlsys, changed: Path) -> None:
    make_shop(changed, changed / "pipelines", days=27)
    said = mlsys("monitor", "shop", "--day", str(day(26)), "--export", str(changed / "out"))
    assert said.code == 0
    assert f"shop, data up to {day(26)}: " in said.out
    assert "score drift over 7d: " in said.out
    page = changed / "reports" / "shop" / "drift.html"
    assert f"Drift page: {page}\n" in said.out
    assert page.read_text().count('<li class="feature') > 2
    assert pq.read_table(changed / "out" / "current.parquet").num_rows > 0
    # An older day is looked at without taking the place of the newest.
    before = page.read_bytes()
    older = json.loads(mlsys("monitor", "shop", "--day", str(day(25)), "--json").out)
    assert older["day"] == str(day(25))
    assert older["page"] is None
    assert page.read_bytes() == before


def test_slices_that_alarm_have_a_line_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    known = {"n_rows": 1_210, "before": 0.912, "now": 0.804, "observed": 0.804, "limit": 0.85}
    found = MonitorResult(
        monitor="live_metric",
        name="live roc_auc over 7d",
        state="alarm",
        sentence="It is worse.",
        slices=(
            WatchedSlice(name="channel is web", state="alarm", **known),
            WatchedSlice(name="channel is app", state="pass", **known),
        ),
    )
    _show(MonitorReport(pipeline="shop", day=None, state="alarm", sentence="Alarm.", results=(found,)), None, ())
    assert capsys.readouterr().out.splitlines() == [
        "  alarm        live roc_auc over 7d: It is worse.",
        "    alarm      channel is web: 0.804, before 0.912 (1,210 rows)",
        "Alarm.",
    ]


@pytest.mark.slow
def test_without_a_champion_there_is_nothing_to_export(mlsys, changed: Path) -> None:
    make_shop(changed, changed / "pipelines", days=24)
    (changed / "pipelines" / "shop.yaml").rename(changed / "pipelines" / "other.yaml")
    text = (changed / "pipelines" / "other.yaml").read_text()
    (changed / "pipelines" / "other.yaml").write_text(text.replace("pipeline: shop", "pipeline: other"))
    said = mlsys("monitor", "other", "--export", str(changed / "out"))
    assert said.code == 2
    assert "--export" in said.last_line or "--export" in said.err
    assert not (changed / "out").exists()


@pytest.mark.slow
def test_versions_are_measured_by_the_labels_that_are_known_now(mlsys, changed: Path) -> None:
    make_shop(changed, changed / "pipelines", days=27)
    said = mlsys("monitor", "shop", "--versions")
    assert said.code == 0
    assert "roc_auc on the days on which it served, with labels due up to" in said.out
    assert f"All on the same days, from {day(24)} on:" in said.out
    page = changed / "reports" / "shop" / "versions.html"
    assert f"Page: {page}\n" in said.out
    found = json.loads(mlsys("monitor", "shop", "--versions", "--json").out)
    assert [(one["version"], one["serves"]) for one in found["served"]] == [("1.0.1", True), ("1.0.0", False)]
    assert found["page"] == str(page)
    assert "not exported" in mlsys("monitor", "shop", "--versions", "--export", str(changed / "out")).err
