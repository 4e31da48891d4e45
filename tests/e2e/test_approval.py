"""A person has the last word, and people are told: on one real scheduler, with a real mail server and webhook.

The tests follow each other. All gates always pass, so every decision is `promote` until the person has spoken.
That a run waits and a yes promotes is in `make test` too: `test_retraining_on_airflow.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from given.airflows import wait
from given.receivers import HookReceiver, MailReceiver, receiving
from given.shop import day, edit_spec

from mlsys.errors import UsageError
from mlsys.notification.outbox import Outbox
from mlsys.orchestration.api.client import AirflowApi
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]

DAG = "retrain_shop"
GATES = [{"kind": "minimum", "metric": "roc_auc", "at_least": 0.1}, "min_rows"]
NOTIFY = {"email": ["team@example.com"], "webhook": True}
CONSUMER = """
from airflow.sdk import Asset, dag, task

@dag(schedule=[Asset(name="champion_shop", uri="mlsys://shop/champion")], is_paused_upon_creation=False)
def consumer():
    @task
    def look(triggering_asset_events=None):
        return [event.extra for events in triggering_asset_events.values() for event in events]

    look()

consumer()
"""


@pytest.fixture(scope="module")
def receivers() -> Iterator[tuple[MailReceiver, HookReceiver]]:
    with receiving() as (mail, hook), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_MLSYS_SMTP", mail.connection)
        patch.setenv("AIRFLOW_CONN_MLSYS_WEBHOOK", hook.connection)
        yield mail, hook


@pytest.fixture(scope="module")
def home(shop_since: Callable[..., Path]) -> Path:
    """A shop whose newest day is yesterday, whose nightly decision was due a minute after midnight."""
    schedule = {"hour": 0, "deadline": "00:01"}
    approval = {"required": True, "timeout": "10m"}
    return shop_since(12, days=12, schedule=schedule, approval=approval, gates=GATES, notify=NOTIFY)


@pytest.fixture(scope="module")
def api(
    home: Path, receivers: tuple[MailReceiver, HookReceiver], start_stack: Callable[..., Any]
) -> Iterator[AirflowApi]:
    (home / "dags").mkdir()
    (home / "dags" / "consumer.py").write_text(CONSUMER)
    begins = f"{day(5)}T00:00:00+00:00"
    with start_stack(home, "retrain.py", schedules_count_from=begins) as running:
        running.api.wait_for_dag(DAG, seconds=120)
        running.api.wait_for_dag("consumer", seconds=60)
        yield running.api


@pytest.fixture
def hook(receivers: tuple[MailReceiver, HookReceiver]) -> HookReceiver:
    return receivers[1]


def told(hook: HookReceiver, event: str, run_id: str) -> dict[str, Any]:
    """Return the notice of an event about a run, once it has arrived."""

    def found() -> list[dict[str, Any]]:
        return [notice for notice in hook.notices if (notice["event"], notice["dag_run"]) == (event, run_id)]

    (notice,) = wait(found, 30)
    return dict(notice)


def state_of(api: AirflowApi, run_id: str, task_id: str) -> str:
    return next(str(task["state"]) for task in api.task_instances(DAG, run_id) if task["task_id"] == task_id)


def asked(api: AirflowApi, **keywords: Any) -> str:
    """Start a run with a training key of its own, and return its id when it waits for a person."""
    run_id = api.trigger(DAG, partition_key=str(day(11)), **keywords)
    wait(lambda: state_of(api, run_id, "approve") == "awaiting_input")
    return run_id


def champions() -> list[tuple[str, str]]:
    with open_workspace() as work:
        return [(change.version, change.who) for change in work.ledger.champion_changes("shop")]


def test_the_nightly_run_waits_for_a_person_without_a_worker(api: AirflowApi, hook: HookReceiver) -> None:
    (run,) = wait(lambda: api.runs(DAG))
    run_id = run["dag_run_id"]
    wait(lambda: state_of(api, run_id, "approve") == "awaiting_input")
    question = api.question(DAG, run_id)
    assert question is not None
    assert question["subject"].startswith("Promote ")
    assert "passes all 2 gates" in question["body"]
    assert "| Metric on the holdout | Challenger |" in question["body"]
    assert f"/mlsys/reports/shop/shop-{day(11)}" in question["body"]
    assert question["params"]["reason"]["value"] is None
    assert champions() == []
    notice = told(hook, "approval_wanted", run_id)
    assert notice["links"]["approve"].endswith(f"/runs/{run_id}/tasks/approve/required_actions")


def test_a_missed_deadline_is_told_once(api: AirflowApi, receivers: tuple[MailReceiver, HookReceiver]) -> None:
    (run,) = api.runs(DAG)
    notice = told(receivers[1], "deadline_missed", run["dag_run_id"])
    assert notice["day"] == str(day(11))
    subjects = [str(mail["Subject"]) for mail in receivers[0].mails]
    assert subjects.count("[mlsys] shop: deadline missed") == 1


def test_a_yes_promotes_and_who_and_why_stand_in_the_ledger(api: AirflowApi, hook: HookReceiver) -> None:
    (run,) = api.runs(DAG)
    run_id = run["dag_run_id"]
    api.answer(DAG, run_id, "Approve", reason="looks good")
    assert api.wait_for_run(DAG, run_id, seconds=120)["state"] == "success"
    assert champions() == [("1.0.0", "admin")]
    with open_workspace() as work:
        assert work.ledger.champion_changes("shop")[0].reason.startswith("looks good. ")
    assert "Promoted 1.0.0" in api.run(DAG, run_id)["note"]
    assert told(hook, "promoted", run_id)["version"] == "1.0.0"


def test_a_second_answer_is_refused(api: AirflowApi) -> None:
    (run,) = api.runs(DAG)
    with pytest.raises(UsageError, match="refuses"):
        api.answer(DAG, run["dag_run_id"], "Reject")


def test_the_promotion_starts_what_is_scheduled_on_the_champion(api: AirflowApi) -> None:
    """The nightly run has a partition key; its event has none, so a plain schedule on the asset sees it."""
    (run,) = wait(lambda: api.runs("consumer"))
    api.wait_for_run("consumer", run["dag_run_id"], seconds=60)
    (extra,) = api.xcom("consumer", run["dag_run_id"], "look")
    with open_workspace() as work:
        change = work.ledger.champion("shop")
    assert change is not None
    assert (extra["version"], extra["candidate"], extra["who"]) == ("1.0.0", change.candidate_id, "admin")
    assert extra["cutoff"] == change.cutoff.isoformat()
    assert extra["metrics"]["roc_auc"] > 0.5


def test_a_no_is_a_green_run_that_says_who_and_why(api: AirflowApi, home: Path, hook: HookReceiver) -> None:
    edit_spec(home / "pipelines", training={"seed": 2})
    run_id = asked(api)
    api.answer(DAG, run_id, "Reject", reason="not before the sale")
    assert api.wait_for_run(DAG, run_id, seconds=120)["state"] == "success"
    assert "admin refused it: not before the sale" in api.run(DAG, run_id)["note"]
    with open_workspace() as work:
        decision = work.ledger.decisions("shop")[-1]
    assert (decision.outcome, decision.reason) == ("reject", "approval_refused")
    assert decision.answer is not None
    assert (decision.answer.who, decision.answer.reason) == ("admin", "not before the sale")
    assert champions() == [("1.0.0", "admin")]
    assert "not before the sale" in told(hook, "rejected", run_id)["sentence"]


def test_nobodys_answer_is_a_no(api: AirflowApi, home: Path) -> None:
    edit_spec(home / "pipelines", training={"seed": 3}, approval={"timeout": "2s"})
    run_id = api.trigger(DAG, partition_key=str(day(11)), conf={"approval": True, "reason": "a try"})
    assert api.wait_for_run(DAG, run_id, seconds=120)["state"] == "success"
    assert api.xcom(DAG, run_id, "approve") == {"answer": "timed_out", "who": "nobody", "reason": None}
    assert "Nobody answered in time" in api.run(DAG, run_id)["note"]
    assert champions() == [("1.0.0", "admin")]


def test_a_run_that_changes_nothing_asks_nobody_and_makes_no_event(api: AirflowApi, home: Path) -> None:
    edit_spec(home / "pipelines", training={"seed": 4})
    run_id = api.trigger(DAG, partition_key=str(day(11)), conf={"mode": "dry", "approval": True})
    assert api.wait_for_run(DAG, run_id, seconds=120)["state"] == "success"
    assert api.question(DAG, run_id) is None
    assert len(api.runs("consumer")) == 1


def test_a_dead_webhook_fails_no_run_and_is_made_up_for(api: AirflowApi, home: Path, hook: HookReceiver) -> None:
    hook.status = 500
    bad = {"tolerated_share": 0.0, "rules": [{"kind": "between", "column": "basket_value", "min": 100000}]}
    edit_spec(home / "pipelines", checks=bad)
    refused = api.trigger(DAG, partition_key=str(day(11)))
    assert api.wait_for_run(DAG, refused, seconds=120)["state"] == "failed"
    assert {task["task_id"]: task["state"] for task in api.task_instances(DAG, refused)}["report"] == "success"
    assert [notice.event for _, notice, _ in Outbox(home).waiting()] == ["data_refused"]
    hook.status = 200
    failed = api.trigger(DAG, conf={"dya": "x"})
    assert api.wait_for_run(DAG, failed, seconds=120)["state"] == "failed"
    assert "Did you mean 'day'" in told(hook, "run_failed", failed)["sentence"]
    again = [notice for notice in hook.notices if notice["dag_run"] == refused]
    assert len({notice["key"] for notice in again}) == 1
    assert Outbox(home).waiting() == []


def test_every_event_reached_the_mail_server_once(receivers: tuple[MailReceiver, HookReceiver]) -> None:
    subjects = [str(mail["Subject"]).removeprefix("[mlsys] shop: ") for mail in receivers[0].mails]
    expected = {"approval wanted": 3, "deadline missed": 1, "promoted": 1, "rejected": 2}
    expected |= {"data refused": 1, "run failed": 1}
    assert {subject: subjects.count(subject) for subject in subjects} == expected
