"""Files as parts that may be half written: their days, marks and names."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mlsys.errors import DataError
from mlsys.schema import ColumnSpec
from mlsys.sources.base import ReadRequest
from mlsys.sources.files import FilesSource

PATTERN = r"(\d{4}-\d{2}-\d{2})"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows-2026-03-01.csv"
    path.write_text("id\n1\n")
    os.utime(path, (1_000, 1_000))
    return path


def test_a_part_has_its_day_and_the_time_of_its_file(file: Path) -> None:
    (part,) = FilesSource(path=f"{file.parent}/*", day_pattern=PATTERN).parts()
    assert (part.name, part.day) == (str(file), date(2026, 3, 1))
    assert part.written == datetime.fromtimestamp(1_000, UTC)
    (without,) = FilesSource(path=f"{file.parent}/*", event_time="at").parts()
    assert without.day is None


def test_a_mark_changes_with_size_time_and_file(file: Path) -> None:
    source = FilesSource(path=f"{file.parent}/*")
    marks = [source.parts()[0].mark]
    os.utime(file, (2_000, 2_000))
    marks.append(source.parts()[0].mark)
    file.write_text("id\n1\n2\n")
    os.utime(file, (2_000, 2_000))
    marks.append(source.parts()[0].mark)
    other = file.with_name("other")
    other.write_bytes(file.read_bytes())
    os.utime(other, (2_000, 2_000))
    other.replace(file)
    marks.append(source.parts()[0].mark)
    assert len(set(marks)) == 4


@pytest.mark.parametrize("ending", [".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~"])
def test_a_file_under_a_name_for_now_is_none(file: Path, ending: str) -> None:
    file.replace(file.with_name(file.name + ending))
    source = FilesSource(path=f"{file.parent}/*", day_pattern=PATTERN)
    request = ReadRequest({"id": ColumnSpec(type="integer")})
    for look in (source.parts, lambda: source.newest(request), lambda: list(source.read(request))):
        with pytest.raises(DataError, match="No file matches"):
            look()
