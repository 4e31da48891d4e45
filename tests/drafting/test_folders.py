"""Folders as clusters write them: a folder for each day, other partitions, tables that only their log can read."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.odd_tables import plain, write_csv

from mlsys.drafting.folders import day_pattern, of_partitions, pattern_of
from mlsys.errors import DataError, UsageError


def touched(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("a.csv", "b.csv", "c.parquet"), "/*.csv"),
        (("day=2026-03-01/part.parquet", "day=2026-03-02/part.parquet", "_SUCCESS"), "/**/*.parquet"),
        (("2026/03/01/a.csv.gz", "2026/03/02/a.csv.gz"), "/**/*.csv.gz"),
        (("_temporary/0/a.csv", ".hidden/a.csv", ".a.csv", "eu/b.parquet"), "/**/*.parquet"),
    ],
)
def test_the_files_of_a_folder_may_lie_below_it(tmp_path: Path, names, expected: str) -> None:
    touched(tmp_path, *names)
    assert pattern_of(tmp_path) == f"{tmp_path}{expected}"


def test_a_folder_without_table_files_is_told_with_what_is_known(tmp_path: Path) -> None:
    touched(tmp_path, "a/b.json", "_temporary/c.csv")
    with pytest.raises(DataError, match=r"has no table files, nor has one below it.* Known endings: \.csv, "):
        pattern_of(tmp_path)


@pytest.mark.parametrize("mark", ["_delta_log/0.json", "metadata/v1.metadata.json", ".hoodie/hoodie.properties"])
def test_a_table_whose_log_says_which_files_count_is_not_read_by_its_files(tmp_path: Path, mark: str) -> None:
    touched(tmp_path, "part-0.parquet", mark)
    with pytest.raises(UsageError, match="its log says which of its files still count"):
        pattern_of(tmp_path)


@pytest.mark.parametrize(
    ("names", "day"),
    [
        (("x=1/day=2026-03-01/a.csv", "x=1/day=2026-03-01/b.csv", "x=2/day=2026-03-02/a.csv"), "2026-03-01"),
        (("dt=20260301/a.csv", "dt=20260301/b.csv", "dt=20260302/a.csv"), "2026-03-01"),
        (("year=2026/month=3/day=1/a.csv", "year=2026/month=10/day=31/a.csv"), "2026-03-01"),
        (("a-2026-03-01.csv", "a-2026-03-02.csv"), "2026-03-01"),
        (("a-2026-03-01.csv", "b-2026-03-01.csv", "c-2026-03-02.csv"), None),  # a version, maybe
        (("day=2026-03-01/a.csv", "day=2026-03-01/b.csv"), None),
        (("day=2026-03-01/a.csv", "day=__HIVE_DEFAULT_PARTITION__/b.csv"), None),
    ],
)
def test_the_day_of_a_file_from_its_folder(tmp_path: Path, names, day: str | None) -> None:
    from mlsys.sources.files import FilesSource

    touched(tmp_path, *names)
    pattern = day_pattern(names)
    if day is None:
        assert pattern is None
        return
    source = FilesSource(path=f"{tmp_path}/**/*.csv", day_pattern=pattern)
    assert str(min(part.day for part in source.parts() if part.day)) == day


def test_columns_that_stand_in_names_of_folders() -> None:
    names = ["region=eu/day=2026-03-01/a.csv", "region=us/day=2026-03-01/a=b.csv"]
    alone = "it stands in names of folders alone ({})"
    region, day = alone.format("region=eu"), alone.format("day=2026-03-01")
    assert of_partitions(names, None) == {"region": region, "day": day}
    read = {"region": region, "day": "source.day_pattern reads the day (day=2026-03-01)"}
    assert of_partitions(names, r"[^=/]+=(\d{4}-\d{2}-\d{2})/") == read


@pytest.mark.slow
@pytest.mark.usefixtures("work")
def test_a_draft_from_partitions(drafted, tmp_path: Path) -> None:
    columns = plain(900)
    for day in range(30):
        part = {name: values[day * 30 : day * 30 + 30] for name, values in columns.items()}
        write_csv(tmp_path / "t" / "region=eu" / f"day=2025-03-{day + 1:02d}" / "part.csv", part)
    write_csv(tmp_path / "t" / "_temporary" / "0" / "part.csv", {"half": ["written"]})
    made = drafted(tmp_path / "t")
    assert made.spec.source.path.endswith("/t/**/*.csv")
    assert made.spec.split.kind == "time"
    assert made.found.table.n_rows == 900
    assert "not read: day: source.day_pattern reads the day" in made.text
    assert "not read: region: it stands in names of folders alone (region=eu)" in made.text


@pytest.mark.slow
@pytest.mark.usefixtures("work")
def test_text_that_is_called_parquet_is_read_as_text_by_the_spec_too(drafted, tmp_path: Path) -> None:
    made = drafted(write_csv(tmp_path / "t.parquet", plain()))
    assert made.spec.source.format == "csv"
