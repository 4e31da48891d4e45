"""What a deployment must bear: a worker killed in the middle of a training, then the database restarted once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from given.lost_worker import DAG, LONG, MODELS, run_day

from mlsys.errors import RunError, TransientError
from mlsys.orchestration.api.client import AirflowApi

Json = dict[str, Any]
INDEX = next(index for index, model in enumerate(MODELS) if model.get("name") == LONG)
PATIENCE_SECONDS = 600.0


def disturb(
    api: AirflowApi,
    *,
    kill: Callable[[Json], None],
    restart_database: Callable[[], None],
    supervise: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Json]:
    """Retrain, with both disturbances, and return the task instances of the run once it has ended.

    Args:
        api: of the Airflow to trigger the run in.
        kill: kills the worker that runs the given task instance, without a warning.
        restart_database: stops Postgres and starts it again.
        supervise: called about once a second; starts again what has died, if nothing else does.
        say: told what happens.

    Raises:
        RunError: the run failed, or was not disturbed in its middle.
    """
    run_id = api.trigger(DAG, partition_key=run_day(), conf={"reason": "to be disturbed"})
    # The other candidates need as long for all but the fit: once they are done, this one is fitting.
    first, seconds = _training(api, run_id, supervise, lambda tasks, _: _others_are_done(tasks))
    say(f"Training of '{LONG}' on {first['hostname']}, process {first['pid']}, is in its middle")
    kill(first)
    say("Its worker was killed")
    second, _ = _training(api, run_id, supervise, lambda tasks, ran: _long(tasks)["try_number"] > 1 and ran >= seconds)
    say(f"Training of '{LONG}' again, on {second['hostname']}, process {second['pid']}, is in its middle")
    restart_database()
    say("Postgres was restarted")
    for run in _polled(lambda: api.run(DAG, run_id), supervise):
        if run["state"] in ("success", "failed"):
            break
    tasks = api.task_instances(DAG, run_id)
    states = {f"{task['task_id']}[{task['map_index']}]": task["state"] for task in tasks}
    if run["state"] != "success":
        raise RunError("The disturbed run failed", where=run_id, got=states)
    say(f"The run ended: {states}")
    return tasks


def _training(
    api: AirflowApi, run_id: str, supervise: Callable[[], None], wanted: Callable[[list[Json], float], bool]
) -> tuple[Json, float]:
    """Return the long training's instance when it runs and is as `wanted`, and for how many seconds it was seen so."""
    attempt, since = None, 0.0
    for tasks in _polled(lambda: api.task_instances(DAG, run_id), supervise):
        task = _long(tasks)
        if task["state"] in ("success", "failed", "upstream_failed"):
            raise RunError("The training ended before it could be disturbed", where=run_id, got=task["state"])
        if task["state"] == "running" and task["pid"] is not None:
            seen = task["try_number"], task["hostname"], task["pid"]
            if seen != attempt:
                attempt, since = seen, time.monotonic()
            ran = time.monotonic() - since
            if wanted(tasks, ran):
                return task, ran
    raise AssertionError  # _polled ends by an error


def _long(tasks: list[Json]) -> Json:
    """Return the long training's instance; before it is there, one without a state."""
    return next((t for t in tasks if t["task_id"] == "train" and t["map_index"] == INDEX), {"state": None})


def _others_are_done(tasks: list[Json]) -> bool:
    others = [t for t in tasks if t["task_id"] == "train" and t["map_index"] not in (INDEX, -1)]
    return len(others) == len(MODELS) - 1 and all(t["state"] == "success" for t in others)


def _polled(ask: Callable[[], Any], supervise: Callable[[], None]) -> Iterator[Any]:
    """Yield the answers, about once a second; silence of a restarting service is passed over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        supervise()
        with suppress(TransientError):
            yield ask()
        time.sleep(1.0)
    raise RunError(f"No end after {PATIENCE_SECONDS:.0f} s", where=DAG)
