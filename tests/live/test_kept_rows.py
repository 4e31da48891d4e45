"""Files of a day that become one: rows are read once, whenever one looks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlsys.live import kept_rows

DAY = date(2026, 5, 20)


def _write(home: Path, number: int, values: list[int], day: date = DAY) -> None:
    folder = kept_rows.day_folder(home, "shop", day)
    kept_rows.write_rows(folder, f"p_{number:08d}_{len(values)}", pa.table({"a": values}))


def _read(home: Path, *days: date) -> list[int]:
    rows = kept_rows.live_rows(home, "shop", days or None)
    return [] if rows is None else sorted(rows["a"].to_pylist())


def test_days_are_read_by_their_names(tmp_path: Path) -> None:
    _write(tmp_path, 1, [1, 2])
    _write(tmp_path, 2, [3], date(2026, 5, 21))
    (tmp_path / kept_rows.FOLDER / "shop" / "notes").mkdir()
    assert kept_rows.days_kept(tmp_path, "shop") == [DAY, date(2026, 5, 21)]
    assert _read(tmp_path) == [1, 2, 3]
    assert _read(tmp_path, DAY) == [1, 2]
    assert _read(tmp_path, date(2026, 1, 1)) == []
    assert kept_rows.live_rows(tmp_path, "none") is None


def test_merged_files_hold_the_same_rows(tmp_path: Path) -> None:
    for number in range(5):
        _write(tmp_path, number, [number])
    folder = kept_rows.day_folder(tmp_path, "shop", DAY)
    assert not kept_rows.merge_if_many(folder)
    assert kept_rows.merge_past(tmp_path, "shop", before=DAY) == 0
    assert kept_rows.merge_past(tmp_path, "shop", before=date(2026, 5, 21)) == 1
    assert [path.suffix for path in folder.iterdir()] == [".parquet"]
    _write(tmp_path, 9, [9])
    assert _read(tmp_path) == [0, 1, 2, 3, 4, 9]
    assert kept_rows.merge_past(tmp_path, "shop", before=date(2026, 5, 21)) == 1
    assert _read(tmp_path) == [0, 1, 2, 3, 4, 9]
    assert kept_rows.merge_past(tmp_path, "shop", before=date(2026, 5, 21)) == 0


def test_a_merge_that_was_killed_leaves_no_row_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        _write(tmp_path, number, [number])
    folder = kept_rows.day_folder(tmp_path, "shop", DAY)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            kept_rows.merge(folder, sorted(folder.iterdir()))
    assert len([path for path in folder.iterdir() if path.suffix == ".arrow"]) == 3
    assert _read(tmp_path) == [0, 1, 2]
    kept_rows.merge_past(tmp_path, "shop", before=date(2026, 5, 21))
    assert _read(tmp_path) == [0, 1, 2]
    assert len(list(folder.glob("*.arrow"))) == 0


def test_a_column_that_some_files_lack_is_null_there(tmp_path: Path) -> None:
    _write(tmp_path, 1, [1])
    folder = kept_rows.day_folder(tmp_path, "shop", DAY)
    kept_rows.write_rows(folder, "p_00000002_1", pa.table({"a": [2], "b": ["x"]}))
    rows = kept_rows.live_rows(tmp_path, "shop", columns=["b", "c"])
    assert rows is not None
    assert sorted(rows["b"].to_pylist(), key=str) == [None, "x"]
    assert rows.column_names == ["b"]


def test_a_merge_holds_some_rows_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "_GROUP", 2)
    _write(tmp_path, 1, [1, 2])
    folder = kept_rows.day_folder(tmp_path, "shop", DAY)
    kept_rows.write_rows(folder, "p_00000002_1", pa.table({"a": [3], "b": ["x"]}))
    _write(tmp_path, 3, [4, 5])
    for number in (9, 10):  # small files, then a large one beside a small one
        kept_rows.merge_past(tmp_path, "shop", before=date(2026, 5, 21))
        (merged,) = folder.iterdir()
        assert pq.ParquetFile(merged).num_row_groups > 1
        rows = kept_rows.live_rows(tmp_path, "shop")
        assert rows is not None
        found = [(row["a"], row["b"]) for row in rows.sort_by("a").to_pylist()]
        assert found[:5] == [(1, None), (2, None), (3, "x"), (4, None), (5, None)]
        assert len(found) == number - 4
        _write(tmp_path, number, [number])
