"""Which day is a run about? Every way in which Airflow can start a retraining, on one real scheduler.

The tests follow each other; the last one prints the table of all runs.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pytest
from given.airflows import wait
from given.shop import day, edit_spec, make_shop

from mlsys.errors import UsageError
from mlsys.ledger import ChampionChange
from mlsys.orchestration.api.client import AirflowApi
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
DAG = "retrain_shop"
JUDGED = ("promote", "reject", "inconclusive")


@dataclass(frozen=True)
class Row:
    """One line of the table: how a run was started, and what came of it."""

    case: str
    run_type: str
    day: str
    source: str
    mode: str
    outcome: str


TABLE: list[Row] = []


@pytest.fixture(scope="module")
def home(shop_since: Callable[..., Path]) -> Path:
    """A shop whose day 14 is yesterday, and whose data end with day 13."""
    gates = [{"kind": "minimum", "metric": "roc_auc", "at_least": 0.1}, "min_rows", "better_than_champion"]
    return shop_since(15, days=14, schedule={"hour": 0}, tuning={"trials": 2}, gates=gates)


@pytest.fixture(scope="module")
def api(home: Path, start_stack: Callable[..., Any]) -> Iterator[AirflowApi]:
    begins = f"{day(5)}T00:00:00+00:00"  # long ago, so that the scheduler makes last night's run by itself
    with start_stack(home, "retrain.py", schedules_count_from=begins) as running:
        running.api.wait_for_dag(DAG, seconds=120)
        yield running.api


def finished(api: AirflowApi, case: str, run_id: str) -> Row:
    """Wait for the end of a run, and enter it into the table."""
    run = api.wait_for_run(DAG, run_id, seconds=180)
    with open_workspace() as work:
        request = work.ledger.request(f"{DAG}/{run_id}")
        decisions = work.ledger.decisions("shop", of={request.run_id}) if request and request.run_id else []
    if run["state"] == "failed":
        failure = api.xcom(DAG, run_id, "take_snapshot", key="failure")
        row = Row(case, run["run_type"], "-", "-", "-", f"refused: {failure['sentence']}")
    else:
        assert request is not None
        outcome = f"skipped: {request.reason}" if request.status == "skipped" else decisions[-1].outcome
        row = Row(case, run["run_type"], request.day or "", request.day_source or "", request.mode, outcome)
    TABLE.append(row)
    return row


def retrain(api: AirflowApi, case: str, **keywords: Any) -> Row:
    return finished(api, case, api.trigger(DAG, **keywords))


def backfill(api: AirflowApi, case: str, first: int, last: int, **keywords: Any) -> list[Row]:
    """Do a backfill and return its runs' rows, by day."""
    before = {run["dag_run_id"] for run in api.runs(DAG)}
    number = api.backfill(DAG, day(first), day(last), **keywords)
    new = sorted({run["dag_run_id"] for run in api.runs(DAG)} - before)
    rows = [finished(api, case, run_id) for run_id in new]
    api.end_backfill(number)
    return sorted(rows, key=lambda row: row.day)


def facts(row: Row) -> tuple[str, ...]:
    return astuple(row)[1:]


def changes() -> list[ChampionChange]:
    with open_workspace() as work:
        return work.ledger.champion_changes("shop")


def states(api: AirflowApi, run_id: str) -> dict[str, str]:
    return {
        f"{task['task_id']} {task['rendered_map_index'] or ''}".strip(): task["state"]
        for task in api.task_instances(DAG, run_id)
    }


def test_the_nightly_run_is_about_the_day_before_and_skips_a_day_without_data(api: AirflowApi) -> None:
    (run,) = wait(lambda: api.runs(DAG))
    row = finished(api, "scheduled", run["dag_run_id"])
    assert facts(row) == ("scheduled", str(day(14)), "partition", "live", "skipped: no_data_for_day")
    assert "no rows of" in api.run(DAG, run["dag_run_id"])["note"]


def test_a_run_without_parameters_takes_the_newest_day(api: AirflowApi) -> None:
    row = retrain(api, "manual, no parameter, null logical date")
    assert facts(row) == ("manual", str(day(13)), "newest", "live", "promote")
    assert len(changes()) == 1


def test_the_same_again_is_a_skip_that_says_why(api: AirflowApi) -> None:
    run_id = api.trigger(DAG, partition_key=str(day(13)))
    row = finished(api, "re-run of the same", run_id)
    assert facts(row) == ("manual", str(day(13)), "partition", "live", "skipped: unchanged")
    assert "Skipped (unchanged): The champion" in api.run(DAG, run_id)["note"]


def test_a_cleared_task_of_a_done_run_changes_nothing(api: AirflowApi) -> None:
    before = changes()
    (run,) = [r for r in api.runs(DAG) if "Promoted 1.0.0" in (r["note"] or "")]
    api.clear(DAG, run["dag_run_id"], "decide")
    row = finished(api, "cleared task", run["dag_run_id"])
    assert facts(row) == ("manual", str(day(13)), "newest", "live", "promote")
    assert changes() == before


def test_a_partition_key_names_the_day(api: AirflowApi) -> None:
    row = retrain(api, "manual, partition key", partition_key=str(day(12)))
    assert facts(row) == ("manual", str(day(12)), "partition", "live", "historical")


def test_the_parameters_reach_the_run(api: AirflowApi) -> None:
    conf = {"day": str(day(12)), "candidates": ["logistic"], "mode": "dry", "reason": "a look"}
    run_id = api.trigger(DAG, conf=conf)
    row = finished(api, "manual, day, candidates, dry, reason", run_id)
    assert facts(row) == ("manual", str(day(12)), "parameter", "dry", "historical")
    found = states(api, run_id)
    assert (found["train logistic"], found["evaluate"]) == ("success", "success")
    assert sorted(found.values()).count("skipped") == 1
    effective = "\n".join(api.task_log(DAG, run_id, "take_snapshot"))
    for line in (f"day value={day(12)} source=parameter", "mode value=dry", "candidates value=logistic"):
        assert f"effective parameter={line}" in effective
    assert "reason value='a look' source='run parameter'" in effective


def test_tuning_simulation_and_approval_are_parameters_too(api: AirflowApi) -> None:
    conf = {"day": str(day(12)), "mode": "simulate", "tuning": "on", "approval": True}
    run_id = api.trigger(DAG, conf=conf)
    row = finished(api, "manual, day, simulate, tuning, approval", run_id)
    assert facts(row) == ("manual", str(day(12)), "parameter", "simulate", "historical")
    effective = "\n".join(api.task_log(DAG, run_id, "take_snapshot"))
    assert "effective spec_key=tuning.enabled value=True source='run parameter'" in effective
    assert "effective parameter=approval value=True source='run parameter'" in effective


def test_the_same_day_twice_is_one_day(api: AirflowApi) -> None:
    conf = {"day": str(day(11)), "mode": "train"}
    row = retrain(api, "manual, key and day the same, train", partition_key=str(day(11)), conf=conf)
    assert facts(row) == ("manual", str(day(11)), "parameter", "train", "historical")


def refused(api: AirflowApi, case: str, **keywords: Any) -> str:
    """Start a run whose first task fails at its first try, and return its words."""
    run_id = api.trigger(DAG, **keywords)
    outcome = finished(api, case, run_id).outcome
    assert _tries(api, run_id) == 1
    return outcome


def test_two_different_days_are_refused_with_both_named(api: AirflowApi) -> None:
    words = refused(api, "manual, key and day differ", partition_key=str(day(12)), conf={"day": str(day(13))})
    assert f"`day` is {day(13)} but the partition key is {day(12)}" in words


def test_a_bare_logical_date_is_refused_with_the_remedy(api: AirflowApi) -> None:
    words = refused(api, "manual, bare logical date", logical_date="2026-05-02T00:00:00Z")
    assert "does not name a day" in words
    assert "`day`" in words


def test_an_unknown_parameter_is_refused_with_the_one_that_was_meant(api: AirflowApi) -> None:
    words = refused(api, "manual, unknown parameter", conf={"dya": str(day(12))})
    assert "Did you mean 'day'" in words


@pytest.mark.parametrize(
    "conf", [{"day": "2026-5-2"}, {"mode": "yolo"}, {"candidates": ["xgb"]}, {"approval": "yes"}, {"tuning": True}]
)
def test_a_wrong_value_is_refused_by_the_rest_api(api: AirflowApi, conf: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="Airflow refuses"):
        api.trigger(DAG, conf=conf)


def test_a_backfill_must_not_name_one_day_for_all(api: AirflowApi) -> None:
    (row,) = backfill(api, "backfill with a day", 7, 7, conf={"day": str(day(7))})
    assert row.run_type == "backfill"
    assert "would give all of them the same data" in row.outcome


def test_a_backfill_is_never_live(api: AirflowApi) -> None:
    (row,) = backfill(api, "backfill, live", 8, 8, conf={"mode": "live"})
    assert "never promotes" in row.outcome


def test_reprocessing_failed_days_does_those_and_the_missing_ones_and_simulates(api: AirflowApi) -> None:
    before = changes()
    rows = backfill(api, "backfill, default, reprocess failed", 6, 9, reprocess="failed")
    assert [facts(row) for row in rows] == [
        ("backfill", str(day(index)), "partition", "simulate", "historical") for index in range(6, 10)
    ]
    assert changes() == before


def test_reprocessing_none_leaves_done_days_alone(api: AirflowApi) -> None:
    assert backfill(api, "backfill, reprocess none", 6, 9) == []


def test_reprocessing_completed_days_finds_them_unchanged(api: AirflowApi) -> None:
    rows = backfill(api, "backfill, reprocess completed", 6, 7, reprocess="completed")
    assert [(row.day, row.outcome) for row in rows] == [(str(day(i)), "skipped: unchanged") for i in (6, 7)]


def test_a_backfill_may_train_for_the_record(api: AirflowApi) -> None:
    before = changes()
    rows = backfill(api, "backfill, train", 8, 9, conf={"mode": "train"}, reprocess="completed", backwards=True)
    assert [facts(row) for row in rows] == [
        ("backfill", str(day(index)), "partition", "train", "historical") for index in (8, 9)
    ]
    assert changes() == before


def new_run(api: AirflowApi, before: set[str]) -> str:
    """Return the retraining that somebody else has started since."""
    (run_id,) = wait(lambda: {run["dag_run_id"] for run in api.runs(DAG)} - before)
    return str(run_id)


def test_an_announced_drop_is_retrained(api: AirflowApi, home: Path) -> None:
    make_shop(home, home / "pipelines", days=15)
    shutil.copy(ROOT / "dags" / "drops.py", home / "dags")
    api.wait_for_dag("announced", seconds=60)
    before = {run["dag_run_id"] for run in api.runs(DAG)}
    asset = wait(lambda: api.asset("drops_shop"))
    api.add_asset_event(asset["id"], partition_key=str(day(14)), extra={})
    row = finished(api, "asset event", new_run(api, before))
    assert facts(row)[:4] == ("manual", str(day(14)), "partition", "live")
    assert row.outcome in JUDGED


def test_a_drop_that_the_scanner_finds_is_retrained(api: AirflowApi, home: Path) -> None:
    before = {run["dag_run_id"] for run in api.runs(DAG)}
    with sqlite3.connect(home / "shop.db") as connection:  # late rows of a day that was answered
        connection.execute(f"INSERT INTO orders VALUES (99001, '{day(14)} 12:00:00', 20.0, 2, 'web', 'false', 'no')")
    edit_spec(home / "pipelines", schedule={"hour": 0, "scan": "10s"})
    api.wait_for_dag("drops", seconds=90)
    row = finished(api, "drop found by the scanner", new_run(api, before))
    assert facts(row)[:4] == ("manual", str(day(14)), "partition", "live")
    assert row.outcome in JUDGED
    api.pause("drops", paused=True)


def test_a_locked_source_is_tried_again(api: AirflowApi, home: Path) -> None:
    with sqlite3.connect(home / "shop.db") as connection:
        connection.execute(f"INSERT INTO orders VALUES (99002, '{day(14)} 12:30:00', 20.0, 2, 'web', 'false', 'no')")
    connection.close()
    held = sqlite3.connect(home / "shop.db", isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    run_id = api.trigger(DAG, partition_key=str(day(14)))
    wait(lambda: "up_for_retry" in states(api, run_id).values())
    held.close()
    row = finished(api, "locked source", run_id)
    assert row.outcome in JUDGED
    assert _tries(api, run_id) == 2


def test_a_candidate_that_takes_too_long_leaves_the_others(api: AirflowApi, home: Path) -> None:
    models = [{"kind": "logistic"}, {"kind": "prior"}, {"kind": "random_forest", "n_estimators": 10000}]
    edit_spec(home / "pipelines", models=models, training={"timeout": "3s"})
    wait(lambda: "random\\_forest" in _words(api), 90)
    run_id = api.trigger(DAG, partition_key=str(day(14)))
    row = finished(api, "a candidate takes too long", run_id)
    assert row.outcome in JUDGED
    assert sorted(states(api, run_id).values()) == ["failed"] + ["success"] * 10
    assert "candidate_lost name=random_forest" in "\n".join(api.task_log(DAG, run_id, "evaluate"))


def test_the_table_of_all_runs(api: AirflowApi, capsys: pytest.CaptureFixture[str]) -> None:
    """Every run of the DAG stands in the table, and those that Airflow made know their day from the partition."""
    assert len(TABLE) == len(api.runs(DAG)) + 1  # the cleared run stands there twice
    for row in TABLE:
        if row.run_type in ("scheduled", "backfill") and not row.outcome.startswith("refused"):
            assert row.source == "partition"
    lines = (
        f"{row.case:<44} {row.run_type:<10} {row.day:<11} {row.source:<10} {row.mode:<9} {row.outcome:.70}"
        for row in TABLE
    )
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")


def _tries(api: AirflowApi, run_id: str) -> int:
    return int(
        next(task for task in api.task_instances(DAG, run_id) if task["task_id"] == "take_snapshot")["try_number"]
    )


def _words(api: AirflowApi) -> str:
    return str(api.details(DAG)["doc_md"])
