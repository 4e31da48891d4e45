"""What rows of a holdout have in common, from spec and data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlsys.dataset.dataset import Dataset
from mlsys.evaluation.ties import Ties, grouping, ties_of
from mlsys.spec import Spec

N_ROWS = 120
INSIDE = np.arange(N_ROWS) >= 40


def spec(**changed: Any) -> Spec:
    return Spec.model_validate(
        {
            "pipeline": "demo",
            "source": {"kind": "files", "path": "x/*.csv"},
            "schema": {
                "a": "number",
                "visitor": "category",
                "shop": "category",
                "visit": "category",
                "label": "category",
            },
            "target": {"column": "label", "positive": "yes"},
            "split": {"kind": "time"},
            "models": ({"kind": "logistic"},),
            "gates": ({"kind": "min_rows"},),
            **changed,
        }
    )


def found(of: Spec, groups: dict[str, np.ndarray], keys: np.ndarray | None = None) -> Ties:
    random = np.random.default_rng(0)
    data = Dataset(
        rows=pd.DataFrame({"a": np.zeros(N_ROWS)}),
        y=np.zeros(N_ROWS),
        key_hash=random.integers(0, 2**63, N_ROWS).astype(np.uint64) if keys is None else keys.astype(np.uint64),
        day=np.datetime64("2026-01-01") + (np.arange(N_ROWS) // 10).astype("timedelta64[D]"),
        side=np.zeros(N_ROWS, np.int8),
        target=of.target,
        groups=groups,
    )
    return ties_of(of, data, INSIDE)


def test_columns_that_may_name_groups_stand_in_the_order_in_which_they_are_asked_for() -> None:
    given = {"metrics": {"group": "visitor"}, "split": {"kind": "group", "column": "shop"}, "key": ("visitor", "visit")}
    assert grouping(spec(**given)) == ["visitor", "shop", "visit"]
    assert grouping(spec(key=("visit",))) == []
    assert grouping(spec()) == []


def test_a_key_of_several_columns_names_who_comes_again() -> None:
    visitor, visit = np.arange(N_ROWS) // 4, np.arange(N_ROWS) % 4
    ties = found(spec(key=("visitor", "visit")), {"visitor": visitor, "visit": visit})
    assert list(ties.groups) == ["visitor"]  # four visits are no entities
    assert ties.groups["visitor"].tolist() == visitor[INSIDE].tolist()
    assert ties.contents is None


def test_a_key_that_comes_again_names_a_group_and_one_that_does_not_none() -> None:
    of = spec(key=("visitor",))
    assert list(found(of, {}, np.arange(N_ROWS) // 2).groups) == ["visitor"]
    assert found(of, {}).groups == {}


def test_without_a_key_rows_of_equal_content_may_be_copies() -> None:
    contents = found(spec(), {}, np.arange(N_ROWS) // 2).contents
    assert contents is not None
    assert np.unique(contents).size == 40


def test_a_split_by_time_with_the_same_customers_on_both_sides_warns() -> None:
    of = spec(metrics={"group": "visitor"})
    warning = found(of, {"visitor": np.arange(N_ROWS) % 50}).warning
    assert warning is not None
    assert warning.startswith("75 % of the holdout's rows are of a visitor with validation rows, too")
    assert found(of, {"visitor": np.arange(N_ROWS) // 5}).warning is None  # each on one side
    assert (
        found(spec(metrics={"group": "visitor"}, split={"kind": "hash"}), {"visitor": np.arange(N_ROWS) % 50}).warning
        is None
    )


def test_what_the_spec_asks_for_is_handed_on() -> None:
    ties = found(spec(metrics={"unit": "day"}), {})
    assert ties.asked == "day"
    assert ties.days is not None
    assert ties.days.size == 80
    kept = found(spec(split={"kind": "group", "column": "shop"}), {"shop": np.arange(N_ROWS) // 40})
    assert (kept.kept, list(kept.groups)) == ("shop", ["shop"])
