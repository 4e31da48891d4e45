"""The circle on a real Airflow and a real server: from an answer to the model that replaces the one who gave it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from given.ports import free_port

from mlsys.cli.sample_makers import load_maker
from mlsys.cli.story import CHANGES, LONGEST_DAYS, wait_for_answers, wait_until_ready
from mlsys.cli.story_load import Load, bodies
from mlsys.orchestration.api.client import AirflowApi
from mlsys.polling import ask_until
from mlsys.settings import Settings
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1500)]

INCLUDE = Path(__file__).parents[2] / "include"
NAME, REQUESTS = "phishing", 20_000
HIDDEN = ("label", "labelled_at", "takedown_ticket", "observed_at")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The sample up to the day before attackers change their tactics, and its spec with short windows."""
    home = tmp_path / "home"
    (home / "pipelines").mkdir(parents=True)
    spec = yaml.safe_load((INCLUDE / "pipelines" / f"{NAME}.yaml").read_text(encoding="utf-8"))
    spec |= {**CHANGES, "registries": ["files"], "schedule": {"enabled": False}}
    (home / "pipelines" / f"{NAME}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return home


@contextmanager
def serving(home: Path) -> Iterator[int]:
    port = free_port()
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlsys", "serve", "--port", str(port)], stdout=log, stderr=log
        )
    try:
        wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        assert process.wait(60) in (0, 130, -15)


def succeeded(api: AirflowApi, dag_id: str, run_id: str) -> None:
    run = api.wait_for_run(dag_id, run_id, seconds=400)
    assert run["state"] == "success", run


def new_champion(api: AirflowApi, load: Load, maker: Any, samples: Path) -> int:
    """Let days pass, each watched by Airflow, until the monitors' wish has brought a champion; return the last one."""
    known = {run["dag_run_id"] for run in api.runs(f"retrain_{NAME}")}
    for index in range(maker.CHANGE_DAY, maker.CHANGE_DAY + LONGEST_DAYS):
        rows = bodies(maker.drop(index).to_dict("records"), target="label", positive="phishing", hidden=HIDDEN)
        wait_for_answers(load.begin(rows), enough=len(rows))
        maker.make(samples, index + 1)
        succeeded(api, f"monitor_{NAME}", api.trigger(f"monitor_{NAME}", conf={}))
        for asked in [run for run in api.runs(f"retrain_{NAME}") if run["dag_run_id"] not in known]:
            known.add(asked["dag_run_id"])
            succeeded(api, f"retrain_{NAME}", asked["dag_run_id"])
            if (api.xcom(f"retrain_{NAME}", asked["dag_run_id"], "promote") or {}).get("changed"):
                return index
    pytest.fail("no champion came of the change")


def test_what_is_seen_in_answers_brings_the_next_champion(home: Path, start_stack: Callable[..., Any]) -> None:
    maker = load_maker(Settings(samples=INCLUDE / "samples"), NAME)
    maker.make(home / "samples", maker.CHANGE_DAY)
    with start_stack(home, "retrain.py", "monitor.py") as running:
        api = running.api
        for dag_id in (f"retrain_{NAME}", f"monitor_{NAME}"):
            api.wait_for_dag(dag_id, seconds=120)
            api.pause(dag_id, paused=False)
        succeeded(api, f"retrain_{NAME}", api.trigger(f"retrain_{NAME}", partition_key="2026-03-30"))
        with serving(home) as port:
            load = Load(port, f"/pipelines/{NAME}/predict", pause=0.0)
            with load.running():
                index = new_champion(api, load, maker, home / "samples")
                rows = maker.drop(index + 1).to_dict("records")
                taken = load.begin(bodies(rows, target="label", positive="phishing", hidden=HIDDEN))
                ask_until(lambda n: n >= REQUESTS, lambda: load.n_requests, seconds=600, pause=0.2)
            exposed = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        with open_workspace() as work:
            changes = work.ledger.champion_changes(NAME)
            asked = [row.reason for row in work.ledger.requests(NAME)]
    assert load.n_requests >= REQUESTS
    assert load.n_failed == 0
    first, changed = load.days[0], load.days[1]
    assert changes[0].version == "1.0.0"
    newest = changes[-1].version
    assert newest in taken.versions
    assert f'version="{newest}"' in exposed
    assert any("windows of this champion alarmed" in str(reason) for reason in asked)
    assert changed.error_rate(positive=True) > 0.5
    assert taken.error_rate(positive=True) < changed.error_rate(positive=True) - 0.2
    assert first.versions == ("1.0.0",)
