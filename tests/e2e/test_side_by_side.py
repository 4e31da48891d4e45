"""Two pipelines on a real Airflow: one whose spec was first saved with a mistake, and DAGs that serve both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from given.airflows import wait
from given.shop import day, edit_spec, make_shop

from mlsys.orchestration.api.client import AirflowApi

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(500)]

ENDED = ("success", "failed")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop, and a second one whose spec has a mistake."""
    path = tmp_path_factory.mktemp("two") / "home"
    make_shop(path, path / "pipelines", days=13)
    edit_spec(path / "pipelines", registries=["files"])
    (path / "pipelines" / "later.yaml").write_text(text_of_later(path) + "ownr: me\n", encoding="utf-8")
    return path


def text_of_later(home: Path) -> str:
    shop = (home / "pipelines" / "shop.yaml").read_text(encoding="utf-8")
    return shop.replace("pipeline: shop", "pipeline: later")


@pytest.fixture(scope="module")
def api(home: Path, start_stack: Callable[..., Any]) -> Iterator[AirflowApi]:
    with start_stack(home, "retrain.py", "drops.py") as running:
        for dag_id in ("retrain_shop", "retrain_later", "announced"):
            running.api.wait_for_dag(dag_id, seconds=120)
        yield running.api


def test_a_spec_first_saved_with_a_mistake_runs_once_it_is_mended(api: AirflowApi, home: Path) -> None:
    stub = api.details("retrain_later")
    assert "ownr" in stub["doc_md"]
    assert not stub["is_paused"]
    (home / "pipelines" / "later.yaml").write_text(text_of_later(home), encoding="utf-8")
    wait(lambda: api.details("retrain_later")["dag_display_name"] == "later: retrain", 90)
    run = api.wait_for_run("retrain_later", api.trigger("retrain_later", conf={"day": str(day(10))}), seconds=200)
    assert run["state"] == "success"
    assert "Promoted 1.0.0" in run["note"]


def test_a_day_that_is_announced_for_both_at_once_is_retrained_in_both(api: AirflowApi) -> None:
    for name in ("shop", "later"):
        asset = api.asset(f"drops_{name}")
        assert asset is not None
        api.add_asset_event(asset["id"], extra={}, partition_key=str(day(12)))
    runs = wait(lambda: [run for run in api.runs("announced") if run["state"] in ENDED], 200)
    wait(lambda: all(run["state"] in ENDED for run in api.runs("announced")), 200)
    assert {run["state"] for run in api.runs("announced")} == {"success"}, runs
    notes = " ".join(run["note"] for run in api.runs("announced"))
    for name in ("shop", "later"):
        assert f"{name}: {day(12)} is " in notes
        (asked,) = [run for run in api.runs(f"retrain_{name}") if run["dag_run_id"].startswith(f"drop__{day(12)}")]
        assert api.wait_for_run(f"retrain_{name}", asked["dag_run_id"], seconds=200)["state"] == "success"


def test_by_hand_a_day_without_rows_fails_under_the_names_of_the_pipelines(api: AirflowApi) -> None:
    run_id = api.trigger("announced", partition_key=str(day(30)), conf={"pipelines": ["later", "shop"]})
    assert api.wait_for_run("announced", run_id, seconds=200)["state"] == "failed"
    tasks = [task for task in api.task_instances("announced", run_id) if task["task_id"] == "is_answered"]
    assert {task["rendered_map_index"]: task["state"] for task in tasks} == {"later": "failed", "shop": "failed"}
