"""The memory of a look comes back whole, and a damaged one is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from mlsys.watchdog.memory import Remembered, keep_memory, read_memory


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    assert read_memory(tmp_path) == Remembered()
    at = datetime(2026, 5, 14, 6, tzinfo=UTC)
    kept = Remembered(at=at, boot="a", booted=at, shifted=timedelta(hours=3, microseconds=5), airflow=True)
    keep_memory(tmp_path, kept)
    assert read_memory(tmp_path) == kept


def test_a_damaged_one_is_begun_anew(tmp_path: Path) -> None:
    keep_memory(tmp_path, Remembered(airflow=True))
    (tmp_path / "watchdog" / "memory.json").write_text('{"airflow": tr')
    assert read_memory(tmp_path) == Remembered()
