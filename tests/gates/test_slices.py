"""Slices: found where they are, judged on rows that the search has not seen, and as seldom by chance as promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from given.judged_rows import COLUMNS, judged_rows

from mlsys.gates.means import mean_of
from mlsys.gates.slices import Slices
from mlsys.gates.weak_spots import weak_spots
from mlsys.metrics.scores import Scored
from mlsys.records import GateResult
from mlsys.schema import ColumnSpec
from mlsys.testing.gate_material import material, rows_of


def found(gate: Slices, seed: int = 0, n_rows: int = 1000, **world: Any) -> GateResult:
    at_validation = {**world, "per_group": 0}
    validation = judged_rows(n_rows // 2, 10_000 + seed, **at_validation)
    holdout = judged_rows(n_rows, seed, **{**world, "remembers": 0.0})
    return gate.verdict(gate.measure(material(holdout, validation=validation, columns=COLUMNS)))


@pytest.mark.parametrize("gate", [Slices(columns=("letter",), find=0), Slices()], ids=["named", "found"])
def test_a_slice_on_which_the_challenger_is_worse_fails_it(gate: Slices) -> None:
    result = found(gate, n_rows=3000, worse_on_b=2.5)
    assert (result.state, result.reason) == ("fail", "worse_on_a_slice")
    assert "letter is b" in result.sentence
    assert result.flip.startswith("Would pass with loss above the champion's on this slice at most")


def test_the_same_model_passes_whatever_the_margin() -> None:
    rows = judged_rows(1000, 1)
    same = replace(rows, challenger=rows.champion)
    gate = Slices(columns=("letter",), margin=0.0)
    assert gate.verdict(gate.measure(material(same, columns=COLUMNS))).state == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("world", [{}, {"remembers": 1.0}, {"per_group": 20}], ids=["plain", "remembers", "groups"])
def test_equal_models_fail_as_seldom_as_promised(world: dict[str, Any]) -> None:
    gate = Slices(columns=("letter",), margin=0.0, min_rows=50)
    failed = sum(found(gate, seed, 800, **world).state == "fail" for seed in range(50))
    assert failed <= 7  # of 50, 2.5 are promised at most; more have a probability of 0.004 then


def test_slices_are_corrected_for_their_number() -> None:
    one, many = Slices(columns=("letter",), find=0), Slices(columns=("letter", "other"), find=0)
    rows = judged_rows(1000, 3, worse_on_b=2.0)
    others = [f"value {i % 9}" for i in range(1000)]
    both = replace(rows, rows=rows.rows.assign(other=pd.Series(others, dtype=object)))
    measured = [gate.measure(material(both, columns=COLUMNS))["parts"] for gate in (one, many)]
    by_name = [{part["name"]: part for part in parts} for parts in measured]
    assert by_name[1]["letter is b"]["p"] > by_name[0]["letter is b"]["p"]
    assert all(part["lower"] <= part["more"] for part in measured[1])


def test_small_slices_say_too_little() -> None:
    gate = Slices(columns=("letter",), find=0, min_rows=100_000)
    measured = gate.measure(material(judged_rows(400, 1), columns=COLUMNS))
    assert measured["reason"] == "too_few_rows"


def test_nowhere_worse_is_a_pass_without_a_figure() -> None:
    rows = judged_rows(400, 1)
    perfect = replace(rows, challenger=Scored(rows.challenger.y_true, rows.challenger.y_true.astype("float64")))
    result = Slices().verdict(Slices().measure(material(perfect, columns=COLUMNS)))
    assert (result.state, result.observed) == ("pass", None)


def test_a_weak_spot_is_found_in_words_and_missing_values_are_one() -> None:
    random = np.random.default_rng(0)
    seen = pd.DataFrame({"age": np.where(random.random(600) < 0.3, np.nan, random.normal(40, 9, 600))})
    seen["note"] = pd.Series(["a text"] * 600, dtype=object)
    seen["vip"] = (random.random(600) < 0.5).astype("float64")
    columns = {"age": ColumnSpec(type="number"), "vip": ColumnSpec(type="boolean"), "note": ColumnSpec(type="text")}
    excess = seen["age"].isna().to_numpy() * 1.0 + random.normal(0, 0.1, 600) - 0.2
    spots = list(weak_spots(seen, excess, seen, columns=columns, most=1, least=30, seed=0))
    assert spots
    assert "age is missing" in spots[0][0]
    assert seen["age"][spots[0][1]].isna().all()


def test_too_few_rows_to_look_for_a_weak_spot() -> None:
    seen = pd.DataFrame({"age": [1.0, 2.0]})
    columns = {"age": ColumnSpec(type="number")}
    assert list(weak_spots(seen, np.array([0.0, 1.0]), seen, columns=columns, most=3, least=30, seed=0)) == []


def test_a_mean_of_groups_is_less_certain() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=50), 20)
    rows, groups = mean_of(values), mean_of(values, np.arange(1000) // 20)
    assert groups.value == rows.value
    assert groups.variance == pytest.approx(20 * rows.variance, rel=0.03)
    assert (groups.units, mean_of(values[:1]).variance != mean_of(values[:1]).variance) == (50, True)


def test_rows_of_one_group_alone_can_not_be_judged() -> None:
    rows = judged_rows(400, 1)
    gate = Slices(columns=("letter",), find=0, min_rows=20)
    one = replace(rows, group=np.zeros(400, dtype=np.int64))
    assert gate.measure(material(one, columns=COLUMNS))["reason"] == "too_few_rows"


def test_without_a_champion_there_is_nothing_to_measure() -> None:
    rows = judged_rows(50, 1)
    alone = rows_of(rows.challenger, None, {"letter": list(rows.rows["letter"])})
    assert "error" in Slices().measure(material(alone))
