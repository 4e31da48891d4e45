"""The split that suits, and a holdout that is large enough to decide by."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.drafting.roles import Roles
from mlsys.drafting.sides import sides

LAST = date(2026, 3, 31)


def target(n: int, rare: float = 0.4) -> SimpleNamespace:
    return SimpleNamespace(n_labelled=n, counts={"a": n - round(rare * n), "b": round(rare * n)})


def days(rows: list[int]) -> dict[date, float]:
    return {LAST - timedelta(days=age): n for age, n in enumerate(rows)}


@pytest.mark.slow
@given(st.lists(st.integers(1, 100), min_size=10, max_size=80))
def test_a_split_by_time_leaves_most_rows_for_training(rows: list[int]) -> None:
    found = sides(Roles(time="t"), target(sum(rows)), days(rows), LAST)
    if found.rule["kind"][0] == "time":
        judged = found.rule["holdout_days"][0] + found.rule["validation_days"][0]
        assert sum(rows[judged:]) >= 0.4 * sum(rows)
        assert sum(rows[: found.rule["holdout_days"][0]]) >= 0.15 * sum(rows)
        assert found.holdout == pytest.approx(sum(rows[: found.rule["holdout_days"][0]]) / sum(rows))


def test_a_few_days_are_split_by_hash() -> None:
    assert sides(Roles(time="t"), target(900), days([300, 300, 300]), LAST).rule["kind"][0] == "hash"


def test_sixty_even_days_are_split_by_time() -> None:
    rule = sides(Roles(time="t"), target(6000), days([100] * 60), LAST).rule
    assert (rule["kind"][0], rule["holdout_days"][0], rule["validation_days"][0]) == ("time", 9, 9)


@pytest.mark.parametrize(
    ("n", "rare", "share"), [(10_000, 0.4, 0.2), (600, 0.4, 0.4), (1000, 0.4, 0.25), (6000, 0.02, 0.33)]
)
def test_the_holdout_grows_where_rows_are_few(n: int, rare: float, share: float) -> None:
    assert sides(Roles(), target(n, rare), {}, None).rule["holdout"][0] == share


@pytest.mark.parametrize(
    ("n", "rare", "share"), [(10_000, 0.4, 0.1), (1000, 0.4, 0.15), (500, 0.4, 0.2), (1500, 0.1, 0.13)]
)
def test_rows_that_the_choice_does_not_need_train(n: int, rare: float, share: float) -> None:
    assert sides(Roles(), target(n, rare), {}, None).rule["validation"][0] == share


def test_keys_that_repeat_stand_on_one_side() -> None:
    assert sides(Roles(group="customer"), target(1000), {}, None).rule["column"][0] == "customer"
