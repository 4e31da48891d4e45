"""A promotion's gain on the days after it: kept beside what was promised, and what live metrics are held against."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from click.testing import CliRunner
from given.shop import day, edit_spec, make_shop

from mlsys.cli.main import commands
from mlsys.ledger import ChampionChange
from mlsys.monitoring.gains import gain_of
from mlsys.monitoring.monitoring import monitor
from mlsys.monitors.live_metric import LiveMetric
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.records import Comparison, MetricValue
from mlsys.records.monitoring import ConfirmedGain
from mlsys.testing.monitors import window
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def promoted(work: Workspace) -> ChampionChange:
    """The shop, whose champion of day 11 took the place of that of day 10; its spec confirms after two days."""
    run_id = work.ledger.runs("shop")[-1].run_id
    change = promote_by_hand(work, "shop", run_id, candidate=None, reason="to see what it gains", who="a person")
    edit_spec(work.settings.pipelines, monitors={"watch": ["live_metric"], "confirm_days": 2})
    make_shop(work.home, work.home / "pipelines", days=15)
    return change


def test_the_gain_is_found_once_its_days_are_over_and_stays(work: Workspace, promoted: ChampionChange) -> None:
    assert monitor(work, "shop", day=day(12)).gain is None
    found = monitor(work, "shop", day=day(13)).gain
    assert found is not None
    assert (found.champion, found.previous) == (promoted.candidate_id, promoted.previous)
    assert (found.first_day, found.last_day) == (day(12), day(13))
    assert found.n_rows > 0
    assert found.confirmed.difference is not None
    assert found.promised is None  # a person's promotion promised nothing
    assert monitor(work, "shop", day=day(14)).gain == found == gain_of(work.home, "shop", promoted.candidate_id)


def test_people_are_told(work: Workspace, promoted: ChampionChange) -> None:
    before = CliRunner().invoke(commands, ["champion", "shop"], catch_exceptions=False).output
    assert "not known yet" in before
    gain = monitor(work, "shop", day=day(13)).gain
    assert gain is not None
    for command in ("champion", "history", "why"):
        output = CliRunner().invoke(commands, [command, "shop"], catch_exceptions=False).output
        assert f"over version {gain.previous_version}" in " ".join(output.split())


def test_the_first_champion_gained_nothing_over_nobody(work: Workspace) -> None:
    edit_spec(work.settings.pipelines, monitors={"watch": ["live_metric"], "confirm_days": 1})
    assert monitor(work, "shop", day=day(12)).gain is None


def confirmed(value: float, last_day: date, n_rows: int = 1000) -> ConfirmedGain:
    compared = Comparison(
        metric="roc_auc", direction="higher", difference=0.01, lower=0.0, upper=0.02, level=0.95, n=n_rows, method=""
    )
    bounds = MetricValue(name="roc_auc", value=value, lower=value - 0.01, upper=value + 0.01, n=n_rows)
    return ConfirmedGain(
        champion="c", version="1.0.1", previous="b", previous_version="1.0.0",
        first_day=last_day - timedelta(days=6), last_day=last_day, n_rows=n_rows,
        confirmed=compared, values=(bounds,), sentence="Confirmed.",
    )  # fmt: skip


def test_a_live_metric_is_held_against_the_fresh_days_where_they_are_known() -> None:
    rows = window()
    found = LiveMetric(metric="roc_auc").look(rows)
    assert "on its holdout it was" in found.sentence
    earlier = rows.last_day - timedelta(days=7)
    fresh = LiveMetric(metric="roc_auc").look(replace(rows, confirmed=confirmed(0.6, earlier)))
    assert "on the first days after its promotion" in fresh.sentence
    assert fresh.limit is not None
    assert found.limit is not None
    assert fresh.limit < found.limit


@pytest.mark.parametrize(("ago", "n_rows"), [(6, 1000), (7, 199)])
def test_days_of_the_window_itself_or_too_few_rows_are_no_baseline(ago: int, n_rows: int) -> None:
    rows = window()
    gain = confirmed(0.6, rows.last_day - timedelta(days=ago), n_rows)
    assert "on its holdout" in LiveMetric(metric="roc_auc").look(replace(rows, confirmed=gain)).sentence
