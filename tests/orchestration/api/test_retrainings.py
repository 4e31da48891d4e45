"""What one DAG asks of another, against a made-up Airflow: the report of a backfill's simulated days."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from given.airflows import connect_to

from mlsys.errors import UsageError
from mlsys.orchestration.api import service
from mlsys.orchestration.api.retrainings import ask_for_report


class Airflow:
    """Has some open runs, and keeps what is started."""

    def __init__(self, *states: str, knows: bool = True) -> None:
        self.runs = [{"dag_run_id": "a", "state": state, "run_type": "backfill"} for state in states]
        self.knows = knows
        self.started: list[tuple[str, dict[str, Any]]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"dag_runs": self.runs, "total_entries": len(self.runs)})
        self.started.append((request.url.path, json.loads(request.content)["conf"]))
        return httpx.Response(200 if self.knows else 404, json={"dag_run_id": "r"})


def end(monkeypatch: pytest.MonkeyPatch, airflow: Airflow, run_type: str = "backfill") -> None:
    connect_to(monkeypatch, airflow.answer)
    ask_for_report("shop", SimpleNamespace(run_type=run_type, run_id="a"))


@pytest.mark.parametrize(
    ("states", "n_reports"), [(["running"], 1), (["running", "running"], 1), (["running", "queued"], 0)]
)
def test_the_last_runs_of_a_backfill_ask_for_its_report(monkeypatch: pytest.MonkeyPatch, states, n_reports) -> None:
    airflow = Airflow(*states)
    end(monkeypatch, airflow)
    asked = ("/api/v2/dags/simulate/dagRuns", {"pipeline": "shop", "after": "a"})
    assert airflow.started == [asked] * n_reports


def test_other_runs_ask_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = Airflow()
    end(monkeypatch, airflow, run_type="manual")
    assert airflow.started == []


def test_an_airflow_without_the_dag_fails_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    airflow = Airflow("running", knows=False)
    end(monkeypatch, airflow)
    assert len(airflow.started) == 1


def test_an_airflow_that_is_away_fails_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise UsageError("there is no connection")

    monkeypatch.setattr(service, "connect", away)
    ask_for_report("shop", SimpleNamespace(run_type="backfill", run_id="a"))
