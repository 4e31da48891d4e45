"""Which rows count together, found on rows of which it is known."""

from __future__ import annotations

import numpy as np
import pytest

from mlsys.evaluation.dependence import LEVEL, tied
from mlsys.evaluation.difference import interval
from mlsys.evaluation.ties import Ties
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored
from mlsys.metrics.units import ROWS

FIRST = np.datetime64("2026-01-01")


def moved(units: np.ndarray, alike: float, seed: int = 0) -> np.ndarray:
    """Return values of which rows of a unit have a share in common: their intra-class correlation."""
    random = np.random.default_rng(seed)
    own, common = random.normal(size=units.size), random.normal(size=units.max() + 1)[units]
    values: np.ndarray = np.sqrt(1 - alike) * own + np.sqrt(alike) * common
    return values - values.mean()


def days_of(n_days: int, each: int) -> np.ndarray:
    return FIRST + np.repeat(np.arange(n_days), each).astype("timedelta64[D]")


def test_without_anything_in_common_rows_count_one_by_one_and_nothing_is_said() -> None:
    assert tied(np.ones(5), np.ones(5), Ties()) == (ROWS, None)


def test_groups_that_resemble_each_other_count_whole() -> None:
    groups = np.repeat(np.arange(100), 10)
    units, found = tied(moved(groups, 0.3), np.zeros(1000), Ties({"customer": groups}))
    assert found is not None
    assert (units.kind, units.n, found.unit, found.column, found.n_units) == ("group", 100, "group", "customer", 100)
    assert found.correlation == pytest.approx(0.3, abs=0.08)
    assert found.design_effect == pytest.approx(1 + 9 * 0.3, rel=0.25)
    assert found.effective_rows == int(1000 / found.design_effect)
    assert found.sentence.startswith(
        "Whole groups of customer count, 100 of them: rows of one resemble each other (intra"
    )


@pytest.mark.slow
def test_groups_of_independent_rows_mostly_count_row_by_row() -> None:
    groups = np.repeat(np.arange(60), 10)
    kinds = [tied(moved(groups, 0, seed), np.zeros(600), Ties({"customer": groups}))[0].kind for seed in range(300)]
    assert kinds.count("group") / 300 < LEVEL + 0.07


def test_rows_that_do_not_resemble_each_other_are_said_to_be_independent() -> None:
    groups = np.repeat(np.arange(60), 10)
    units, found = tied(moved(groups, 0, 1), np.zeros(600), Ties({"customer": groups}))
    assert units is ROWS
    assert found is not None
    assert (found.unit, found.effective_rows, found.design_effect) == ("row", 600, 1)
    assert "rows of one customer (60 of them" in found.sentence


@pytest.mark.parametrize(("asked", "kind"), [("row", "row"), ("group", "group"), ("day", "day")])
def test_what_the_spec_asks_for_is_taken_whatever_is_measured(asked: str, kind: str) -> None:
    groups, days = np.arange(300) % 30, days_of(10, 30)
    ties = Ties({"customer": groups}, days=days, asked=asked)  # type: ignore[arg-type]
    units, found = tied(moved(np.arange(300), 0), np.zeros(300), ties)
    assert units.kind == kind
    assert found is not None
    assert "the spec asks for it" in found.sentence or "as the spec asks" in found.sentence


def test_groups_that_the_split_keeps_together_count_whole_whatever_is_measured() -> None:
    groups = np.repeat(np.arange(60), 10)
    units, found = tied(moved(groups, 0, 1), np.zeros(600), Ties({"customer": groups}, kept="customer"))
    assert found is not None
    assert (units.kind, found.column) == ("group", "customer")
    assert "may resemble each other" in found.sentence
    assert found.effective_rows <= 600


def test_days_count_whole_where_they_differ_and_blocks_where_each_resembles_the_one_before() -> None:
    days = np.repeat(np.arange(60), 20)
    apart, _ = tied(moved(days, 0.2), np.zeros(1200), Ties(days=FIRST + days.astype("timedelta64[D]")))
    assert (apart.kind, apart.n) == ("day", 60)
    walk = np.cumsum(np.random.default_rng(3).normal(size=60))[days] + np.random.default_rng(4).normal(size=1200)
    units, found = tied(walk - walk.mean(), np.zeros(1200), Ties(days=FIRST + days.astype("timedelta64[D]")))
    assert found is not None
    assert (units.kind, found.unit) == ("block", "block")
    assert 8 <= units.n < 30


def test_a_customer_or_two_who_come_twice_are_not_worth_a_word() -> None:
    visits = np.maximum(np.arange(600) - 2, 0)
    assert tied(moved(visits, 0.9), np.zeros(600), Ties({"customer": visits})) == (ROWS, None)


def test_four_days_do_not_say_how_days_differ() -> None:
    days = np.repeat(np.arange(4), 100)
    assert tied(moved(days, 0.5), np.zeros(400), Ties(days=FIRST + days.astype("timedelta64[D]")))[1] is None


def test_customers_and_days_together_are_wider_than_either() -> None:
    groups, days = np.arange(2000) % 100, np.repeat(np.arange(40), 50)
    values = moved(groups, 0.2) + moved(days, 0.1, 1)
    alone = [tied(values, np.zeros(2000), ties)[0] for ties in (Ties({"c": groups}), Ties(days=days_of(40, 50)))]
    both, _ = tied(values, np.zeros(2000), Ties({"c": groups}, days=days_of(40, 50)))
    assert both.widened > 1
    assert both.spread(values).error > max(units.spread(values).error for units in alone)


def test_groups_within_a_day_add_nothing_to_the_day() -> None:
    days = np.repeat(np.arange(40), 50)
    groups = days * 5 + np.arange(2000) % 5
    both, _ = tied(moved(days, 0.3) + moved(groups, 0.1, 1), np.zeros(2000), Ties({"c": groups}, days=days_of(40, 50)))
    assert (both.kind, both.widened) == ("day", 1)


def test_copies_of_a_row_count_once_and_rows_alike_count_each() -> None:
    random, contents = np.random.default_rng(0), np.repeat(np.arange(200), 5)
    copied = (random.random(200) < 0.4)[contents] - 0.4  # a copy has the label of its row
    units, found = tied(moved(contents, 0.9), copied, Ties(contents=contents))
    assert found is not None
    assert (units.n, found.column) == (200, None)
    assert found.sentence.startswith("Each row counts once with its copies, 200 of them")
    alike = (random.random(1000) < 0.4) - 0.4  # rows alike have labels of their own
    assert tied(moved(contents, 0.9), alike, Ties(contents=contents)) == (ROWS, None)


@pytest.mark.slow
@pytest.mark.parametrize(("world", "most"), [("customers", 0.08), ("days", 0.08), ("rows", 0.08)])
def test_equal_models_pass_about_as_often_as_the_level_says(world: str, most: float) -> None:
    """By rows 17 % of customers' and 33 % of days' pass (docs/evaluation.md)."""
    n_worlds, metric, random, passes = 250, METRICS.parse("roc_auc"), np.random.default_rng(5), 0
    shared = {"customers": np.repeat(np.arange(60), 10), "days": np.repeat(np.arange(7), 86)[:600]}.get(world)
    for _ in range(n_worlds):
        y = (random.random(600) < 0.3).astype(np.int8)
        luck = [0.0 if shared is None else random.normal(0, 0.35, shared.max() + 1)[shared] for _ in range(2)]
        models = [Scored(y, 1 / (1 + np.exp(-(y - 0.5) * 2 * (1 + k) - random.normal(size=600)))) for k in luck]
        moves = [metric.influence(model) for model in models]
        assert moves[0] is not None
        assert moves[1] is not None
        ties = Ties(
            {} if world != "customers" else {"c": shared},
            days=FIRST + shared.astype("timedelta64[D]") if world == "days" else None,
        )  # type: ignore[dict-item, union-attr]
        units, _ = tied(moves[0] - moves[1], y - (models[0].y_score + models[1].y_score) / 2, ties)
        values = [metric.value(model).value or 0.0 for model in models]
        bounds = interval(metric, (models[0], models[1]), values[0] - values[1], [], units=units, level=0.95)
        passes += bounds.lower is not None and bounds.lower > 0
    assert passes / n_worlds < most
