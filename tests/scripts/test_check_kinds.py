"""Comparisons with a component's name are found, other comparisons are not."""

from __future__ import annotations

from pathlib import Path

import check_kinds
import pytest

FOREST = 'class Forest:\n    kind: Literal["forest"] = "forest"\n'


def findings(root: Path) -> list[str]:
    return [finding.text(root) for finding in check_kinds.check(root)]


@pytest.mark.parametrize(
    "condition",
    [
        'model.kind == "forest"',
        '"forest" != model["kind"]',
        'kind in ("forest", "other")',
        'spec.model.kind not in {"forest"}',
    ],
)
def test_a_comparison_outside_the_class_is_found(project, plant, condition):
    plant("mlsys/models/forest.py", FOREST)
    plant("mlsys/training.py", f"x = 1\nif {condition}:\n    pass\n")
    assert [line.split(": ")[:2] for line in findings(project)] == [
        ["mlsys/training.py:2", "compares a kind with 'forest'"]
    ]


def test_a_match_statement_is_found(project, plant):
    plant("mlsys/models/forest.py", FOREST)
    plant("mlsys/training.py", 'match model.kind:\n    case "forest":\n        pass\n')
    assert any(line.startswith("mlsys/training.py:2: compares a kind") for line in findings(project))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mlsys/training.py", 'if column.dtype.kind in "iuf":\n    pass\n'),
        ("mlsys/training.py", 'if model.name == "forest":\n    pass\n'),
        ("mlsys/models/forest.py", FOREST + '    def same(self):\n        return self.kind == "forest"\n'),
    ],
)
def test_other_comparisons_are_left_alone(project, plant, name, text):
    plant("mlsys/models/forest.py", FOREST)
    plant(name, text)
    assert findings(project) == []
