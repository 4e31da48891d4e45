"""Every broken layer is found, with its line."""

from __future__ import annotations

from pathlib import Path

import check_imports
import pytest


def findings(root: Path) -> list[str]:
    return [finding.text(root) for finding in check_imports.check(root)]


def test_a_project_that_keeps_the_layers_has_no_findings(project):
    assert findings(project) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("mlsys/store.py", "from mlsys.spec import Spec", "mlsys/store.py:1: mlsys.store imports mlsys.spec"),
        ("mlsys/spec.py", "def f():\n    import mlsys.training", "mlsys/spec.py:2: mlsys.spec imports mlsys.training"),
        ("mlsys/report.py", "from mlsys import pipeline", "mlsys/report.py:1: mlsys.report imports mlsys.pipeline"),
        (
            "mlsys/gates/a.py",
            "from mlsys.metrics import METRICS",
            "mlsys/gates/a.py:1: mlsys.gates imports mlsys.metrics",
        ),
        ("mlsys/gates/a.py", "import mlsys.metrics.binary", "only mlsys.metrics.base is open to others"),
        ("mlsys/pipeline.py", "import airflow.sdk", "mlsys/pipeline.py:1: imports airflow"),
        ("mlsys/cli/a.py", "from mlsys.testing.catalog import X", "mlsys/cli/a.py:1: imports mlsys.testing"),
        ("mlsys/training.py", "import sklearn.pipeline", "mlsys/training.py:1: imports sklearn.pipeline at its top"),
        ("mlsys/novelty.py", "x = 1", "mlsys/novelty.py:1: mlsys.novelty stands in no layer"),
    ],
)
def test_a_forbidden_import_is_found(project, plant, name, text, expected):
    plant(name, text)
    assert any(expected in line for line in findings(project))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mlsys/gates/a.py", "from mlsys.gates.base import Base\nfrom mlsys.metrics.base import Metric"),
        ("mlsys/monitors/a.py", "from mlsys.metrics.scores import Scored"),
        ("mlsys/report/svg.py", "from mlsys.spec import Spec"),
        ("mlsys/training.py", "import pandas\n\ndef f():\n    import sklearn"),
        ("mlsys/orchestration/a.py", "import airflow.sdk\nfrom mlsys.pipeline import run"),
        ("mlsys/testing/a.py", "from mlsys.pipeline import run"),
    ],
)
def test_an_allowed_import_is_left_alone(project, plant, name, text):
    plant(name, text)
    if name.startswith(("mlsys/gates/", "mlsys/monitors/")):
        plant(
            f"{name.removesuffix('a.py')}__init__.py", f"from {name.replace('/', '.').removesuffix('.py')} import A\n"
        )
    assert findings(project) == []


def test_a_heavy_import_is_found_through_what_a_dag_file_loads(project, plant):
    plant("dags/nightly.py", "from mlsys.orchestration import builders")
    plant("mlsys/orchestration/__init__.py", "")
    plant("mlsys/orchestration/builders.py", "from mlsys import snapshot")
    plant("mlsys/snapshot.py", "import pandas as pd")
    expected = "mlsys/snapshot.py:1: imports pandas at its top, and dags/nightly.py loads this file"
    assert any(line.startswith(expected) for line in findings(project))


def test_a_heavy_import_for_types_alone_is_allowed(project, plant):
    plant("mlsys/spec.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas")
    assert findings(project) == []


def test_files_that_import_each_other_are_found(project, plant):
    plant("mlsys/report/__init__.py", "")
    plant("mlsys/report/card.py", "from mlsys.report import svg")
    plant("mlsys/report/svg.py", "def f():\n    from mlsys.report.page import style")
    plant("mlsys/report/page.py", "from mlsys.report.card import Card")
    circles = [line for line in findings(project) if "in a circle" in line]
    assert len(circles) == 1
    assert all(f"mlsys/report/{name}.py" in circles[0] for name in ("card", "svg", "page"))


def test_rooms_of_one_layer_that_import_each_other_are_found(project, plant):
    for room in ("report", "upkeep"):
        plant(f"mlsys/{room}/__init__.py", "")
    plant("mlsys/report/card.py", "from mlsys.upkeep import retention")
    plant("mlsys/upkeep/retention.py", "")
    assert findings(project) == []
    plant("mlsys/report/svg.py", "")
    plant("mlsys/upkeep/doctor.py", "from mlsys.report import svg")
    assert any("rooms of one layer import each other: report -> upkeep -> report" in line for line in findings(project))
