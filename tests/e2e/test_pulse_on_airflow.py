"""The watchdog beside a real Airflow: what is paused and who was killed is told, whoever else is dead, too."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mlsys.orchestration.stack import processes
from mlsys.polling import ask_until
from mlsys.watchdog import airflow_database, pulse

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(500)]


@pytest.fixture(scope="module")
def running(shop_since: Callable[..., Path], start_stack: Callable[..., Any]) -> Iterator[Any]:
    """A stack whose shop had rows until yesterday."""
    with start_stack(shop_since(13, days=13), "retrain.py", "score.py", "monitor.py") as found:
        for dag_id in ("retrain_shop", "score_shop", "monitor_shop"):
            found.api.wait_for_dag(dag_id, seconds=120)
        yield found


def troubles(running: Any) -> dict[str, str]:
    return {sign.name: sign.sentence for sign in pulse.take(running.settings).signs if not sign.ok}


def test_what_runs_is_well_a_paused_dag_is_not_and_the_killed_are_named(running, monkeypatch) -> None:
    assert troubles(running) == {}
    running.api.pause("monitor_shop", paused=True)
    assert list(troubles(running)) == ["paused shop"]
    running.api.pause("monitor_shop", paused=False)
    monkeypatch.setattr(airflow_database, "SILENT", timedelta(seconds=20))  # each gives a sign every five
    for name in ("api-server", "scheduler"):  # nobody answers for Airflow any more
        child = processes.find(running.settings.root, name)
        assert child is not None
        os.killpg(child.pid, signal.SIGKILL)
    found = ask_until(bool, lambda: troubles(running), seconds=90, pause=1.0)
    assert list(found) == ["scheduler"]
    assert "the scheduler gave its last sign of life" in found["scheduler"]
    assert "no run starts" in found["scheduler"]
