"""The last task of a run whose first task failed: the request ends in the ledger, with a card and a way to it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from given.shop import day

from mlsys.orchestration.tasks import report
from mlsys.orchestration.tasks.endings import Ending
from mlsys.planning import plan
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

REFUSED = Ending("data_refused", "Failed in take_snapshot", "No such file. Mend it.", reason="data_refused")
KILLED = Ending("failed", "Failed in take_snapshot", "The task was killed.")
ID = "retrain_shop/scheduled__1"


def context(**conf: Any) -> dict[str, Any]:
    run = SimpleNamespace(
        dag_id="retrain_shop", run_id="scheduled__1", conf=conf, partition_key=str(day(12)), logical_date=None,
        run_type="scheduled", triggering_user_name=None,
    )  # fmt: skip
    return {"dag_run": run, "params": {}}


def test_a_refused_run_has_a_card(shop: Path, work: Workspace) -> None:
    page = report._refused("shop", context(), REFUSED)
    row = work.ledger.request(ID)
    assert row is not None
    assert (row.status, row.reason, row.sentence, row.day) == ("failed", "data_refused", REFUSED.sentence, str(day(12)))
    (card,) = (shop / "reports" / "shop").glob("request-*.html")
    assert page is not None
    assert page.endswith(card.name)


def test_wrong_parameters_are_a_refusal_too(shop: Path, work: Workspace) -> None:
    assert report._refused("shop", context(dya="2026-01-01"), KILLED)
    row = work.ledger.request(ID)
    assert row is not None
    assert (row.status, row.reason) == ("failed", "error")


def test_a_run_that_was_begun_before_the_kill_is_closed(shop: Path, work: Workspace) -> None:
    begun = plan.open_run(work, RunRequest("shop", day=day(12), request_id=ID))
    page = report._refused("shop", context(), KILLED)
    assert begun.run_id is not None
    assert [row.status for row in work.ledger.run(begun.run_id)] == ["started", "failed"]
    assert page is not None
    assert page.endswith(f"{begun.run_id}.html")
    known = work.ledger.request(ID)
    assert known is not None
    assert known.status == "accepted"


def test_a_ledger_that_does_not_answer_costs_the_card_alone(
    shop: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLSYS_DATABASE", "postgresql://u:p@127.0.0.1:9/mlsys")
    assert report._refused("shop", context(), REFUSED) is None
    assert "refusal_not_recorded" in caplog.text
