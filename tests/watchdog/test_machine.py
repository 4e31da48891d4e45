"""The clock is judged by three others: the machine's own running time, what was written before, and a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlsys import clock
from mlsys.notification.outbox import Channel, Notice, Outbox
from mlsys.watchdog import machine
from mlsys.watchdog.memory import Remembered
from mlsys.watchdog.sign import Sign

NOW = datetime(2026, 5, 14, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def started(monkeypatch: pytest.MonkeyPatch, boot: str, ago: timedelta) -> None:
    monkeypatch.setattr(clock, "since_boot", lambda: (boot, ago))


def look(before: Remembered, at: datetime, *, written: tuple[datetime, ...] = ()) -> Sign:
    return machine.clock_sign(before, at, written=written, others=())


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Remembered:
    started(monkeypatch, "a", HOUR)
    return machine.remembered(Remembered(), NOW)


def test_a_clock_that_goes_with_the_machine_is_right(before: Remembered, monkeypatch) -> None:
    started(monkeypatch, "a", 25 * HOUR)
    assert look(before, NOW + 24 * HOUR).ok
    assert look(before, NOW + 24 * HOUR + timedelta(seconds=50)).ok  # a time server's work


@pytest.mark.parametrize(("off", "said"), [(2 * HOUR, "forward by 2 hours"), (-2 * HOUR, "back by 2 hours")])
def test_a_clock_that_was_set_is_told_at_each_look(before: Remembered, monkeypatch, off: timedelta, said: str) -> None:
    for later in range(1, 4):
        started(monkeypatch, "a", (1 + later) * HOUR)
        at = NOW + later * HOUR + off
        found = look(before, at)
        assert not found.ok
        assert said in found.sentence
        before = machine.remembered(before, at)


def test_one_that_was_set_back_again_is_right(before: Remembered, monkeypatch) -> None:
    started(monkeypatch, "a", 2 * HOUR)
    before = machine.remembered(before, NOW + 3 * HOUR)
    started(monkeypatch, "a", 3 * HOUR)
    at = NOW + 3 * HOUR + timedelta(seconds=1)
    assert look(before, NOW + 2 * HOUR).sentence.startswith("The clock has gone back")  # behind the look before it
    assert look(before.model_copy(update={"at": NOW}), NOW + 2 * HOUR).ok
    assert machine.remembered(before, at - HOUR).shifted is None


def test_after_a_day_a_clock_that_was_set_counts_as_right(before: Remembered, monkeypatch) -> None:
    started(monkeypatch, "a", 2 * HOUR)
    before = machine.remembered(before, NOW + 3 * HOUR)
    started(monkeypatch, "a", 27 * HOUR)
    at = NOW + 28 * HOUR
    assert not look(before, at).ok
    assert look(machine.remembered(before, at), at).ok


def test_over_a_restart_what_was_written_before_tells(before: Remembered, monkeypatch) -> None:
    started(monkeypatch, "b", HOUR)
    assert look(before, NOW + HOUR).ok
    found = look(before, NOW - 2 * HOUR)
    assert "something was written 2 hours ahead of it" in found.sentence
    assert not look(before, NOW + HOUR, written=(NOW + 3 * HOUR,)).ok


def test_a_database_that_is_ahead_tells(before: Remembered) -> None:
    found = machine.clock_sign(before, NOW, written=(), others=(NOW + 2 * HOUR,))
    assert "2 hours behind the database's" in found.sentence


def test_the_clock_since_the_start_runs() -> None:
    (boot, first), (same, second) = clock.since_boot(), clock.since_boot()
    assert boot == same
    assert second >= first > timedelta(0)


@pytest.mark.slow
def test_a_notice_on_its_way_is_no_trouble_and_one_that_nobody_can_read_is(tmp_path: Path) -> None:
    assert machine.notices_sign(tmp_path, NOW).sentence == "No notice waits."
    told = Notice(key="k", event="promoted", pipeline="shop", sentence="It serves.", at=NOW - timedelta(minutes=5))
    Outbox(tmp_path).put(told, [Channel(kind="email", to="a@example.org")])
    assert machine.notices_sign(tmp_path, NOW).ok
    assert not machine.notices_sign(tmp_path, NOW + HOUR).ok
    for path in (tmp_path / "notices" / "waiting").glob("*.json"):
        path.write_text("{")
    assert "1 notice can't be read" in machine.notices_sign(tmp_path, NOW + HOUR).sentence
    assert not machine.notices_sign(tmp_path, NOW + HOUR).ok  # at the next look it is called unreadable already
