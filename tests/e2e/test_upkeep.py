"""What goes on beside the retraining, on a real Airflow: scores, simulations, monitors, rollback, housekeeping."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from given.shop import day, edit_spec, enter, make_shop

from mlsys import pipeline
from mlsys.errors import UsageError
from mlsys.monitoring.monitoring import latest
from mlsys.monitoring.scoring import predictions_of
from mlsys.orchestration.api.client import AirflowApi
from mlsys.planning.plan import RunRequest
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(500)]

FILES = ("retrain.py", "score.py", "monitor.py", "simulate.py", "rollback.py", "housekeeping.py")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with fourteen days, whose nights begin tomorrow."""
    return shop(tmp_path_factory.mktemp("upkeep") / "home")


def shop(path: Path) -> Path:
    make_shop(path, path / "pipelines", days=14)
    edit_spec(
        path / "pipelines",
        registries=["files"],
        approval={"required": False, "timeout": "10m"},
        monitors={"ask_after": 1, "of": 1, "watch": [{"kind": "feature_drift", "window": "3d", "min_rows": 100}]},
    )
    return path


@pytest.fixture(scope="module")
def api(home: Path, start_stack: Callable[..., Any]) -> Iterator[AirflowApi]:
    with start_stack(home, *FILES) as running:
        for dag_id in ("retrain_shop", "score_shop", "monitor_shop", "simulate", "rollback", "housekeeping"):
            running.api.wait_for_dag(dag_id, seconds=120)
        yield running.api


def ended(api: AirflowApi, dag_id: str, n: int, seconds: float = 200) -> list[dict[str, Any]]:
    """Return the runs of a DAG, oldest first, once there are `n` and all have ended."""
    deadline = time.monotonic() + seconds
    while True:
        runs = sorted(api.runs(dag_id), key=lambda run: run["queued_at"])
        if len(runs) >= n and all(run["state"] in ("success", "failed") for run in runs):
            return runs
        assert time.monotonic() < deadline, [(run["dag_run_id"], run["state"]) for run in runs]
        time.sleep(1)


def start(api: AirflowApi, dag_id: str, **conf: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Start a run and return it when it has ended, with the states of its tasks."""
    run = api.wait_for_run(dag_id, api.trigger(dag_id, conf=conf), seconds=200)
    return run, {task["task_id"]: task["state"] for task in api.task_instances(dag_id, run["dag_run_id"])}


def test_a_new_champion_scores_the_days_that_it_has_not_seen(api: AirflowApi, home: Path) -> None:
    run, _ = start(api, "retrain_shop", day=str(day(10)))
    assert run["state"] == "success"
    (scored,) = ended(api, "score_shop", 1)
    assert (scored["state"], scored["run_type"]) == ("success", "asset_triggered")
    known = predictions_of(home, "shop", day(13))
    assert known is not None
    assert known.champions[known.latest].version == "1.0.0"


def test_a_backfill_ends_with_a_walk_forward_report_and_the_same_champion(api: AirflowApi, home: Path) -> None:
    api.backfill("retrain_shop", day(10), day(12))
    ended(api, "retrain_shop", 4)
    runs = ended(api, "simulate", 1)
    states = [api.task_instances("simulate", run["dag_run_id"]) for run in runs]
    written = [
        task for tasks in states for task in tasks if (task["task_id"], task["state"]) == ("walk_forward", "success")
    ]
    assert written
    assert (home / "reports" / "shop" / "walk-forward.html").exists()
    with open_workspace() as work:
        assert [change.version for change in work.ledger.champion_changes("shop")] == ["1.0.0"]


def test_the_command_line_finds_what_airflow_found(
    api: AirflowApi, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(shop(tmp_path / "home"), monkeypatch)
    days = ("--from", str(day(10)), "--to", str(day(12)))
    subprocess.run([sys.executable, "-m", "mlsys", "backfill", "shop", *days, "--backwards"], check=True)
    ours, theirs = (path / "reports" / "shop" for path in (tmp_path / "home", home))
    for name in ("walk-forward.json", "walk-forward.html"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes()


def test_days_are_simulated_by_hand_and_reported(api: AirflowApi) -> None:
    run, states = start(api, "simulate", pipeline="shop", **{"from": str(day(9)), "to": str(day(11)), "parallel": 2})
    assert (run["state"], set(states.values())) == ("success", {"success"})
    counts = api.xcom("simulate", run["dag_run_id"], "simulate")["counts"]
    assert counts == {"done": 1, "left": 2}
    assert "/mlsys/reports/shop/walk-forward.html)" in run["note"]


def test_monitors_ask_for_one_retraining_of_a_day(api: AirflowApi, home: Path) -> None:
    with sqlite3.connect(home / "shop.db") as connection:
        connection.execute("UPDATE orders SET basket_value = basket_value * 20 WHERE placed_at >= ?", [str(day(11))])
    connection.close()
    run, states = start(api, "monitor_shop")
    done = {"monitor": "success", "ask_retraining": "success", "measure_versions": "success"}
    assert (run["state"], states) == ("success", done)
    report = latest(home, "shop")
    assert report is not None
    assert report.asks_retraining
    asked = [run for run in api.runs("retrain_shop") if run["dag_run_id"] == f"monitor__{report.day}"]
    assert [run["run_type"] for run in asked] == ["manual"]
    api.wait_for_run("retrain_shop", f"monitor__{report.day}", seconds=200)
    assert start(api, "monitor_shop")[1]["ask_retraining"] == "skipped"


def test_a_rollback_says_who_and_why_and_scores_anew(api: AirflowApi, home: Path) -> None:
    with open_workspace() as work:
        finished = pipeline.run(work, RunRequest("shop", day=day(12), mode="train"))
        promote_by_hand(work, "shop", str(finished.start.run_id), candidate="logistic", reason="a test")
    before = len(api.runs("score_shop"))
    run, states = start(api, "rollback", pipeline="shop", version="1.0.0", reason="it calls everything a return")
    assert (run["state"], set(states.values())) == ("success", {"success"})
    with open_workspace() as work:
        change = work.ledger.champion_changes("shop")[-1]
    assert (change.kind, change.version, change.who) == ("rollback", "1.0.0", "admin")
    assert change.reason == "it calls everything a return"
    assert "serves shop as version 1.0.0 again" in run["note"]
    assert ended(api, "score_shop", before + 1)[-1]["state"] == "success"


def test_a_rollback_that_a_person_refuses_changes_nothing(api: AirflowApi, home: Path) -> None:
    edit_spec(home / "pipelines", approval={"required": True, "timeout": "10m"})
    with open_workspace() as work:
        version = work.ledger.champion_changes("shop")[-2].version
    run_id = api.trigger("rollback", conf={"pipeline": "shop", "version": version, "reason": "just trying"})
    deadline = time.monotonic() + 100
    while (asked := api.question("rollback", run_id)) is None:
        assert time.monotonic() < deadline
        time.sleep(1)
    assert f"Roll back shop to version {version}?" in asked["subject"]
    api.answer("rollback", run_id, "Reject", reason="not on a Friday")
    run = api.wait_for_run("rollback", run_id, seconds=100)
    assert "admin refused it: not on a Friday" in run["note"]
    with open_workspace() as work:
        assert work.ledger.champion_changes("shop")[-1].version == "1.0.0"
        assert work.ledger.requests("shop")[-1].reason == "rollback_refused"


@pytest.mark.parametrize(
    "conf", [{"pipeline": "shp", "reason": "a test"}, {"pipeline": "shop"}, {"pipeline": "shop", "reason": ""}]
)
def test_a_rollback_without_pipeline_or_reason_is_refused(api: AirflowApi, conf: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="refuses"):
        api.trigger("rollback", conf=conf)


@pytest.mark.parametrize("conf", [{}, {"pipeline": "shp"}])
def test_a_simulation_of_no_pipeline_is_refused(api: AirflowApi, conf: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="refuses"):
        api.trigger("simulate", conf=conf)


def test_housekeeping_counts_first_and_removes_when_told(api: AirflowApi, home: Path) -> None:
    left = home / "store" / "ab" / ("0" * 62)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"nothing names this")
    os.utime(left, (0, 0))
    (home / "registry" / "shop" / "best_model.joblib").unlink()
    run, states = start(api, "housekeeping")
    assert (run["state"], set(states.values())) == ("success", {"success"})
    assert "Would remove 1 file of 18 bytes" in run["note"]
    assert left.exists()
    assert (home / "registry" / "shop" / "best_model.joblib").exists()
    run, _ = start(api, "housekeeping", apply=True)
    assert "Removed 1 file of 18 bytes" in run["note"]
    assert not left.exists()
