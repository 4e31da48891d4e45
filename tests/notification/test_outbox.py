from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlsys import clock
from mlsys.errors import TransientError
from mlsys.notification.outbox import Channel, Notice, Outbox, key_of

MAIL, HOOK = Channel(kind="email", to="ann@example.com"), Channel(kind="webhook", to="mlsys_webhook")


def notice(name: str = "a", at: datetime | None = None) -> Notice:
    return Notice(
        key=key_of(name),
        event="promoted",
        pipeline="shop",
        sentence=f"Promoted {name}",
        at=at or clock.now(),
        links={"airflow": "http://air/run", "report": "http://air/card"},
    )


class Receiver:
    """Takes notices, except on the channels that are `down`."""

    def __init__(self, *down: Channel) -> None:
        self.down = down
        self.got: list[tuple[str, str]] = []

    def __call__(self, channel: Channel, sent: Notice) -> None:
        if channel in self.down:
            raise TransientError("it does not answer")
        self.got.append((channel.kind, sent.sentence))


def test_a_notice_goes_out_once_on_every_channel(tmp_path: Path) -> None:
    outbox, receiver = Outbox(tmp_path), Receiver()
    outbox.put(notice(), [MAIL, HOOK])
    assert outbox.deliver(receiver) == 0
    assert sorted(receiver.got) == [("email", "Promoted a"), ("webhook", "Promoted a")]
    assert outbox.deliver(receiver) == 0
    assert len(receiver.got) == 2


def test_what_was_delivered_is_not_put_again(tmp_path: Path) -> None:
    outbox, receiver = Outbox(tmp_path), Receiver()
    for _ in range(2):
        outbox.put(notice(), [MAIL])
        outbox.deliver(receiver)
    assert receiver.got == [("email", "Promoted a")]


def test_a_channel_that_is_down_keeps_its_notices_and_holds_up_no_other(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for name in ("a", "b"):
        outbox.put(notice(name), [HOOK, MAIL])
    receiver = Receiver(HOOK)
    assert outbox.deliver(receiver) == 2
    assert receiver.got == [("email", "Promoted a"), ("email", "Promoted b")]
    receiver.down = ()
    assert outbox.deliver(receiver) == 0
    assert receiver.got[2:] == [("webhook", "Promoted a"), ("webhook", "Promoted b")]


def test_a_process_that_dies_after_sending_sends_the_same_key_again(tmp_path: Path) -> None:
    outbox, seen = Outbox(tmp_path), []

    def dies(channel: Channel, sent: Notice) -> None:
        seen.append(sent.key)
        raise KeyboardInterrupt

    outbox.put(notice(), [MAIL])
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            outbox.deliver(dies)
    assert seen == [key_of("a")] * 2


def test_a_notice_that_nobody_took_for_a_week_is_given_up_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(tmp_path)
    outbox.put(notice(at=datetime(2026, 1, 1, tzinfo=UTC)), [HOOK])
    assert outbox.deliver(Receiver(HOOK)) == 0
    assert "notice_given_up" in caplog.text


def test_what_was_delivered_is_forgotten_after_a_week(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.put(notice(), [MAIL])
    outbox.deliver(Receiver())
    (sent,) = (tmp_path / "notices" / "sent").iterdir()
    long_ago = (clock.now() - timedelta(days=8)).timestamp()
    os.utime(sent, (long_ago, long_ago))
    outbox.deliver(Receiver())
    assert not sent.exists()


def test_a_notice_that_can_not_be_read_is_set_aside_and_holds_up_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox, receiver = Outbox(tmp_path), Receiver()
    outbox.put(notice(), [MAIL])
    (tmp_path / "notices" / "waiting" / "old.json").write_text('{"notice": {"colour": "red"}, "channel": {}}')
    assert outbox.deliver(receiver) == 0
    assert receiver.got == [("email", "Promoted a")]
    assert "notice_unreadable" in caplog.text


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    Outbox(tmp_path).put(notice(), [MAIL])
    (file,) = (tmp_path / "notices" / "waiting").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert Notice.load(json.loads(file.read_text())["notice"]).event == "promoted"


def test_a_notice_reads_as_a_letter() -> None:
    written = notice().model_copy(update={"day": "2026-05-02", "version": "1.0.0"})
    assert written.subject == "[mlsys] shop: promoted"
    assert written.text == (
        "Promoted a\n\nDay: 2026-05-02\nVersion: 1.0.0\nAirflow: http://air/run\nReport: http://air/card\n"
    )
