"""Scanning and announcing against a made-up Airflow: what is started, when, and that nothing is started twice."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from airflow.sdk.definitions.asset import AssetUniqueKey
from airflow.sdk.exceptions import AirflowSkipException
from given.airflows import connect_to, made_up
from given.shop import FILES, day, drop, edit_spec

from mlsys import clock, pipeline
from mlsys.errors import DataError, UsageError
from mlsys.notification.outbox import Notice
from mlsys.orchestration.api import retrainings
from mlsys.orchestration.tasks import drops, notifying
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


@dataclass
class Airflow:
    """Knows one retraining DAG and its runs."""

    keyed: bool = True
    runs: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v2/dags/retrain_shop")
        if path == "":
            return httpx.Response(200, json={"timetable_partitioned": self.keyed})
        if request.method == "POST" and path == "/dagRuns":
            return self._start(json.loads(request.content))
        if path == "/dagRuns":
            states = request.url.params.get_list("state")
            found = [run for run in self.runs if run["state"] in states]
            return httpx.Response(200, json={"dag_runs": found, "total_entries": len(found)})
        if path.startswith("/dagRuns/"):
            known = [run for run in self.runs if run["dag_run_id"] == path.removeprefix("/dagRuns/")]
            return httpx.Response(200 if known else 404, json=known[0] if known else {})
        return httpx.Response(404, json={})

    def _start(self, body: dict[str, Any]) -> httpx.Response:
        if any(run["dag_run_id"] == body["dag_run_id"] for run in self.runs):
            return httpx.Response(409, json={"detail": "there is one"})
        if body.get("partition_key") is not None and not self.keyed:
            return httpx.Response(400, json={"detail": "not a partitioned Dag"})
        self.runs.append({**body, "state": "queued", "run_type": "manual"})
        return httpx.Response(200, json=body)


@pytest.fixture
def airflow(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    """An Airflow for the retrained shop, whose days 11 and 12 no live run has seen."""
    found = Airflow()
    connect_to(monkeypatch, found.answer)
    enter(monkeypatch)
    return found


def enter(monkeypatch: pytest.MonkeyPatch, key: str | None = None, *, run_type: str = "scheduled", **more: Any) -> None:
    conf = {"pipelines": more.pop("pipelines", None)}
    dag_run = SimpleNamespace(dag_id="drops", run_id="r", partition_key=key, run_type=run_type, conf={})
    monkeypatch.setattr(drops, "get_current_context", lambda: {"dag_run": dag_run, "params": conf, **more})


def test_a_scan_starts_one_run_and_the_next_one_waits_for_it(airflow: Airflow) -> None:
    first = drops.scan("shop")
    assert first["counts"] == {"answered": 11, "asked": 2}
    assert first["note"].startswith(f"shop: Asked for {day(12)}")
    assert drops.scan("shop")["counts"] == {"answered": 11, "waiting": 2}
    (run,) = airflow.runs
    assert run["partition_key"] == str(day(12))
    assert run["dag_run_id"].startswith(f"drop__{day(12)}__")
    assert run["conf"] == {"reason": f"Data arrived (new: {day(11)}, {day(12)})"}


def test_a_run_that_failed_is_not_started_again_with_the_same_data(airflow: Airflow) -> None:
    drops.scan("shop")
    airflow.runs[0]["state"] = "failed"
    assert drops.scan("shop")["counts"] == {"answered": 11, "failed": 2}
    assert len(airflow.runs) == 1


def test_what_a_run_answered_leaves_no_note(airflow: Airflow, work: Workspace) -> None:
    pipeline.run(work, RunRequest("shop", day=day(12)))
    assert drops.scan("shop") == {"counts": {"answered": 13}, "asked": None, "note": None}
    assert airflow.runs == []


@pytest.mark.parametrize(("run_type", "n_started"), [("backfill", 1), ("scheduled", 0)])
def test_runs_of_a_backfill_are_not_waited_for(airflow: Airflow, run_type: str, n_started: int) -> None:
    airflow.runs.append({"dag_run_id": "other", "state": "running", "run_type": run_type})
    drops.scan("shop")
    assert len(airflow.runs) == 1 + n_started


def test_a_retraining_that_takes_no_key_gets_the_day(airflow: Airflow) -> None:
    airflow.keyed = False
    drops.scan("shop")
    assert airflow.runs[0]["conf"]["day"] == str(day(12))


def test_of_two_that_ask_at_once_one_starts_the_run(airflow: Airflow) -> None:
    def ask() -> bool:
        return retrainings.ask(made_up(airflow.answer), "shop", day=str(day(12)), run_id="drop__x", reason="a test")

    assert [ask(), ask()] == [True, False]


def test_another_refusal_is_an_error(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow, "_start", lambda _: httpx.Response(400, json={"detail": "no such day"}))
    with pytest.raises(UsageError, match="no such day"):
        retrainings.ask(made_up(airflow.answer), "shop", day="x", run_id="drop__x", reason="a test")


def test_a_refused_file_is_told_and_noted_once(
    airflow: Airflow, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Notice] = []
    monkeypatch.setattr(notifying, "tell", told.append)
    edit_spec(work.home / "pipelines", source=FILES)
    path = drop(work.home, 12)
    path.write_bytes(path.read_bytes() + b'"never closed')
    os.utime(path, (1, 1))
    looks = [drops.scan("shop") for _ in range(3)]
    assert [look["asked"] for look in looks] == [None] * 3
    assert [notice.event for notice in told] == ["data_refused"]
    assert all(look["note"] for look in looks)


def test_an_announced_day_is_done_when_its_run_is_started(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, str(day(12)))
    answered = drops.is_answered("shop")
    assert answered
    assert answered.xcom_value["note"].startswith(f"shop: {day(12)} is asked: ")
    assert [run["partition_key"] for run in airflow.runs] == [str(day(12))]


def test_an_announced_day_waits_for_a_run_that_may_have_begun_without_it(airflow: Airflow, monkeypatch) -> None:
    airflow.runs.append({"dag_run_id": "night", "state": "running", "run_type": "scheduled"})
    enter(monkeypatch, str(day(12)))
    assert not drops.is_answered("shop")
    assert len(airflow.runs) == 1


@pytest.mark.parametrize("index", [3, 10, 12])
def test_a_day_that_was_answered_starts_nothing(airflow: Airflow, work: Workspace, monkeypatch, index: int) -> None:
    pipeline.run(work, RunRequest("shop", day=day(12)))
    enter(monkeypatch, str(day(index)))
    assert drops.is_answered("shop")
    assert airflow.runs == []


def test_a_day_without_rows_is_refused(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, str(day(40)))
    with pytest.raises(DataError, match="no rows of it"):
        drops.is_answered("shop")


@pytest.mark.parametrize("key", [None, "2026-5-2"])
def test_an_announcement_without_a_day_is_refused(airflow: Airflow, monkeypatch, key: str | None) -> None:
    enter(monkeypatch, key)
    with pytest.raises(UsageError):
        drops.is_answered("shop")


HOURLY, EVERY_TEN_MINUTES = 3600.0, 600.0


def test_whose_turn_it_is_depends_on_their_own_pace_and_last_look(
    airflow: Airflow, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    paces = {"shop": HOURLY, "never_looked_at": HOURLY, "hasty": EVERY_TEN_MINUTES}
    assert drops.due(paces) == ["shop", "never_looked_at", "hasty"]
    drops.scan("shop")
    seen = clock.now()
    turns = []
    for minutes in range(0, 130, 10):
        monkeypatch.setattr(clock, "now", lambda at=seen + timedelta(minutes=minutes): at)
        turns.append("shop" in drops.due(paces))
    assert turns == [False] * 6 + [True] * 7


def test_a_look_that_took_a_while_is_not_followed_by_a_pause_of_twice_the_pace(
    airflow: Airflow, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = clock.now()
    drops.scan("shop")
    monkeypatch.setattr(clock, "now", lambda: started + timedelta(seconds=EVERY_TEN_MINUTES))
    assert drops.due({"shop": EVERY_TEN_MINUTES}) == ["shop"]


@pytest.mark.parametrize(("chosen", "expected"), [(None, ["shop", "other"]), (["other"], ["other"])])
def test_by_hand_it_is_the_turn_of_all_or_of_those_chosen(airflow, work, monkeypatch, chosen, expected) -> None:
    drops.scan("shop")
    enter(monkeypatch, run_type="manual", pipelines=chosen)
    assert drops.due({"shop": HOURLY, "other": HOURLY}) == expected


def test_an_announcement_names_the_pipelines_of_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    events = {AssetUniqueKey(f"drops_{name}", f"mlsys://{name}/drops"): [] for name in ("shop", "drops_of_old")}
    enter(monkeypatch, str(day(12)), run_type="asset_triggered", triggering_asset_events=events)
    assert drops.announced() == ["drops_of_old", "shop"]
    enter(monkeypatch, str(day(12)), run_type="manual", pipelines=["shop"])
    assert drops.announced() == ["shop"]
    enter(monkeypatch, str(day(12)), run_type="manual")
    with pytest.raises(UsageError, match="names its pipelines"):
        drops.announced()


def test_what_was_found_is_one_note_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(drops, "write_note", lambda dag, run, text: written.append(text))
    enter(monkeypatch)
    drops.note([{"note": "a: one."}, {"note": None}, None, {"note": "b: two."}])
    assert written == ["a: one. b: two."]
    for nothing in ([{"note": None}], [], None):
        with pytest.raises(AirflowSkipException):
            drops.note(nothing)
    assert len(written) == 1
