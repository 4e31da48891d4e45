from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from pydantic import ValidationError

from mlsys.checks import CHECKS
from mlsys.checks.base import Summaries
from mlsys.testing.checks import SCHEMA, good_frame, summaries
from mlsys.validation.gx_suite import run_suite


def outcome(rule: dict[str, object], frame: pd.DataFrame):
    return run_suite(frame, [CHECKS.parse(rule)], SCHEMA, name="rules").outcomes[0]


@pytest.mark.parametrize(
    ("tried", "meant"), [("regex", "matches"), ("range", "between"), ("nullability", "not_null"), ("betwen", "between")]
)
def test_a_near_name_is_hinted(tried: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        CHECKS.parse({"kind": tried, "column": "id"})


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "between", "column": "size"},
        {"kind": "between", "column": "size", "min": 2, "max": 1},
        {"kind": "between", "column": "size", "min": True},
        {"kind": "between", "column": "sent", "min": date(2026, 3, 2), "max": "2026-03-01T23:00:00Z"},
        {"kind": "between", "column": "sent", "min": "soon"},
        {"kind": "length", "column": "name"},
        {"kind": "length", "column": "name", "min": 3, "max": 2},
        {"kind": "in_set", "column": "kind", "values": ()},
        {"kind": "matches", "column": "name", "regex": "("},
        {"kind": "unique"},
        {"kind": "unique", "column": "id", "columns": ("id",)},
        {"kind": "row_count"},
        {"kind": "row_count", "min_rows": 3, "max_rows": 2},
        {"kind": "recency", "max_age": "soon"},
        {"kind": "unique_key", "max_share": 2.0},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CHECKS.parse(rule)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"kind": "between", "column": "kind", "min": 0}, "category"),
        ({"kind": "between", "column": "sent", "min": 0}, "times"),
        ({"kind": "between", "column": "size", "min": "2026-03-01"}, "numbers"),
        ({"kind": "in_set", "column": "kind", "values": (True, False)}, "quote"),
        ({"kind": "in_set", "column": "id", "values": (1, True)}, "True"),
        ({"kind": "matches", "column": "size", "regex": "1"}, "number"),
        ({"kind": "length", "column": "id", "min": 1}, "integer"),
        ({"kind": "compare_columns", "column": "id", "other": "name", "operator": "equal"}, "text"),
        ({"kind": "compare_columns", "column": "id", "other": "nam", "operator": "equal"}, "'name'"),
        ({"kind": "unique", "columns": ("id", "nothing")}, "nothing"),
    ],
)
def test_a_rule_that_does_not_suit_its_column_says_why(rule: dict[str, object], words: str) -> None:
    assert words in str(CHECKS.parse(rule).misfit(SCHEMA))


def test_a_date_of_yaml_is_an_instant_in_utc() -> None:
    rule = CHECKS.parse({"kind": "between", "column": "sent", "min": date(2026, 3, 1), "max": datetime(2026, 3, 2)})
    assert rule.title == "sent between 2026-03-01 and 2026-03-02T00:00:00+00:00"
    assert outcome(rule.model_dump(), good_frame()).state == "pass"


@pytest.mark.parametrize("name", ["size", "id", "kind", "sent"])
def test_missing_values_break_only_not_null(name: str) -> None:
    frame = good_frame()
    frame.loc[0, name] = None
    rules = {
        "size": {"kind": "between", "column": "size", "min": 0},
        "id": {"kind": "unique", "column": "id"},
        "kind": {"kind": "in_set", "column": "kind", "values": ("x",)},
        "sent": {"kind": "compare_columns", "column": "seen", "other": "sent", "operator": "greater"},
    }
    assert outcome(rules[name], frame).state == "pass"


def test_both_rows_of_a_pair_break_uniqueness() -> None:
    frame = good_frame()
    frame.loc[4, "id"] = 1
    assert outcome({"kind": "unique", "column": "id"}, frame).positions.tolist() == [1, 4]


def test_uniqueness_is_kept_apart_by_partition() -> None:
    frame = good_frame()
    frame.loc[4, "id"] = 1
    frame["_day"] = [0, 0, 0, 1, 1, 1]
    assert outcome({"kind": "unique", "column": "id"}, frame).state == "pass"


def test_a_wrong_type_fails_without_naming_rows() -> None:
    found = outcome({"kind": "of_type", "column": "size", "type": "text"}, good_frame())
    assert (found.state, found.positions, found.message) == ("fail", None, "found float64")


def test_a_rule_that_cannot_be_applied_is_an_error_with_its_reason() -> None:
    found = outcome({"kind": "not_null", "column": "size"}, good_frame().drop(columns="size"))
    assert found.state == "error"
    assert "size" in found.message


def test_values_that_cannot_be_compared_are_an_error() -> None:
    frame = good_frame().assign(size="text")
    found = outcome({"kind": "between", "column": "size", "min": 0}, frame)
    assert found.state == "error"
    assert found.message


@pytest.mark.parametrize(("n_rows", "state"), [(9, "fail"), (10, "pass"), (20, "pass"), (21, "fail")])
def test_row_count_has_limits_that_belong_to_it(n_rows: int, state: str) -> None:
    rule = CHECKS.parse({"kind": "row_count", "min_rows": 10, "max_rows": 20})
    assert rule.judge(summaries(n_rows)).state == state


@pytest.mark.parametrize(("hours", "state"), [(36, "pass"), (36.1, "fail")])
def test_recency_is_measured_in_data_time(hours: float, state: str) -> None:
    rule = CHECKS.parse({"kind": "recency", "max_age": "36h"})
    newest = datetime(2026, 3, 2, tzinfo=UTC) - timedelta(hours=hours)
    assert rule.judge(summaries(newest_event=newest)).state == state


def test_recency_without_event_times_is_inconclusive() -> None:
    assert CHECKS.parse({"kind": "recency", "max_age": "36h"}).judge(summaries()).state == "inconclusive"


def test_row_count_without_partitions_is_inconclusive() -> None:
    empty = Summaries((), datetime(2026, 3, 2, tzinfo=UTC), 0)
    assert CHECKS.parse({"kind": "row_count", "min_rows": 1}).judge(empty).state == "inconclusive"


@pytest.mark.parametrize(("n", "state"), [(10, "pass"), (11, "fail")])
def test_repeated_keys_are_a_share_of_all_rows(n: int, state: str) -> None:
    rule = CHECKS.parse({"kind": "unique_key", "max_share": 0.1})
    assert rule.judge(summaries(100, n_duplicate_keys=n)).state == state
