"""`make demo`: sample data, the whole stack, one retraining of `phishing` in a real Airflow, told as it happens."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import click

from mlsys.cli.main import leave
from mlsys.cli.terminal import say, show_decision, show_metrics
from mlsys.errors import RunError
from mlsys.orchestration.api.client import AirflowApi
from mlsys.orchestration.stack import stack
from mlsys.settings import Settings, load_settings

PIPELINE = "phishing"
DAYS = 60
_SECONDS = 900.0
_MARKS = {"success": "✓", "failed": "✗", "skipped": "-", "upstream_failed": "✗", "up_for_retry": "↻"}


@click.command()
@click.option("--once", is_flag=True, help="Stop everything and leave when the run is over.")
def demo(once: bool) -> int:
    """Show a retraining from the data to the decision; runs on until Ctrl-C."""
    settings = load_settings()
    began = time.monotonic()
    for sentence in _samples(settings):
        say(sentence)
    with _stack(settings) as found:
        with stack.connect(settings) as api:
            code = _retrain(settings, api, began)
        stack.wait_until_ready(settings, progress=lambda _: None)
        say(f"\nAirflow  {found.airflow}/dags/retrain_{PIPELINE}")
        say(f"         login {found.login} / {found.password} (made for this demo)")
        say(f"Models   {found.models}   who serves, how good and how old each champion is")
        say(f"MLflow   {found.mlflow}/#/models/{PIPELINE}")
        if not once:
            say("\nRunning on; Ctrl-C stops everything.")
            try:
                stack.watch(settings)
            except KeyboardInterrupt:
                say()
    return code


@contextmanager
def _stack(settings: Settings) -> Iterator[stack.Access]:
    """Have the stack up; stop it afterwards, unless it was up before."""
    was_up = any(part.state == "running" for part in stack.status(settings) if part.name == "scheduler")
    # MLflow makes its tables at its very first start, and a run must not meet it halfway.
    again = (settings.root / "projections").exists()
    found = stack.up(settings, progress=say, only_runs=again)
    try:
        yield found
    finally:
        if was_up:
            say("The stack was up before the demo and stays up.")
        else:
            # A second Ctrl-C must not leave half of it behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            stack.down(settings, progress=say)


def _samples(settings: Settings) -> Iterator[str]:
    """Make the data of every pipeline that is a sample's: Airflow runs them all, and would fail without."""
    from mlsys.cli.sample_makers import load_maker, make_sample, package_needed, sample_names

    settings.make_home()  # for its owner alone: samples would make it as any folder
    specs = {path.stem for path in settings.pipelines.glob("*.yaml")}
    for name in sorted(specs & set(sample_names(settings)), key=lambda name: (name != PIPELINE, name)):
        if package_needed(load_maker(settings, name)):
            continue  # its pipeline has no schedule
        yield "Sample data: " + make_sample(settings, name, days=DAYS, target=settings.root / "samples")


def _newest_day(settings: Settings) -> date:
    from mlsys.snapshot import snapshot
    from mlsys.spec import load_spec

    os.environ["MLSYS_HOME"] = str(settings.root)
    return snapshot.newest_complete_day(load_spec(settings.spec_path(PIPELINE)))


def _retrain(settings: Settings, api: AirflowApi, began: float) -> int:
    dag_id = f"retrain_{PIPELINE}"
    day = _newest_day(settings)
    api.wait_for_dag(dag_id, seconds=120)
    api.pause(dag_id, paused=False)
    run_id = api.trigger(dag_id, partition_key=str(day), conf={"reason": "make demo"})
    say(f"\nTriggered {dag_id} for {day} through Airflow's REST API")
    shown: dict[tuple[str, int], str] = {}
    run = api.wait_for_run(dag_id, run_id, seconds=_SECONDS, seen=lambda tasks: _show(tasks, shown, began))
    start: dict[str, Any] = api.xcom(dag_id, run_id, "take_snapshot") or {}
    if start and not start["go"]:
        say(f"\nNothing to do ({start['reason']}): {start['sentence']}.")
        return 0 if run["state"] == "success" else 4
    if run["state"] != "success":
        failed = [task["task_id"] for task in api.task_instances(dag_id, run_id) if task["state"] == "failed"]
        for task_id in failed[:1]:
            say("\n".join(api.task_log(dag_id, run_id, task_id)[-15:]))
        raise RunError(
            "The run failed", where=f"{dag_id} {run_id}, task {', '.join(failed)}", remedy="See its log above"
        )
    version = api.xcom(dag_id, run_id, "promote")
    card = api.xcom(dag_id, run_id, "report") or {}
    _tell(settings, api.xcom(dag_id, run_id, "evaluate")["evaluations"], version)
    say(f"\n{version['sentence']}.\nReport card: {card.get('address')}")
    return 4 if version["decision"]["outcome"] == "error" else 0


def _tell(settings: Settings, evaluations: dict[str, Any], version: dict[str, Any]) -> None:
    from mlsys.records import EvaluationSet, ModelVersion
    from mlsys.store import Store

    evaluated = EvaluationSet.load(evaluations)
    say()
    show_metrics(evaluated, Store(settings.store).read_json(evaluated.details))
    show_decision(ModelVersion.load(version).decision)


def _show(tasks: list[dict[str, Any]], shown: dict[tuple[str, int], str], began: float) -> None:
    for task in tasks:
        key = (task["task_id"], task["map_index"])
        state = task["state"]
        if state == shown.get(key) or state not in {*_MARKS, "running"}:
            continue
        shown[key] = state
        name = task["task_id"] + (f" {task.get('rendered_map_index') or task['map_index']}" if key[1] >= 0 else "")
        seconds = f"{task['duration']:5.1f} s" if task.get("duration") and state != "running" else "  ...  "
        say(f"  {time.monotonic() - began:6.1f} s  {_MARKS.get(state, '▸')} {name:<32} {state:<10} {seconds}")


if __name__ == "__main__":
    leave(demo, done="mlsys: exit code 0 (done)")
