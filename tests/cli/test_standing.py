"""`mlsys list` and `why`."""

from __future__ import annotations

import json

import pytest

from mlsys.planning.plan import RunRequest
from mlsys.planning.refused import record_refused

pytestmark = pytest.mark.slow


def test_why_is_three_sentences(mlsys, seen) -> None:
    answer = mlsys("why", "shop")
    assert answer.code == 0
    happened, meaning, todo = answer.out.splitlines()
    assert "promote" in happened
    assert meaning.startswith("1.0.1 serves")
    assert todo == "There is nothing to do."


def test_facts_are_json_too(mlsys, seen) -> None:
    (one,) = json.loads(mlsys("list", "--json").out)
    assert {**one, "gain": None} == json.loads(mlsys("why", "shop", "--json").out)
    assert (one["pipeline"], one["state"], one["outcome"]) == ("shop", "fine", "promote")


def test_the_list_counts_and_names_what_needs_a_person(mlsys, changed) -> None:
    (changed / "shop.db").unlink()
    assert mlsys("run", "shop").code == 3
    answer = mlsys("list")
    assert answer.code == 0
    assert answer.out.startswith("1 failed\n")
    assert "mlsys why shop" in answer.out
    assert "mlsys report" in mlsys("why", "shop").out


def test_a_home_without_pipelines_says_so(mlsys, changed) -> None:
    (changed / "pipelines" / "shop.yaml").unlink()
    assert "No pipeline yet: " in mlsys("list").out
    assert mlsys("why", "shop").code == 2


def test_why_shows_the_log_line_and_the_commands_that_come_next(mlsys, changed, work) -> None:
    asked = RunRequest("shop", partition_key="2026-05-25", request_id="retrain_shop/night", asked_by="airflow")
    record_refused(work, asked, reason="data_refused", sentence="There is no such database file.")
    log = changed / "logs/tasks/dag_id=retrain_shop/run_id=night/task_id=take_snapshot/attempt=1.log"
    log.parent.mkdir(parents=True)
    log.write_text('{"timestamp": "2026-05-26T02:00:01Z", "level": "error", "event": "no such database file"}\n')
    answer = mlsys("why", "shop")
    assert answer.out.splitlines()[3:] == [
        "",
        f"Log:  {log}",
        "      2026-05-26T02:00:01Z no such database file",
        "",
        "Next: mlsys report retrain_shop/night",
        "Then: mlsys run shop --day 2026-05-25",
    ]
    facts = json.loads(mlsys("why", "shop", "--json").out)
    assert facts["log"] == {"path": str(log), "at": "2026-05-26T02:00:01Z", "line": "no such database file"}
    assert facts["next"] == ["mlsys report retrain_shop/night", "mlsys run shop --day 2026-05-25"]
