"""A grid gives every combination of its values, and what a model can't be is said with its key path."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.shop import SPEC

from mlsys.models.catboost_model import CatBoost
from mlsys.models.logistic import Logistic
from mlsys.spec import parse_dump, resolve
from mlsys.spec.grids import Grid, misfits, points


def test_every_combination_is_a_point_and_the_rest_stays() -> None:
    own = Logistic(max_iter=77, name="mine")
    found = list(points(own, {"C": (0.1, 1.0), "class_weight": (None, "balanced")}))
    assert [(each.C, each.class_weight) for each in found] == [
        (0.1, None),
        (0.1, "balanced"),
        (1.0, None),
        (1.0, "balanced"),
    ]
    assert {(each.max_iter, each.label) for each in found} == {(77, "mine")}


@pytest.mark.parametrize(
    ("name", "grid", "where", "says"),
    [
        ("logistc", {"C": (0.1, 1.0)}, "tuning.grid.logistc", "Did you mean 'logistic'"),
        ("logistic", {"c": (0.1, 1.0)}, "tuning.grid.logistic.c", "`logistic` has no 'c'"),
        ("logistic", {"C": (0.1, -1.0)}, "tuning.grid.logistic.C", "greater than 0"),
        ("logistic", {"C": (0.1,)}, "tuning.grid.logistic", "2 to 1,000 combinations, not 1"),
        ("logistic", {"C": ()}, "tuning.grid.logistic", "not 0"),
        ("catboost", {"depth": tuple(range(1, 50)), "rsm": (0.5,) * 50}, "tuning.grid.catboost", "not 2,450"),
    ],
)
def test_what_does_not_fit_is_said(name: str, grid: Grid, where: str, says: str) -> None:
    errors = list(misfits({name: grid}, (Logistic(), CatBoost())))
    assert len(errors) == 1
    assert errors[0].context is not None
    assert errors[0].context["where"] == where
    assert says in errors[0].message()


def test_a_grid_that_fits_is_no_error() -> None:
    assert not list(misfits({"logistic": {"C": (0.1, 1.0)}}, (Logistic(),)))


def fingerprint(path: Path, tuning: str) -> str:
    path.write_text(f"{SPEC}tuning: {tuning}\n", encoding="utf-8")
    return resolve(path).fingerprint


def test_a_spec_without_a_grid_and_a_budget_has_the_fingerprint_that_it_had(tmp_path: Path) -> None:
    before_there_were_any = "61130159763b6c6deeee21274189c88d7eed894bf123176b87647f8ec3d1cc63"
    path = tmp_path / "shop.yaml"
    assert fingerprint(path, "{enabled: true}") == before_there_were_any
    assert fingerprint(path, "{enabled: true, budget: null, grid: {}}") == before_there_were_any
    assert resolve(path).dump()["spec"]["tuning"] == {"enabled": True, "trials": 20}


def test_a_grid_and_a_budget_are_part_of_the_fingerprint_and_of_the_stored_spec(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    texts = ("{enabled: true}", "{enabled: true, budget: 10m}", "{enabled: true, grid: {logistic: {C: [0.1, 1.0]}}}")
    assert len({fingerprint(path, text) for text in texts}) == 3
    spec = resolve(path).spec
    assert parse_dump(spec.dump()) == spec
