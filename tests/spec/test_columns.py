"""Columns of a schema that say something wrong about themselves."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from mlsys.schema import ColumnSpec


def column(text: str) -> ColumnSpec:
    return ColumnSpec.model_validate(yaml.safe_load(text))


def test_limits_of_times_are_days() -> None:
    read = column("{type: timestamp, earliest: 1850-01-01, latest: '9999-12-31'}")
    assert (read.earliest, read.latest) == (date(1850, 1, 1), date(9999, 12, 31))
    dumped: Any = read.model_dump(mode="json")
    assert dumped == {"type": "timestamp", "earliest": "1850-01-01", "latest": "9999-12-31"}
    assert ColumnSpec.model_validate(dumped) == read


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{type: timestamp, latest: '2026-02-30'}", "A day is written YYYY-MM-DD"),
        ("{type: timestamp, latest: 2030}", "A day is written YYYY-MM-DD"),
        ("{type: timestamp, latest: 2030-01-01 10:00:00}", "A day is written YYYY-MM-DD"),
        ("{type: timestamp, earliest: 2030-01-02, latest: 2030-01-01}", "lies after `latest`"),
        ("{type: number, latest: 2030-01-01}", "limits of times; the column is declared as number"),
    ],
)
def test_other_limits_are_refused(text: str, rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        column(text)
