"""Great Expectations returns results grouped by column; each must still find its own rule."""

import pandas as pd
import pytest

from mlsys.checks import CHECKS
from mlsys.gx_suite import run_suite
from mlsys.schema import ColumnSpec

pytestmark = pytest.mark.slow

FRAME = pd.DataFrame({"a": [1, 2, 2, 9], "b": [5, 1, 5, 5], "_day": ["2026-05-01"] * 4})
SCHEMA = {name: ColumnSpec(type="integer") for name in "ab"}
RULES = {
    "b >= a": {"kind": "compare_columns", "column": "b", "other": "a", "operator": "greater_or_equal"},
    "a small": {"kind": "between", "column": "a", "min": 0, "max": 5},
    "b set": {"kind": "in_set", "column": "b", "values": (5,)},
    "a unique": {"kind": "unique", "column": "a"},
    "a known": {"kind": "not_null", "column": "a"},
    "b known": {"kind": "not_null", "column": "b"},
}
FAILING = {"b >= a": [1, 3], "a small": [3], "b set": [1], "a unique": [1, 2], "a known": [], "b known": []}


@pytest.mark.parametrize("order", [list(RULES), list(reversed(RULES)), sorted(RULES)])
def test_every_rule_gets_its_own_result_in_any_order(order: list[str]) -> None:
    rules = [CHECKS.parse(RULES[name]) for name in order]
    outcomes = run_suite(FRAME, rules, SCHEMA, name="orders").outcomes
    found = {name: list(outcome.positions) for name, outcome in zip(order, outcomes, strict=True)}
    assert found == FAILING
