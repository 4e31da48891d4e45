"""Tables as people have them: encodings, headers, names, keys, targets, sizes, and where they lie."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from given.odd_tables import each, plain, times, with_columns, write_csv

from mlsys.errors import DataError, UsageError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("work")]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("cp1252", "cp1252"),
        ("latin-1", "cp1252"),
        ("utf-16", "utf-8"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_encodings(drafted, tmp_path: Path, encoding: str, declared: str) -> None:
    columns = plain()
    columns["channel"] = ["Übersee" if value == "store" else value for value in columns["channel"]]
    made = drafted(write_csv(tmp_path / "t.csv", columns, encoding=encoding))
    assert made.spec.source.encoding == declared  # a byte order mark says it by itself
    assert "Übersee" in made.found.columns["channel"].profile.values
    assert "customer_id" in made.spec.columns


def test_a_byte_far_down_changes_the_encoding(drafted, tmp_path: Path) -> None:
    columns = plain(40_000)
    columns["channel"] = ["caf\xe9" if n == 39_990 else value for n, value in enumerate(columns["channel"])]
    made = drafted(write_csv(tmp_path / "t.csv", columns, encoding="latin-1"))
    assert made.spec.source.encoding == "cp1252"


def test_a_table_without_header(drafted, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", plain(), header=False)
    made = drafted(path, target="column_5")
    assert made.spec.source.header == ("column_1", "column_2", "column_3", "column_4", "column_5")
    assert made.found.table.n_rows == 400


def test_a_header_of_numbers_beside_words_is_one(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns = {
        "customer_id": columns["customer_id"],
        "2024": columns["amount"],
        "2025": columns["visits"],
        "bought": columns["bought"],
    }
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert made.spec.source.header is None
    assert "2024" in made.spec.columns


def test_a_name_twice_and_a_column_without_name_are_not_read(drafted, tmp_path: Path) -> None:
    columns = list(plain().items())
    path = write_csv(tmp_path / "t.csv", [*columns[:2], ("amount", columns[2][1]), ("", columns[2][1]), *columns[3:]])
    made = drafted(path)
    assert "amount" not in made.spec.columns
    assert "the header has it twice" in made.text
    assert "it has no name" in made.text
    with pytest.raises(UsageError, match=r"'amount' can't be read: the header has it twice"):
        drafted(path, target="amount")


@pytest.mark.parametrize(
    "name",
    [
        "on",
        "no",
        "y",
        "null",
        "~",
        "1.5",
        "a b",
        "a.b",
        "größe",
        "名前",
        "a: b",
        "# x",
        "a,b",
        "{a",
        "'q'",
        "01",
        "1e3",
        "a\nb",
    ],
)
def test_names_that_yaml_takes_for_something_else(drafted, tmp_path: Path, name: str) -> None:
    columns = plain()
    renamed = {name if known == "visits" else known: values for known, values in columns.items()}
    made = drafted(write_csv(tmp_path / "t.csv", renamed), target="bought")
    assert name in made.spec.feature_columns()


def test_such_names_in_every_role(drafted, tmp_path: Path) -> None:
    columns = plain()
    renamed = dict(zip(["no", "on", "null", "yes", "y"], columns.values(), strict=True))
    made = drafted(write_csv(tmp_path / "t.csv", renamed), key=("no",), target="y")
    assert (made.spec.key, made.spec.target.column) == (("no",), "y")


def test_names_that_mlsys_keeps_for_itself_are_not_read(drafted, tmp_path: Path) -> None:
    columns = with_columns(plain(), _key=each(plain(), lambda n: n), _day=each(plain(), lambda n: n % 9))
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert not {"_key", "_day"} & set(made.spec.columns)
    assert "rename it where it is made" in made.text


def test_a_key_that_repeats_groups_the_rows(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["customer_id"] = each(columns, lambda n: f"C{n % 90:03d}")
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert (made.spec.split.kind, made.spec.split.group_column) == ("group", "customer_id")
    assert made.spec.key == ()
    again = drafted(write_csv(tmp_path / "t.csv", columns), key=("customer_id",))
    assert again.spec.split.group_column == "customer_id"
    assert "its values repeat" in again.text


def test_with_the_time_a_key_that_repeats_names_a_row(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["customer_id"] = each(columns, lambda n: f"C{n % 90:03d}")
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, seen=times(columns, "%Y-%m-%d %H:%M"))))
    assert made.spec.key == ("customer_id", "seen")
    assert made.spec.split.kind == "time"


def test_without_a_key_it_says_so(drafted, tmp_path: Path) -> None:
    columns = plain()
    del columns["customer_id"]
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert made.spec.key == ()
    assert "# key: <column>" in made.text


def test_a_rare_class(drafted, tmp_path: Path) -> None:
    made = drafted(write_csv(tmp_path / "t.csv", plain(6000, share=0.01)))
    assert made.spec.metrics.primary == "pr_auc"
    assert made.spec.metrics.threshold < 0.1
    assert made.spec.split.holdout > 0.3  # else too few of the class to judge by
    assert "1.0 % are positive" in made.text


def test_rows_without_a_label_are_counted(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["bought"] = ["" if n % 4 == 0 else value for n, value in enumerate(columns["bought"])]
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert "100 rows without a label" in made.text


def test_two_possible_targets_are_asked(drafted, tmp_path: Path) -> None:
    columns = plain()
    path = write_csv(tmp_path / "t.csv", with_columns(columns, churned=each(columns, lambda n: n % 2)))
    with pytest.raises(UsageError, match=r"churned or bought could be it.*--target"):
        drafted(path)
    assert drafted(path, ask=lambda question: question.choices[1]).spec.target.column == "bought"
    assert drafted(path, target="churned", positive="0").spec.target.positive == "0"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda n: "same", "the same value in every row"),
        (lambda n: "", "missing in every row"),
        (lambda n: f"a sentence that says {n}", "400 different texts in 400 rows"),
        (lambda n: "a" if n else "b", "Only 1 row of 400 have the class 'b'"),
        (lambda n: "ab"[n % 2] if n < 20 else "", "20 have a label"),
    ],
)
def test_targets_of_which_no_model_can_be_made(drafted, tmp_path: Path, values, message: str) -> None:
    columns = plain()
    columns["bought"] = each(columns, values)
    with pytest.raises((UsageError, DataError), match=message):
        drafted(write_csv(tmp_path / "t.csv", columns), target="bought")


@pytest.mark.parametrize(("n", "message"), [(3, "3 have a label"), (0, "no rows")])
def test_tables_of_almost_nothing(drafted, tmp_path: Path, n: int, message: str) -> None:
    columns = {name: values[:n] for name, values in plain().items()}
    columns["bought"] = ["yes", "no", "no"][:n]
    with pytest.raises(DataError, match=message):
        drafted(write_csv(tmp_path / "t.csv", columns), target="bought")


def test_an_empty_file(drafted, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(DataError, match=r"The file is empty"):
        drafted(tmp_path / "t.csv")


@pytest.mark.slow
def test_five_hundred_columns(drafted, tmp_path: Path) -> None:
    columns = plain()
    wide = {f"f{k}": each(columns, lambda n, k=k: (n * 37 + k * n % 11) % 97 / 7) for k in range(495)}
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, **wide)))
    assert len(made.spec.columns) == 500
    assert len(made.spec.checks.rules) == 200
    assert "more could be written" in made.text


def test_forty_columns(drafted, tmp_path: Path) -> None:
    columns = plain()
    more = {
        f"m{k}": each(columns, lambda n, k=k: ["a", "b", "c"][(n + k) % 3] if k % 2 else n * k % 50) for k in range(35)
    }
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, **more)))
    assert len(made.spec.columns) == 40
    assert {rule.kind for rule in made.spec.checks.rules} >= {
        "between",
        "in_set",
        "not_null",
        "unique_key",
        "row_count",
    }


def test_daily_files_have_their_day_in_their_names(drafted, tmp_path: Path) -> None:
    columns = plain(900)
    for day in range(30):
        part = {name: values[day * 30 : day * 30 + 30] for name, values in columns.items()}
        write_csv(tmp_path / "drops" / f"orders-2025-03-{day + 1:02d}.csv", part)
    made = drafted(tmp_path / "drops")
    assert made.spec.source.path.endswith("/drops/*.csv")
    assert made.spec.source.day_pattern is not None
    assert made.spec.split.kind == "time"
    assert drafted(tmp_path / "drops" / "orders-*.csv").spec.source.timed


def test_a_column_asked_for_goes_before_the_days_in_names(drafted, tmp_path: Path) -> None:
    columns = with_columns(plain(900), ordered=times(plain(900), "%Y-%m-%dT%H:%M:%SZ", hours=0.8))
    for day in range(30):
        part = {name: values[day * 30 : day * 30 + 30] for name, values in columns.items()}
        write_csv(tmp_path / "drops" / f"orders-2025-03-{day + 1:02d}.csv", part)
    source = drafted(tmp_path / "drops", time="ordered").spec.source
    assert (source.day_pattern, source.event_time) == (None, "ordered")


def test_files_of_which_one_lacks_a_column(drafted, tmp_path: Path) -> None:
    columns = plain(400)
    write_csv(tmp_path / "d" / "a.csv", {name: values[:200] for name, values in columns.items() if name != "visits"})
    write_csv(tmp_path / "d" / "b.csv", {name: values[200:] for name, values in columns.items()})
    made = drafted(tmp_path / "d")
    assert "visits" not in made.spec.columns
    assert "1 of 2 files have it" in made.text


def test_parquet(drafted, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = with_columns(plain(), member=each(plain(), lambda n: n % 3 == 0), tags=each(plain(), lambda n: [n]))
    columns["visits"] = [None if n % 5 == 0 else value for n, value in enumerate(columns["visits"])]
    columns["bought"] = [value == "yes" for value in columns["bought"]]
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    made = drafted(tmp_path / "t.parquet", target="bought")
    assert {n: c.type for n, c in made.spec.columns.items()} == {
        "customer_id": "category",
        "amount": "number",
        "visits": "integer",
        "channel": "category",
        "member": "boolean",
        "bought": "boolean",
    }
    assert "which no column can hold" in made.text
    assert made.spec.target.positive == "True"


def test_a_database_of_several_tables(drafted, tmp_path: Path) -> None:
    columns = with_columns(plain(), seen=times(plain(), "%Y-%m-%d %H:%M:%S"))
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute(
            "CREATE TABLE orders (customer_id TEXT, amount REAL, visits INTEGER, channel TEXT, seen TEXT, bought TEXT)"
        )
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", zip(*columns.values(), strict=True))
        database.execute("CREATE TABLE other (x INTEGER)")
    database.close()
    with pytest.raises(UsageError, match=r"2 tables.*--table: orders or other"):
        drafted(tmp_path / "shop.db")
    made = drafted(tmp_path / "shop.db", table="orders")
    assert made.spec.source.table == "orders"
    assert made.spec.source.event_time == "seen"
    assert drafted(f"sqlite:///{tmp_path}/shop.db", table="orders").spec.source.kind == "sql"
    with pytest.raises(UsageError, match=r"no table 'ordres'. Did you mean 'orders'"):
        drafted(tmp_path / "shop.db", table="ordres")


def test_seconds_since_1970_in_a_database_are_a_time(drafted, tmp_path: Path) -> None:
    columns = with_columns(plain(), created_at=each(plain(), lambda n: 1_735_689_600 + 21_600 * n))
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute(
            "CREATE TABLE t (customer_id TEXT, amount REAL, visits INT, channel TEXT, created_at INT, bought TEXT)"
        )
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", zip(*columns.values(), strict=True))
    database.close()
    made = drafted(tmp_path / "shop.db")
    assert made.spec.source.event_time == "created_at"
    assert made.spec.columns["created_at"].type == "timestamp"


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere.csv", "no such file"),
        ("nothing-*.csv", "No file matches"),
        ("postgresql://me:secret@host/db", r"password would be written.*\$\{DB_PASSWORD\}"),
        ("https://example.org/a.csv", "Files are read from this machine"),
    ],
)
def test_places_that_hold_no_table(drafted, tmp_path: Path, place: str, message: str) -> None:
    with pytest.raises((UsageError, DataError), match=message):
        drafted(place if "://" in place else tmp_path / place)


def test_a_path_below_the_home_moves_with_it(drafted, work) -> None:
    path = write_csv(work.home / "incoming" / "t [1].csv", plain())
    made = drafted(path)
    assert made.spec.source.path.startswith("${MLSYS_HOME}/incoming/t ")


def test_inch_marks_are_text(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["channel"] = ['7" pipe' if value == "web" else value for value in columns["channel"]]
    rows = ["\t".join(columns), *("\t".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (tmp_path / "t.tsv").write_text("\n".join(rows) + "\n")
    made = drafted(tmp_path / "t.tsv")
    assert made.spec.source.quote == '"'  # a mark inside a value is no doubt
    columns["channel"] = ['"A" pipe' if value == "web" else value for value in columns["channel"]]
    columns["channel"] = ['"A" pipe' if n % 3 == 0 else value for n, value in enumerate(columns["channel"])]
    rows = ["\t".join(columns), *("\t".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (tmp_path / "t.tsv").write_text("\n".join(rows) + "\n")
    made = drafted(tmp_path / "t.tsv")
    assert made.spec.source.quote == "none"
    assert made.found.table.n_rows == 400


def test_a_line_for_spreadsheets_is_refused(drafted, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", plain(), separator=";")
    path.write_text("sep=;\n" + path.read_text())
    with pytest.raises(DataError, match="tells a spreadsheet the separator"):
        drafted(path)


def test_sentinel_times(drafted, tmp_path: Path) -> None:
    columns = plain()
    until = each(columns, lambda n: "9999-12-31" if n % 3 else "2025-06-01")
    seen = ["9999-12-31 00:00" if n == 7 else value for n, value in enumerate(times(columns, "%Y-%m-%d %H:%M"))]
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, until=until, seen=seen)), time="seen")
    assert made.spec.columns["until"].latest is not None
    assert made.spec.columns["seen"].latest is None
    assert "1 value can't be read" in made.text.replace("1 value or line", "1 value")
    assert made.spec.split.kind == "time"


def test_doubts_are_said(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["visits"] = ["12 times" if n == 5 else 9999 if n % 10 == 0 else v for n, v in enumerate(columns["visits"])]
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert [remark.partition(":")[0] for remark in made.found.remarks] == ["visits", "visits"]
    assert "1 value can't be read: '12 times'" in made.line("visits:") or "12 times" in made.text
