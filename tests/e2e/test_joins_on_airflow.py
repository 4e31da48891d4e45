"""A pipeline that joins a second table, on a real Airflow: retrained, scored, and refused where that table is bad."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from given.airflows import wait
from given.clicks import join_clicks, make_clicks
from given.shop import day, edit_spec, make_shop

from mlsys.monitoring.scoring import predictions_of
from mlsys.orchestration.api.client import AirflowApi
from mlsys.serving import load_champion
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900)]

LIVE, LAST = 10, 12
RULES = [{"kind": "between", "column": "weight", "min": 0, "max": 100}, {"kind": "not_null", "column": "order_no"}]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("joins") / "home"
    make_shop(path, path / "pipelines", days=LAST + 1)
    edit_spec(path / "pipelines", registries=["files"])
    make_clicks(path)
    join_clicks(path, rules=RULES)
    return path


@pytest.fixture(scope="module")
def api(home: Path, start_stack: Callable[..., Any]) -> Iterator[AirflowApi]:
    with start_stack(home, "retrain.py", "score.py") as running:
        for dag_id in ("retrain_shop", "score_shop"):
            running.api.wait_for_dag(dag_id, seconds=240)
        yield running.api


def retrained(api: AirflowApi, index: int) -> dict[str, Any]:
    run_id = api.trigger("retrain_shop", conf={"day": str(day(index))})
    return api.wait_for_run("retrain_shop", run_id, seconds=300)


def test_a_retraining_learns_from_what_was_joined(api: AirflowApi, home: Path) -> None:
    assert retrained(api, LIVE)["state"] == "success"
    champion = load_champion("shop", home=home)
    assert {"n_clicks", "weight", "page", "idle"} < set(champion.features)
    with open_workspace() as work:
        (decision,) = work.ledger.decisions("shop")
        assert decision.outcome == "promote"
        assert work.ledger.verify("shop.clicks") > 0
    (card,) = (home / "reports" / "shop").glob("*.html")
    assert "clicks: weight between 0 and 100" in card.read_text(encoding="utf-8")


def test_days_that_came_since_are_scored_with_their_joined_columns(api: AirflowApi, home: Path) -> None:
    def scored() -> list[dict[str, Any]]:
        return [run for run in api.runs("score_shop") if run["state"] in ("success", "failed")]

    (run,) = wait(scored, 240)
    assert (run["state"], run["run_type"]) == ("success", "asset_triggered")
    for index in range(LIVE + 1, LAST + 1):
        known = predictions_of(home, "shop", day(index))
        assert known is not None
        assert known.champions[known.latest].n_rows > 0


def test_a_bad_second_table_stops_the_run_and_leaves_the_champion(api: AirflowApi, home: Path) -> None:
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute("UPDATE clicks SET weight = -1 WHERE clicked_at >= ?", [str(day(LAST))])
    run = retrained(api, LAST)
    assert run["state"] == "failed"
    failure = api.xcom("retrain_shop", run["dag_run_id"], "validate", key="failure")
    assert "of the newest day (100.00%) are bad, 1.00% is tolerated" in failure["sentence"]
    assert "clicks: " in failure["sentence"]
    with open_workspace() as work:
        assert [change.version for change in work.ledger.champion_changes("shop")] == ["1.0.0"]
