from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowSkipException
from given.receivers import HookReceiver, MailReceiver, receiving
from given.shop import edit_spec, enter, make_shop

from mlsys import clock
from mlsys.errors import UsageError
from mlsys.notification.outbox import Channel, Notice, Outbox, key_of
from mlsys.orchestration.tasks import notifying
from mlsys.orchestration.tasks.endings import Ending
from mlsys.orchestration.tasks.notifying import RunFailed, deliver_notices, deliver_waiting, notice_of, tell, webhook

PROMOTED = Ending("promoted", "Promoted 1.0.0", "It is better", None, "run", "2026-05-02", "1.0.0", "promote")


@pytest.fixture
def receivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[MailReceiver, HookReceiver]]:
    with receiving() as (mail, hook):
        monkeypatch.setenv("AIRFLOW_CONN_MLSYS_SMTP", mail.connection)
        monkeypatch.setenv("AIRFLOW_CONN_MLSYS_WEBHOOK", hook.connection)
        yield mail, hook


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_shop(tmp_path, tmp_path / "pipelines", days=0)
    enter(tmp_path, monkeypatch)
    monkeypatch.setattr(notifying, "_PAUSES", (0.0,))
    return tmp_path / "pipelines"


def dag_run(**changes: Any) -> SimpleNamespace:
    facts = {"dag_id": "retrain_shop", "run_id": "r", "run_type": "scheduled", "clear_number": 0}
    return SimpleNamespace(**{**facts, **changes})


def promoted() -> Notice:
    found = notice_of(PROMOTED, "shop", dag_run(), card="http://air/card")
    assert found is not None
    return found


def test_without_channels_it_stands_in_the_log_alone(specs: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "mlsys"):
        tell(promoted())
    assert "Promoted 1.0.0: It is better. [notice kind=promoted pipeline=shop]" in caplog.text


def test_it_reaches_mail_and_webhook_as_the_spec_says(
    specs: Path, receivers: tuple[MailReceiver, HookReceiver]
) -> None:
    edit_spec(specs, notify={"email": ["ann@example.com"], "webhook": True})
    tell(promoted())
    assert [mail["To"] for mail in receivers[0].mails] == ["ann@example.com"]
    (got,) = receivers[1].notices
    assert (got["event"], got["run"], got["version"], got["day"]) == ("promoted", "run", "1.0.0", "2026-05-02")
    assert got["links"]["report"] == "http://air/card"
    assert got["links"]["airflow"].endswith("/dags/retrain_shop/runs/r")


def test_an_event_that_the_spec_does_not_name_is_not_sent(
    specs: Path, receivers: tuple[MailReceiver, HookReceiver]
) -> None:
    edit_spec(specs, notify={"events": ["run_failed"], "webhook": True})
    tell(promoted())
    assert receivers[1].posts == []


def test_a_webhook_may_be_another_connection(
    specs: Path, receivers: tuple[MailReceiver, HookReceiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SECURITY_TEAM", receivers[1].connection)
    edit_spec(specs, notify={"webhook": "security_team"})
    tell(promoted())
    assert len(receivers[1].posts) == 1


@pytest.mark.slow
def test_a_dead_webhook_costs_a_warning_and_is_made_up_for(
    specs: Path, receivers: tuple[MailReceiver, HookReceiver], caplog: pytest.LogCaptureFixture
) -> None:
    edit_spec(specs, notify={"webhook": True})
    receivers[1].status = 500
    tell(promoted())
    assert "notice_waits kind=promoted channel=webhook" in caplog.text
    receivers[1].status = 200
    assert deliver_waiting(specs.parent) == 0
    assert len({got["key"] for got in receivers[1].notices}) == 1


def test_what_another_process_left_is_delivered_and_without_any_the_task_is_skipped(
    specs: Path, receivers: tuple[MailReceiver, HookReceiver]
) -> None:
    with pytest.raises(AirflowSkipException, match="No notice waits"):
        deliver_notices()
    Outbox(specs.parent).put(promoted(), [Channel(kind="webhook", to="mlsys_webhook")])
    assert deliver_notices() == {"waiting": 0}
    assert len(receivers[1].posts) == 1


def test_a_missing_connection_keeps_the_notice(specs: Path, caplog: pytest.LogCaptureFixture) -> None:
    edit_spec(specs, notify={"webhook": "nobody_made_it"})
    tell(promoted())
    assert "no connection 'nobody_made_it'" in caplog.text
    assert len(Outbox(specs.parent).waiting()) == 1


def test_a_broken_spec_fails_nothing(specs: Path, caplog: pytest.LogCaptureFixture) -> None:
    (specs / "shop.yaml").write_text("pipeline: shop\n")
    tell(promoted())
    assert "notice_not_sent kind=promoted" in caplog.text


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("promoted", "promoted"),
        ("not_promoted", "rejected"),
        ("data_refused", "data_refused"),
        ("failed", "run_failed"),
        ("skipped", None),
        ("for_the_record", None),
    ],
)
def test_endings_are_events(kind: Any, event: str | None) -> None:
    found = notice_of(Ending(kind, "x", "y"), "shop", dag_run())
    assert (found and found.event) == event


def test_a_backfill_tells_nobody() -> None:
    assert notice_of(PROMOTED, "shop", dag_run(run_type="backfill")) is None


def test_a_run_has_one_ending_until_it_is_cleared() -> None:
    failed = notice_of(Ending("failed", "x", "y"), "shop", dag_run())
    assert failed is not None
    assert failed.key == promoted().key
    again = notice_of(PROMOTED, "shop", dag_run(clear_number=1))
    assert again is not None
    assert again.key != promoted().key


@pytest.mark.parametrize(("last", "told"), [("success", 0), ("skipped", 0), ("failed", 1), (None, 1)])
def test_the_dag_processor_tells_what_the_last_task_could_not(
    specs: Path, receivers: tuple[MailReceiver, HookReceiver], last: str | None, told: int
) -> None:
    edit_spec(specs, notify={"webhook": True})
    states = {"r": {"report": last} if last else {}}
    ti = SimpleNamespace(get_task_states=lambda **asked: states)
    RunFailed("shop")({"dag_run": dag_run(), "ti": ti, "reason": "task_failure"})
    assert len(receivers[1].posts) == told


def test_a_webhook_needs_its_whole_address() -> None:
    with pytest.raises(UsageError, match="whole address"):
        webhook(Connection(conn_id="c", conn_type="http", host="hooks.example.com"))


def test_what_waits_is_tried_a_few_times(specs: Path) -> None:
    Outbox(specs.parent).put(
        Notice(key=key_of("x"), event="promoted", pipeline="shop", sentence="s", at=clock.now()),
        [notifying.Channel(kind="webhook", to="nowhere")],
    )
    paused: list[float] = []
    assert deliver_waiting(specs.parent, pause=paused.append) == 1
    assert paused == [0.0]
