"""Files with a time column: a night opens what is new or changed, and no cache can change what is read."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlsys.errors import DataError
from mlsys.schema import ColumnSpec
from mlsys.sources import SOURCES, files
from mlsys.sources.base import ReadRequest, Source
from mlsys.sources.reading.csv_file import CsvFile

SCHEMA = {"id": ColumnSpec(type="integer")}
DAY = timedelta(days=1)
FIRST = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def folder(home: Path) -> Path:
    """Ten daily files of two rows: on the day, and on the day before it."""
    path = home / "drops"
    path.mkdir()
    for day in range(1, 11):
        write(path / f"{day:02}.csv", [(10 * day, FIRST + day * DAY), (10 * day + 1, FIRST + (day - 1) * DAY)])
    return path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose rows are read from now on, in order; with `?` when only their times are."""
    names: list[str] = []

    class Counting(CsvFile):
        def batches(self, columns):
            names.append(self.path.stem + ("?" if list(columns) == ["at"] else ""))
            return super().batches(columns)

    monkeypatch.setattr(files, "CsvFile", Counting)
    return names


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is an hour ahead of the files."""
    later = datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setattr("mlsys.clock.now", lambda: later)


def memory() -> Path:
    """What runs of the home remember."""
    return Path(os.environ["MLSYS_HOME"]) / "cache"


def write(path: Path, rows: list[tuple[int, datetime | str]]) -> None:
    path.write_text("id,at\n" + "".join(f"{number},{str(at)[:19]}\n" for number, at in rows))


def source(folder: Path, **fields: str) -> Source:
    return SOURCES.parse({"kind": "files", "path": f"{folder}/*", "event_time": "at", "timezone": "UTC", **fields})


def night(folder: Path, day: int = 11, **fields: str) -> list[int]:
    """Read as a run of the day before `day` does, with a lookback of two days."""
    chosen = source(folder, **fields)
    chosen.newest(ReadRequest(SCHEMA, memory=memory()))
    window = ReadRequest(SCHEMA, memory=memory(), since=FIRST + (day - 2) * DAY, until=FIRST + day * DAY)
    return sorted(value for drop in chosen.read(window) for value in drop.table["id"].to_pylist())


def cached(home: Path) -> list[Path]:
    return list((home / "cache").rglob("*.json"))


def test_a_second_night_opens_the_files_of_its_window_alone(folder, opened):
    night(folder)
    opened.clear()
    write(folder / "11.csv", [(110, FIRST + 11 * DAY)])
    assert night(folder, 12) == [100, 110]
    assert opened == ["11?", "10", "11"]


def test_a_file_that_was_only_touched_is_not_read_again(folder, opened):
    night(folder)
    opened.clear()
    os.utime(folder / "01.csv")
    assert night(folder) == [90, 100, 101]
    assert opened == ["09", "10"]


def test_late_rows_in_an_old_file_are_seen(folder):
    night(folder)
    write(folder / "01.csv", [(10, FIRST + DAY), (11, FIRST), (12, FIRST + 10 * DAY)])
    assert night(folder) == [12, 90, 100, 101]


def test_other_rows_of_the_same_size_and_date_are_seen(folder):
    path = folder / "01.csv"
    before = path.stat()
    night(folder)
    write(path, [(10, FIRST + 10 * DAY), (11, FIRST)])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert night(folder) == [10, 90, 100, 101]


def test_a_file_just_written_is_compared_by_content(folder, opened, monkeypatch):
    monkeypatch.setattr("mlsys.clock.now", lambda: datetime.now(UTC))
    night(folder)
    (path,) = cached(folder.parent)
    assert b'"stamp":[' not in path.read_bytes()
    opened.clear()
    assert night(folder) == [90, 100, 101]
    assert opened == ["09", "10"]


def test_without_the_cache_the_same_rows_are_read(folder):
    before = night(folder)
    shutil.rmtree(folder.parent / "cache")
    assert night(folder) == before


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b'{"a": 1'])
def test_a_damaged_cache_is_measured_again(folder, damage):
    before = night(folder)
    (path,) = cached(folder.parent)
    whole = path.read_bytes()
    path.write_bytes(damage)
    assert night(folder) == before
    assert path.read_bytes() == whole


def test_a_cache_that_can_t_be_written_is_no_harm(folder):
    (folder.parent / "cache").write_text("a file where the folder should be")
    assert night(folder) == [90, 100, 101]


def test_files_that_are_gone_are_forgotten(folder):
    night(folder)
    (folder / "01.csv").unlink()
    night(folder)
    (path,) = cached(folder.parent)
    assert b"01.csv" not in path.read_bytes()
    assert b"02.csv" in path.read_bytes()


def test_an_unchanged_file_is_not_opened_at_all(folder, monkeypatch):
    night(folder)
    hashed: list[str] = []
    monkeypatch.setattr("mlsys.sources.reading.file_spans.sha256_of", lambda path: hashed.append(path.stem) or "0" * 64)
    (folder / "03.csv").touch()
    night(folder)
    assert hashed == ["03"]


def test_another_event_time_has_a_memory_of_its_own(folder):
    (folder / "01.csv").write_text("id,at,known\n10,2026-03-01,2026-03-10\n")
    for path in sorted(folder.glob("*.csv"))[1:]:
        path.unlink()
    assert night(folder) == []
    assert night(folder, event_time="known") == [10]


def test_another_zone_of_the_column_has_a_memory_of_its_own(folder):
    write(folder / "01.csv", [(10, "2026-03-09 20:00:00")])
    window = {"since": FIRST + 9 * DAY, "until": FIRST + 11 * DAY}
    for zone, expected in (("UTC", []), ("America/New_York", [10])):
        schema = {**SCHEMA, "at": ColumnSpec(type="timestamp", timezone=zone)}
        drops = source(folder).read(ReadRequest(schema, memory=memory(), **window))
        assert [row for drop in drops for row in drop.table["id"].to_pylist() if row == 10] == expected


def test_a_bad_file_costs_one_error_and_not_the_memory_of_the_others(folder, opened):
    night(folder)
    (folder / "05.csv").write_text("id,when\n1,2026-03-09\n")
    opened.clear()
    with pytest.raises(DataError, match=r"05\.csv: There is no column 'at'"):
        night(folder)
    (folder / "05.csv").unlink()
    night(folder)
    assert opened == ["09", "10"]


def test_broken_lines_of_old_files_are_not_counted_again(folder):
    with (folder / "01.csv").open("a") as file:
        file.write("12,2026-03-01,too,many\n")
    window = ReadRequest(SCHEMA, memory=memory(), since=FIRST + 9 * DAY, until=FIRST + 11 * DAY)
    for _ in range(2):
        assert [row for drop in source(folder).read(window) for row in drop.rejected] == []
    whole = source(folder).read(ReadRequest(SCHEMA, memory=memory()))
    assert len([row for drop in whole for row in drop.rejected]) == 1


def test_a_file_without_a_readable_time_is_read_every_night(folder, opened):
    write(folder / "00.csv", [(1, "soon")])
    night(folder)
    opened.clear()
    assert night(folder) == [90, 100, 101]
    assert opened == ["00", "09", "10"]


def test_parquet_files_have_spans_as_well(home):
    pq.write_table(pa.table({"id": [1, 2], "at": [FIRST, FIRST + 9 * DAY]}), home / "a.parquet")
    pq.write_table(pa.table({"id": [3], "at": [FIRST]}), home / "b.parquet")
    chosen = source(home, path=f"{home}/*.parquet")
    window = ReadRequest(SCHEMA, memory=memory(), since=FIRST + 9 * DAY, until=FIRST + 11 * DAY)
    assert [Path(drop.origin).stem for drop in chosen.read(window)] == ["a"]
    assert chosen.newest(ReadRequest(SCHEMA, memory=memory())) == FIRST + 9 * DAY
