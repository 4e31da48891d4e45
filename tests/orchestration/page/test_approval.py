"""What a person sees before they answer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from given.shop import day, edit_spec

from mlsys import pipeline
from mlsys.orchestration.page import overview
from mlsys.orchestration.page.addresses import Places
from mlsys.orchestration.page.approval import Waiting, waiting
from mlsys.orchestration.page.rendering import list_page
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def asks(work: Workspace, shop: Path) -> Waiting:
    edit_spec(shop / "pipelines", gates=["min_rows"], approval={"required": True, "timeout": "2d"})
    asked = RunRequest("shop", day=day(11), request_id="retrain_shop/manual__1", asked_by="airflow retrain_shop")
    start = pipeline.take_snapshot(work, asked)
    assert start.plan is not None
    assert start.snapshot is not None
    checks = pipeline.validate(work, start.plan, start.snapshot)
    prepared = pipeline.split(work, start.plan, start.snapshot, checks)
    found = pipeline.evaluate(work, prepared, candidates=pipeline.train_all(work, prepared))
    pipeline.decide(work, prepared, evaluations=found)
    asks = waiting(work, overview.glance(work, "shop"))
    assert asks is not None
    return asks


def test_nothing_waits_where_nobody_is_asked(work: Workspace) -> None:
    assert waiting(work, overview.glance(work, "shop")) is None


def test_it_knows_until_when_and_who_serves_on(asks: Waiting) -> None:
    assert asks.since is not None
    assert asks.until == asks.since + timedelta(days=2)
    assert (asks.serving, asks.asked) == ("1.0.0", "retrain_shop/manual__1")


def test_both_models_were_measured_by_the_same_metrics(asks: Waiting) -> None:
    assert [side.metric for side in asks.sides][:2] == ["roc_auc", "pr_auc"]
    assert all(side.challenger and side.champion and side.challenger.n == side.champion.n for side in asks.sides)


def test_lost_details_leave_the_rest(work: Workspace, asks: Waiting) -> None:
    found = work.ledger.decision(asks.judged.decision.decision_key)
    assert found is not None
    path = work.store.path(found[0].details)
    path.chmod(0o600)
    path.unlink()
    left = waiting(work, overview.glance(work, "shop"))
    assert left is not None
    assert (left.sides, left.until) == ((), asks.until)


def test_the_age_of_a_question_is_told_in_the_largest_unit(asks: Waiting) -> None:
    assert asks.since is not None
    for later, told in (
        (timedelta(days=3, hours=5), "3 days"),
        (timedelta(hours=1, minutes=59), "1 hour"),
        (timedelta(minutes=2), "2 minutes"),
        (timedelta(seconds=5), "less than a minute"),
    ):
        assert asks.age(asks.since + later) == told


def test_the_list_has_an_inbox_with_age_and_deadline(work: Workspace, asks: Waiting) -> None:
    html = list_page(work, [overview.glance(work, "shop")], {}, Places("/air", "/air/mlsys"))
    assert "1 waits for a person" in html
    assert "for less than a minute, since" in html
    assert "is a no" in html
    edit_spec(work.home / "pipelines", approval={"required": True, "timeout": "1h"})  # what was asked is not changed
    again = waiting(work, overview.glance(work, "shop"))
    assert again is not None
    assert again.until == asks.until
