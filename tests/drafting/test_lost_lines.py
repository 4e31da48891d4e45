"""Lines and values that a draft can't take in: said, and refused where most are lost."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from given.odd_tables import plain, write_csv

from mlsys.errors import DataError, UsageError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("work")]


def test_broken_lines_raise_what_is_tolerated(drafted, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", plain())
    path.write_text(path.read_text() + "a,b\n" * 12)
    made = drafted(path)
    assert made.spec.checks.tolerated_share >= 12 / 412
    assert "12 values or lines can't be read" in made.text
    assert f"12 lines or rows can't be read; the first: {path}:402: 2 fields instead of 5" in made.found.remarks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("".join(f"{n},{n},{n % 7},{'ab'[n % 2]}\n" for n in range(99)), "99 of 99 lines are no rows"),
        ("".join(f"{n},{n % 7},{'ab'[n % 2]},\n" for n in range(99)), "the line ends in a separator"),
        ("1,2,a\n" * 40 + "1,2\n" * 41, "41 of 81 lines are no rows"),
    ],
    ids=["as R writes row names", "a separator at the end", "most"],
)
def test_a_table_that_is_lost_for_the_most_part_says_why(drafted, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,x,y\n" + text)
    with pytest.raises(DataError, match=said) as caught:
        drafted(path, target="y")
    assert "fields instead of 3" in str(caught.value)


def test_a_header_between_the_rows_is_no_class(drafted, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", plain())
    header, _, rows = path.read_text().partition("\n")
    path.write_text(f"{header}\n{rows}{header}\n{rows.replace('C', 'D')}")
    made = drafted(path)
    assert made.spec.target.task == "binary"
    assert any("the header stands here again" in remark for remark in made.found.remarks)


def test_a_nul_in_a_value_is_in_no_rule(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["channel"] = ["web\0" if value == "store" else value for value in columns["channel"]]
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert "channel" in made.found.features
    columns["bought"] = [f"{value}\0" for value in columns["bought"]]
    with pytest.raises(DataError, match="A class has a NUL"):
        drafted(write_csv(tmp_path / "t.csv", columns), target="bought")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("above", ["Orders of March\n\n", "# exported\n# by hand\n"])
def test_a_title_above_the_names_is_refused(drafted, tmp_path: Path, above: str, separator: str) -> None:
    path = write_csv(tmp_path / "t.csv", plain(), separator=separator)
    path.write_text(above + path.read_text())
    with pytest.raises(DataError, match=r"do not stand in the first line.*Take out what stands above customer_id"):
        drafted(path)


def test_separators_of_unicode_in_a_value_are_no_line_ends(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["channel"] = [f"{value}\u2028\x85x" for value in columns["channel"]]
    made = drafted(write_csv(tmp_path / "t.csv", columns, separator=";"))
    assert (made.spec.source.separator, made.found.table.n_rows) == (";", 400)


def test_a_target_of_a_type_that_no_column_can_hold_says_so(drafted, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"x": range(60), "y": pa.array([b"a", b"b"] * 30)}), path)
    with pytest.raises(UsageError, match=r"'y' can't be read: its values are of type binary"):
        drafted(path, target="y")


def test_where_no_column_is_left_those_that_were_lost_are_named(drafted, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,x,y\n" + "".join(f"{n},{n},{'ab'[n % 2]}\n" for n in range(60)))
    with pytest.raises(DataError, match="x: the header has it twice"):
        drafted(path, target="y")
