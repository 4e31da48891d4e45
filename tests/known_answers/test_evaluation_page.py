"""The page for users names every metric and gate as the code has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsys.gates import GATES
from mlsys.metrics import METRICS

ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]
BY_NAME = {row[0].strip("`"): row for row in ROWS}


@pytest.mark.parametrize("name", METRICS.names())
def test_metric_has_its_row(name: str) -> None:
    metric, row = METRICS.parse(name), BY_NAME[name]
    assert (row[1], row[3]) == (metric.direction, metric.undefined_when)


@pytest.mark.parametrize("name", GATES.names())
def test_gate_has_its_row_with_every_key(name: str) -> None:
    row = BY_NAME[name]
    for key in GATES.find(name).model_fields.keys() - {"kind"}:
        assert f"`{key}" in row[1]


def test_no_row_names_what_does_not_exist() -> None:
    assert set(BY_NAME) == {*METRICS.names(), *GATES.names()}
