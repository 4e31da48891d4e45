from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlsys import clock
from mlsys.orchestration.stack.schedule import schedule_start


def test_schedules_begin_at_the_first_midnight_after_the_home_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 9, 23, 59, tzinfo=UTC))
    assert schedule_start(tmp_path) == datetime(2026, 3, 10, tzinfo=UTC)


def test_the_beginning_never_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 9, tzinfo=UTC))
    first = schedule_start(tmp_path)
    monkeypatch.setattr(clock, "now", lambda: datetime(2027, 1, 1, tzinfo=UTC))
    assert schedule_start(tmp_path) == first
