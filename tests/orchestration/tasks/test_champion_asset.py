from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from given.airflows import connect_to

from mlsys.orchestration.tasks.champion_asset import announce, champion_asset
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


class Airflow:
    """Knows one asset, and keeps its events."""

    def __init__(self, *, knows: bool = True) -> None:
        self.assets = [{"id": 7, "name": "champion_shop_2"}, {"id": 8, "name": "champion_shop"}] if knows else []
        self.events: list[dict[str, Any]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v2/assets":
            return httpx.Response(200, json={"assets": self.assets, "total_entries": len(self.assets)})
        if request.method == "POST" and request.url.path == "/api/v2/assets/events":
            self.events.append(json.loads(request.content))
        return httpx.Response(200, json={"asset_events": self.events[-1:]})


def test_an_event_carries_version_cutoff_and_metrics_and_no_key(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow = Airflow()
    connect_to(monkeypatch, airflow.answer)
    assert announce(work, "shop")
    (event,) = airflow.events
    assert (event["asset_id"], event["partition_key"]) == (8, None)
    change = work.ledger.champion("shop")
    assert change is not None
    extra = event["extra"]
    assert (extra["version"], extra["candidate"], extra["run"]) == ("1.0.0", change.candidate_id, change.run_id)
    assert (extra["cutoff"], extra["last_day"]) == (change.cutoff.isoformat(), change.last_day.isoformat())
    assert 0.5 < extra["metrics"]["roc_auc"] <= 1
    assert extra["asked_for"] is None


def test_an_event_says_why_the_run_was_asked_for(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = Airflow()
    connect_to(monkeypatch, airflow.answer)
    change = work.ledger.champion("shop")
    assert change is not None
    plan = work.ledger.plan(change.run_id).model_copy(update={"reason": "Monitors: it moved."})
    monkeypatch.setattr(type(work.ledger), "plans", lambda *_: {change.run_id: plan})
    assert announce(work, "shop")
    assert airflow.events[0]["extra"]["asked_for"] == "Monitors: it moved."


def test_the_same_champion_is_announced_once(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = Airflow()
    connect_to(monkeypatch, airflow.answer)
    first, *more = [announce(work, "shop") for _ in range(3)]
    assert "asset champion_shop has no event" in str(first)
    assert more == [None, None]


def test_without_a_champion_there_is_nothing_to_announce(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = Airflow()
    connect_to(monkeypatch, airflow.answer)
    assert not announce(work, "nobody")
    assert airflow.events == []


def test_an_asset_that_no_dag_names_costs_a_warning(
    work: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connect_to(monkeypatch, Airflow(knows=False).answer)
    assert not announce(work, "shop")
    assert "no DAG in Airflow names it" in caplog.text


def test_an_airflow_without_the_connection_costs_a_warning(
    work: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_MLSYS_AIRFLOW", raising=False)
    assert not announce(work, "shop")
    assert "no connection 'mlsys_airflow'" in caplog.text


def test_the_asset_has_the_pipelines_name() -> None:
    asset = champion_asset("shop")
    assert (asset.name, asset.uri) == ("champion_shop", "mlsys://shop/champion")
