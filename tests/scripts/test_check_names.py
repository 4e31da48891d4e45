"""Banned names, shadowing modules and wall clocks are found."""

from __future__ import annotations

from pathlib import Path

import check_names
import pytest


def findings(root: Path) -> list[str]:
    return [finding.text(root) for finding in check_names.check(root)]


def test_a_project_with_good_names_has_no_findings(project):
    assert findings(project) == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("mlsys/utils.py", "", "mlsys/utils.py:1: a module called utils"),
        ("mlsys/common/store.py", "", "mlsys/common:1: a module called common"),
        ("mlsys/store.py", "class StoreManager:\n    pass", "mlsys/store.py:1: class StoreManager"),
        ("mlsys/secrets.py", "", "mlsys/secrets.py:1: secrets is also a module"),
        ("mlsys/models/xgboost.py", "", "mlsys/models/xgboost.py:1: xgboost is also a module"),
        ("plugins/airflow/a.py", "", "plugins/airflow:1: airflow is also a module"),
        ("mlsys/store.py", "import datetime\nx = datetime.datetime.now()", "mlsys/store.py:2: datetime.now reads"),
        ("mlsys/store.py", "from datetime import date\nx = date.today()", "mlsys/store.py:2: date.today reads"),
        ("dags/a.py", "import time\nx = time.time()", "dags/a.py:2: time.time reads"),
        ("mlsys/store.py", "from time import time_ns", "mlsys/store.py:1: time.time_ns reads"),
        ("mlsys/store.py", "import pandas as pd\nx = pd.Timestamp.now()", "mlsys/store.py:2: Timestamp.now reads"),
    ],
)
def test_a_bad_name_or_clock_is_found(project, plant, name, text, expected):
    plant(name, text)
    assert any(expected in line for line in findings(project))


@pytest.mark.parametrize("text", ["class Outcome:\n    pass", 'Outcome = Literal["good", "bad"]'])
def test_a_name_that_means_two_things_is_found(project, plant, text):
    plant("mlsys/gates/verdicts.py", "class Outcome:\n    pass\n\n\nclass _Private:\n    pass")
    plant("mlsys/monitors/verdicts.py", f"{text}\n\n\nclass _Private:\n    pass")
    found = findings(project)
    assert len(found) == 1
    assert "Outcome is also in" in found[0]
    assert "gates/verdicts.py" in found[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mlsys/clock.py", "from datetime import datetime\nx = datetime.now()"),
        ("mlsys/store.py", "import time\nfrom mlsys import clock\nx = time.perf_counter(), clock.now()"),
        ("tests/serving/test_x.py", "import time\nx = time.time()"),
    ],
)
def test_a_good_name_or_clock_is_left_alone(project, plant, name, text):
    plant(name, text)
    assert findings(project) == []
