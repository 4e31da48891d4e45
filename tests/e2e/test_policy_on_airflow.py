"""The policy as its owner meets it: its sample, its DAG on a real Airflow, and the decision at the end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlsys.cli.sample_makers import make_sample
from mlsys.serving import load_champion
from mlsys.settings import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(600)]

INCLUDE = Path(__file__).parents[2] / "include"
NAME = "next_best_action"


def test_a_run_of_the_dag_ends_with_a_champion_that_chooses_actions(
    tmp_path: Path, start_stack: Callable[..., Any]
) -> None:
    home = tmp_path / "home"
    (home / "pipelines").mkdir(parents=True)
    shutil.copy(INCLUDE / "pipelines" / f"{NAME}.yaml", home / "pipelines")
    make_sample(Settings(samples=INCLUDE / "samples"), NAME, days=60, target=home / "samples")
    with start_stack(home, "retrain.py") as running:
        running.api.wait_for_dag(f"retrain_{NAME}", seconds=120)
        run_id = running.api.trigger(f"retrain_{NAME}", partition_key="2026-04-29")
        run = running.api.wait_for_run(f"retrain_{NAME}", run_id, seconds=400)
        assert run["state"] == "success"
        assert running.api.xcom(f"retrain_{NAME}", run_id, "promote")["changed"]
        champion = load_champion(NAME, home=home)
    assert champion.task == "policy"
    assert champion.actions[0] == "first_call"
