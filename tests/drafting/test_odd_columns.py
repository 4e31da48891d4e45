"""Columns as people write them: each quirk is declared, noted, asked or refused, and the spec passes `mlsys check`."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from given.odd_tables import each, plain, times, with_columns, write_csv

from mlsys.errors import UsageError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("work")]


def test_a_table_without_quirks(drafted, tmp_path: Path) -> None:
    made = drafted(write_csv(tmp_path / "plain.csv", plain()))
    types = {name: column.type for name, column in made.spec.columns.items()}
    assert types == {
        "customer_id": "category",
        "amount": "number",
        "visits": "integer",
        "channel": "category",
        "bought": "category",
    }
    assert made.spec.key == ("customer_id",)
    assert (made.spec.target.column, made.spec.target.positive) == ("bought", "yes")
    assert made.spec.split.kind == "hash"
    assert made.spec.drop == ()
    assert made.warnings == []


def test_semicolons_with_a_decimal_comma(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["amount"] = [f"{value:.2f}".replace(".", ",") for value in columns["amount"]]
    made = drafted(write_csv(tmp_path / "t.csv", columns, separator=";"))
    assert made.spec.source.separator == ";"
    assert made.line("amount:") == 'amount: {type: number, decimal: ","}'
    assert made.found.columns["amount"].high < 201


def test_thousands_with_points_and_a_decimal_comma(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["amount"] = [f"{value * 50:,.2f}".translate(str.maketrans(",.", ".,")) for value in columns["amount"]]
    made = drafted(write_csv(tmp_path / "t.csv", columns, separator=";"))
    amount = made.spec.columns["amount"]
    assert (amount.decimal, amount.thousands) == (",", ".")
    assert made.found.columns["amount"].high > 5000


@pytest.mark.parametrize("mark", [",", " ", "'"])
def test_thousands_in_whole_numbers(drafted, tmp_path: Path, mark: str) -> None:
    columns = plain()
    columns["visits"] = [f"{value * 997:,}".replace(",", mark) for value in columns["visits"]]
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert made.spec.columns["visits"].thousands == mark
    assert made.found.columns["visits"].high == 40 * 997


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("{:.1f}%", 'amount: {type: number, unit: "%"}'),
        ("${:,.2f}", 'amount: {type: number, thousands: ",", unit: "$"}'),
        ("{:.0f} €", 'amount: {type: integer, unit: "€"}'),
    ],
)
def test_signs_of_percent_and_of_currencies_are_units(drafted, tmp_path: Path, written: str, line: str) -> None:
    columns = plain()
    columns["amount"] = [written.format(value * 50) for value in columns["amount"]]
    made = drafted(write_csv(tmp_path / "t.csv", columns, separator=";"))
    assert made.line("amount:").startswith(line)
    assert made.found.columns["amount"].high > 5000


def test_codes_with_letters_are_no_numbers_with_units(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["amount"] = [f"Q{int(value) % 4 + 1}" for value in columns["amount"]]
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert made.spec.columns["amount"].type == "category"


def test_a_comma_before_three_digits_is_asked_where_nothing_tells(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["visits"] = [f"{value + 1},{value * 7:03d}" for value in columns["visits"]]
    columns["amount"] = [int(value) for value in columns["amount"]]
    path = write_csv(tmp_path / "t.csv", columns, separator=";")
    with pytest.raises(UsageError, match=r"column visits.*--decimal"):
        drafted(path)
    assert drafted(path, decimal=",").spec.columns["visits"].decimal == ","
    assert drafted(path, decimal=".").spec.columns["visits"].thousands == ","


def test_dates_whose_order_is_open_are_asked(drafted, tmp_path: Path) -> None:
    columns = plain()
    open_dates = each(columns, lambda number: f"{number % 12 + 1:02d}/{number % 7 + 1:02d}/2025")
    path = write_csv(tmp_path / "t.csv", with_columns(columns, seen=open_dates))
    with pytest.raises(UsageError, match=r"column seen.*day or the month first.*--dates day-first"):
        drafted(path)
    assert drafted(path, date_order="month").spec.columns["seen"].format == "%m/%d/%Y"
    questions = []

    def answer(question):
        questions.append(question)
        return "day"

    assert drafted(path, ask=answer).spec.columns["seen"].format == "%d/%m/%Y"
    assert [question.choices for question in questions] == [("day", "month")]


def test_another_column_tells_the_order_of_dates(drafted, tmp_path: Path) -> None:
    columns = plain()
    open_dates = each(columns, lambda number: f"{number % 12 + 1:02d}/{number % 7 + 1:02d}/2025")
    clear = each(columns, lambda number: f"{number % 28 + 1:02d}/11/2024")
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, first=open_dates, last=clear)), time="none")
    assert {made.spec.columns[name].format for name in ("first", "last")} == {"%d/%m/%Y"}


@pytest.mark.parametrize(
    ("pattern", "declared"),
    [
        ("%Y-%m-%d", None),
        ("%Y-%m-%dT%H:%M:%SZ", None),
        ("%Y-%m-%d %H:%M:%S+02:00", None),
        ("%Y-%m-%d %H:%M", None),
        ("%Y-%m-%d %H:%M:%S,125", None),
        ("%Y-%m-%d %H:%M:%S UTC", None),
        ("%d.%m.%Y", "%d.%m.%Y"),
        ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M"),
        ("%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"),
        ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S"),
        ("%Y%m%d", "%Y%m%d"),
        ("%Y/%m/%d", "%Y/%m/%d"),
        ("%d-%b-%Y", "%d-%b-%Y"),
        ("%d/%m/%y", "%d/%m/%y"),
    ],
)
def test_times_are_declared_with_their_format(drafted, tmp_path: Path, pattern: str, declared: str | None) -> None:
    columns = plain()
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, seen_at=times(columns, pattern))))
    assert made.spec.columns["seen_at"].type == "timestamp"
    assert made.spec.columns["seen_at"].format == declared
    assert made.spec.source.event_time == "seen_at"
    assert made.spec.split.kind == "time"
    assert made.spec.source.timezone == (None if pattern.endswith(("Z", "+02:00", "UTC")) else "UTC")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "step", "declared"),
    [
        (1_735_689_600, 21_600, "unix_seconds"),
        (1_735_689_600.5, 21_600, "unix_seconds"),
        (1_735_689_600_000, 21_600_000, "unix_milliseconds"),
        (45_658.25, 0.25, "excel_days"),
    ],
)
def test_numbers_that_count_times_are_declared_by_what_they_count(
    drafted, tmp_path: Path, first: float, step: float, declared: str
) -> None:
    columns = plain()
    counted = each(columns, lambda number: first + step * number)
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, order_date=counted)))
    column = made.spec.columns["order_date"]
    assert (column.type, column.format) == ("timestamp", declared)
    assert made.spec.source.event_time == "order_date"
    assert made.spec.source.timezone == ("UTC" if declared == "excel_days" else None)


@pytest.mark.slow
def test_numbers_of_another_name_count_no_time_unless_a_person_says_so(drafted, tmp_path: Path) -> None:
    columns = plain()
    numbers = each(columns, lambda number: 40_000 + number)
    path = write_csv(tmp_path / "t.csv", with_columns(columns, n_updates=numbers, n=each(columns, lambda i: i)))
    assert drafted(path).spec.columns["n_updates"].type == "integer"
    assert drafted(path, time="n_updates").spec.columns["n_updates"].format == "excel_days"
    with pytest.raises(UsageError, match=r"holds no times.*between 1990 and 2100"):
        drafted(path, time="n")


@pytest.mark.parametrize(
    ("true", "false"), [("oui", "non"), ("ja", "nein"), ("Y", "N"), ("TRUE", "FALSE"), ("sí", "no"), ("да", "нет")]
)
def test_booleans_in_words(drafted, tmp_path: Path, true: str, false: str) -> None:
    columns = plain()
    words = each(columns, lambda number: true if number % 3 else false)
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, member=words)))
    member = made.spec.columns["member"]
    assert member.type == "boolean"
    assert true in member.true_values
    assert false in member.false_values


@pytest.mark.parametrize(("true", "false"), [("oui", "non"), ("1", "0"), ("true", "false"), ("True", "False")])
def test_a_target_keeps_the_words_of_the_table(drafted, tmp_path: Path, true: str, false: str) -> None:
    columns = plain()
    columns["bought"] = [true if value == "yes" else false for value in columns["bought"]]
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert made.spec.target.positive == true


def test_spellings_of_missing_values(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["amount"] = [("?", "-", "NA", "")[n % 4] if n % 5 == 0 else v for n, v in enumerate(columns["amount"])]
    columns["visits"] = ["unknown" if n % 9 == 0 else value for n, value in enumerate(columns["visits"])]
    columns["channel"] = [("None", "?")[n % 2] if n % 7 == 0 else v for n, v in enumerate(columns["channel"])]
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert set(made.spec.columns["amount"].nulls) == {"", "?", "-", "NA"}
    assert made.spec.columns["amount"].type == "number"
    assert "unknown" in made.spec.columns["visits"].nulls
    assert made.spec.columns["visits"].type == "integer"
    assert made.spec.columns["channel"].nulls == ("", "?")
    assert "`None` is a value here" in made.text


def test_a_number_of_nines_far_from_all_others_is_noted(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["visits"] = [9999 if n % 10 == 0 else value for n, value in enumerate(columns["visits"])]
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert made.spec.columns["visits"].null_values is None
    assert "9999 looks like a code for missing" in made.text


def test_codes_keep_their_zeros(drafted, tmp_path: Path) -> None:
    draw = random.Random(0)
    columns = plain()
    branch = each(columns, lambda _: f"{draw.randint(1, 30):04d}")
    postcode = each(columns, lambda _: draw.choice([10115, 20095, 80331]))
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, branch=branch, zip_code=postcode)))
    assert made.spec.columns["branch"].type == "category"
    assert "zeros stand in front" in made.line("branch:")
    assert made.spec.columns["zip_code"].type == "category"


def test_an_ordinal_code_stays_a_number_with_a_note(drafted, tmp_path: Path) -> None:
    columns = plain()
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, grade=each(columns, lambda n: n % 5 + 1))))
    assert made.spec.columns["grade"].type == "integer"
    assert "`category` if their order means nothing" in made.line("grade:")


def test_columns_that_no_model_should_see(drafted, tmp_path: Path) -> None:
    draw, columns = random.Random(3), plain()
    words = ["the", "order", "came", "late", "and", "was", "returned", "again", "with", "thanks"]
    more = {
        "payload": each(columns, lambda n: json.dumps({"n": n, "tags": ["a"]})),
        "remark": each(columns, lambda _: " ".join(draw.choices(words, k=9))),
        "version": each(columns, lambda _: "v1"),
        "empty": each(columns, lambda _: ""),
        "session_key": each(columns, lambda n: f"s-{n % 350}-{n % 350 * 7}"),
        "decision": ["won" if value == "yes" else "lost" for value in columns["bought"]],
        "refund": [20 + draw.random() if value == "yes" else draw.random() for value in columns["bought"]],
    }
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, **more)), target="bought")
    reasons = {
        "payload": "JSON",
        "remark": "free text",
        "version": "the same in every row",
        "empty": "missing in every row",
        "session_key": "names things",
        "decision": "a leak?",
        "refund": "a leak?",
    }
    assert set(made.spec.drop) == set(reasons)
    for name, reason in reasons.items():
        assert reason in made.line(f"- {name}")


def test_a_value_that_is_missing_with_one_class_is_noted(drafted, tmp_path: Path) -> None:
    columns = plain()
    closed = ["a" if value == "yes" and n % 10 else "" for n, value in enumerate(columns["bought"])]
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, closed_by=closed)))
    assert "known only afterwards?" in made.text
    assert any("closed_by" in remark for remark in made.found.remarks)


def test_a_value_that_comes_with_the_label_is_noted(drafted, tmp_path: Path) -> None:
    columns = plain()
    columns["bought"] = ["" if n % 10 == 0 else value for n, value in enumerate(columns["bought"])]
    paid = ["" if n % 10 == 0 else n % 7 for n in range(400)]
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, paid=paid)))
    assert "missing mostly where the label is" in made.line("# 10 % missing") + made.line("paid:")


def test_what_a_name_says_of_a_range(drafted, tmp_path: Path) -> None:
    columns = plain()
    month = each(columns, lambda n: n % 3 + 1)
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, month=month)))
    assert made.line("- {kind: between, column: month, min: 1, max: 12")


def test_a_category_of_many_values_is_no_leak_by_itself(drafted, tmp_path: Path) -> None:
    draw, columns = random.Random(1), plain(1000)
    town = each(columns, lambda _: f"town {draw.randint(1, 60)}")
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, town=town)))
    assert made.spec.drop == ()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("\u2212{:.2f}", "a negative number begins with `-`"),
        ("({:.2f})", "a negative number begins with `-`"),
        ("<{:.2f}", "write plain numbers"),
        ("{:.2f}D+02", "write plain numbers"),
        ("$ {:.2f}", "`unit"),
        ("{} févr. 2026", "look like times that can't be read"),
        ("2026-01-02  {:.0f}:30", "look like times that can't be read"),
    ],
)
def test_numbers_and_times_that_cannot_be_read_are_not_dropped_in_silence(
    drafted, tmp_path: Path, written: str, said: str
) -> None:
    columns = plain()
    odd = [written.format(10 + n % 15) if n % 2 else f"€ {n}" if "$" in written else str(n) for n in range(400)]
    if "times" in said:
        odd = [written.format(10 + n % 15) for n in range(400)]
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, odd=odd)))
    assert made.spec.columns["odd"].type == "category"
    assert any(remark.startswith("odd: values look like") and said in remark for remark in made.found.remarks)


CODES = [
    "10.0.{}.1",
    "C{}",
    "{}-12",
    "0{}",
    "{}/3",
    "v1.{}",
    "{}",
    "+49 30 {}",
    "ordered on 3 May 2024 by customer no. {}",
]


@pytest.mark.parametrize("code", CODES)
def test_codes_look_like_neither(drafted, tmp_path: Path, code: str) -> None:
    columns = with_columns(plain(), zip_code=[code.format(n % 90) for n in range(400)])
    made = drafted(write_csv(tmp_path / "t.csv", columns))
    assert not [remark for remark in made.found.remarks if "look like" in remark]


@pytest.mark.parametrize("order", [1, -1])
def test_times_of_which_some_have_no_offset_get_a_zone(drafted, tmp_path: Path, order: int) -> None:
    columns = plain()
    mixed = [*times(columns, "%Y-%m-%dT%H:%M:%SZ")[:200], *times(columns, "%Y-%m-%d %H:%M:%S")[200:]]
    made = drafted(write_csv(tmp_path / "t.csv", with_columns(columns, seen_at=mixed[::order])))
    assert made.spec.source.timezone == "UTC"


def test_numbers_at_the_end_of_float64_are_drafted(drafted, tmp_path: Path) -> None:
    columns = with_columns(plain(), huge=[(-1e308, 1.5, 1e308)[n % 3] for n in range(400)])
    assert drafted(write_csv(tmp_path / "t.csv", columns)).spec.columns["huge"].type == "number"


def test_whole_numbers_longer_than_an_integer_keep_their_digits(drafted, tmp_path: Path) -> None:
    columns = plain()
    path = write_csv(tmp_path / "t.csv", {"no": each(columns, lambda n: 2**64 + n), **columns})
    made = drafted(path)
    assert made.spec.columns["no"].type == "category"
    assert made.found.columns["no"].profile.unique
    assert "longer than an `integer`" in made.text
