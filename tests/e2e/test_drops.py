"""Data drops on a real Airflow: fifty files at once, one of them half written, the night beside them, announcements."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from given.airflows import wait
from given.shop import FILES, drop, edit_spec, make_shop

from mlsys.orchestration.api.client import AirflowApi
from mlsys.planning.arrivals import survey
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(500)]

RETRAIN = "retrain_shop"
TODAY = datetime.now(UTC).date()
N_DAYS, HALF = 50, 30
ENDED = ("success", "failed")


def named(index: int) -> date:
    """Return the date of a file: the last of the fifty is yesterday's."""
    return TODAY - timedelta(days=N_DAYS - index)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose orders come as files, looked for every ten seconds; none has come."""
    path = tmp_path_factory.mktemp("drops") / "home"
    make_shop(path, path / "pipelines", days=0)
    edit_spec(path / "pipelines", source=FILES, registries=["files"], schedule={"enabled": False, "scan": "10s"})
    return path


@pytest.fixture(scope="module")
def api(home: Path, start_stack: Callable[..., Any]) -> Iterator[AirflowApi]:
    # Schedules count from three days ago, so that enabling the nightly run brings the one of last night.
    begins = datetime.combine(TODAY - timedelta(days=3), datetime.min.time(), UTC).isoformat()
    with start_stack(home, "retrain.py", "drops.py", schedules_count_from=begins) as running:
        for dag_id in (RETRAIN, "drops", "announced"):
            running.api.wait_for_dag(dag_id, seconds=120)
        yield running.api


def runs(api: AirflowApi, prefix: str = "") -> list[dict[str, Any]]:
    return [run for run in api.runs(RETRAIN) if run["dag_run_id"].startswith(prefix)]


def ended(api: AirflowApi, prefix: str) -> list[dict[str, Any]]:
    found = runs(api, prefix)
    return found if found and all(run["state"] in ENDED for run in found) else []


def day_of(api: AirflowApi, run: dict[str, Any]) -> str:
    day: str = api.xcom(RETRAIN, run["dag_run_id"], "take_snapshot")["plan"]["day"]
    return day


def _is_at_rest(api: AirflowApi) -> bool:
    """Pause the looks, if none is under way: one that is would not come to its end while they are paused."""
    api.pause("drops", paused=True)
    rests = all(run["state"] in ENDED for run in api.runs("drops"))
    if not rests:
        api.pause("drops", paused=False)
    return rests


def test_fifty_drops_at_once_are_one_run_for_all_that_may_be_read(api: AirflowApi, home: Path) -> None:
    wait(lambda: _is_at_rest(api))  # writing them takes a second, in which a look would see some of them
    half = drop(home, HALF, named=named(HALF), age=0, cut=700)
    for index in range(N_DAYS):
        if index != HALF:
            drop(home, index, named=named(index))
    api.pause("drops", paused=False)
    (run,) = wait(lambda: ended(api, "drop__"), 200, meanwhile=lambda: os.utime(half))
    assert (day_of(api, run), run["state"]) == (str(named(HALF - 1)), "success")
    assert "Data arrived (new: 30 days" in run["conf"]["reason"]
    with open_workspace() as work:
        assert survey(work, "shop").counts == {"answered": HALF, "unfinished": 1, "waiting": N_DAYS - HALF - 1}


def test_the_finished_file_lets_the_others_in(api: AirflowApi, home: Path) -> None:
    drop(home, HALF, named=named(HALF))
    wait(lambda: len(ended(api, "drop__")) == 2, 200)
    (newest,) = runs(api, f"drop__{named(N_DAYS - 1)}")
    assert newest["state"] == "success"
    with open_workspace() as work:
        assert survey(work, "shop").counts == {"answered": N_DAYS}


def test_the_night_finds_that_its_day_was_done(api: AirflowApi, home: Path) -> None:
    edit_spec(home / "pipelines", schedule={"enabled": True, "hour": 0, "scan": "10s"})
    (night,) = wait(lambda: ended(api, "scheduled__"), 200)
    assert (night["partition_key"], night["state"]) == (str(named(N_DAYS - 1)), "success")
    assert api.xcom(RETRAIN, night["dag_run_id"], "take_snapshot")["reason"] == "unchanged"


def test_an_announced_day_is_retrained_though_it_is_not_over(api: AirflowApi, home: Path) -> None:
    drop(home, N_DAYS, named=TODAY, age=1)
    asset = api.asset("drops_shop")
    assert asset is not None
    for day in (TODAY, named(N_DAYS - 1)):
        api.add_asset_event(asset["id"], extra={}, partition_key=str(day))
    states = wait(lambda: _announced(api), 200)
    assert states == {str(TODAY): "success", str(named(N_DAYS - 1)): "success"}
    (run,) = wait(lambda: ended(api, f"drop__{TODAY}"), 200)
    assert (day_of(api, run), run["state"]) == (str(TODAY), "success")


def test_every_day_is_accounted_for_and_none_was_done_twice(api: AirflowApi) -> None:
    with open_workspace() as work:
        requests = work.ledger.requests("shop")
        (newest,) = [row for row in requests if row.day == str(TODAY)]
        listed = [entry["day"] for entry in work.store.read_json(str(newest.manifest))["partitions"]]
    assert listed == [str(named(index)) for index in range(N_DAYS + 1)]
    assert Counter(row.status for row in requests) == {"accepted": 3, "skipped": 1}
    assert {run["state"] for run in api.runs("drops")} <= {"success", "running", "queued"}


def _announced(api: AirflowApi) -> dict[str, str]:
    states = {run["partition_key"]: run["state"] for run in api.runs("announced")}
    return states if len(states) == 2 and set(states.values()) <= set(ENDED) else {}
