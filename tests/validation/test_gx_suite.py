"""Great Expectations returns results grouped by column; each must still find its own rule."""

import subprocess
import sys

import pandas as pd
import pytest

from mlsys.checks import CHECKS
from mlsys.schema import ColumnSpec
from mlsys.validation.gx_suite import run_suite

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


@pytest.mark.long
def test_great_expectations_says_nothing_where_everything_is_logged() -> None:
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "import pandas as pd\n"
        "from mlsys.checks import CHECKS\n"
        "from mlsys.validation.gx_suite import run_suite\n"
        "from mlsys.schema import ColumnSpec\n"
        "rule = CHECKS.parse({'kind': 'between', 'column': 'a', 'min': 0})\n"
        "run_suite(pd.DataFrame({'a': [1]}), [rule], {'a': ColumnSpec(type='integer')}, name='orders')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line.split(":")[1] for line in done.stderr.splitlines()] == ["mlsys.validation.gx_suite"]
