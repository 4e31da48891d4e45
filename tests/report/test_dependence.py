"""Drawings of mean answers: inside their frame, whatever the numbers are."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mlsys.report.dependence import drawn


def curve(values: list[Any], answers: list[float], *, missing: bool = False) -> dict[str, Any]:
    return {
        "column": "x",
        "numbers": True,
        "values": [*values, *([None] if missing else [])],
        "answers": [[answer] for answer in answers],
        "n_missing": int(missing),
        "density": [3, 0, 1] * 8,
    }


@pytest.mark.parametrize(
    ("values", "answers"),
    [
        ([0.0, 1.0, 2.0], [0.1, 0.2, 0.3]),
        ([-5e6, 3e9], [1e6, 2.5e6]),
        ([1e-9, 2e-9], [0.5, 0.5]),
        ([7.0], [0.0]),
    ],
)
def test_lines_and_ticks_lie_inside_the_frame(values: list[float], answers: list[float]) -> None:
    found = drawn({"n_rows": 200, "classes": [], "mean": [0.5], "columns": [curve(values, answers)]})
    drawing = str(found.curves[0].drawing)
    (line,) = re.findall(r'class="line m-challenger" d="M([^"]*)"', drawing)
    points = [tuple(map(float, point.split())) for point in line.split("L")]
    assert len(points) == len(values)
    assert all(58 <= x <= 330 and 10 <= y <= 150 for x, y in points)
    assert "nan" not in drawing
    assert len(found.curves[0].points) == len(values)


def test_missing_values_stand_apart() -> None:
    answers = [0.1, 0.2, 0.9]
    found = drawn({"n_rows": 9, "classes": [], "mean": [0.5], "columns": [curve([0.0, 1.0], answers, missing=True)]})
    assert ">missing</text>" in str(found.curves[0].drawing)
    assert found.curves[0].points[-1] == ("missing", (0.9,))


def test_of_many_classes_those_that_change_most_are_drawn() -> None:
    one = curve([0.0, 1.0], [0, 0])
    one["answers"] = [[i / 100 for i in range(30)], [i / 100 + (0.2 if i in (3, 17) else 0.001 * i) for i in range(30)]]
    classes = [f"class {i}" for i in range(30)]
    found = drawn({"n_rows": 9, "classes": classes, "mean": [0.0] * 30, "columns": [one]})
    assert [s.name for s in found.series] == [f"class {i}" for i in (3, 17, 26, 27, 28, 29)]
    assert len({s.style for s in found.series}) == 6
