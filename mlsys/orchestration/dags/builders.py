"""What DAGs share: names, tags, retries and steps; the timetable of a spec; and the DAG of a spec that is wrong.

Airflow's list is sorted by the names that people see, as its database compares texts. So they begin with the pipeline,
and within one, retraining stands before scoring and watching by its first letter. What serves all pipelines comes last:
every database puts a Greek letter behind the Latin ones.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

from mlsys.errors import SpecError
from mlsys.orchestration.nightly import NightlyTimetable
from mlsys.orchestration.tasks import retraining
from mlsys.orchestration.tasks.retrying import ByError
from mlsys.settings import load_settings
from mlsys.spec import Spec, load_spec
from mlsys.store import canonical_json

POOL = "training"
ALL = "Σ all pipelines"
QUICK = timedelta(minutes=30)
# A record is one value between tasks: neither an XCom per field nor a copy of it in the log, which has the events.
RECORD: dict[str, Any] = {"multiple_outputs": False, "show_return_value_in_logs": False}


def spec_files() -> list[Path]:
    """Return the spec files, sorted, so that DAGs are the same in every process."""
    return sorted(load_settings().pipelines.glob("*.yaml"))


def pipelines() -> list[str]:
    """Return the names of all pipelines, those whose spec is wrong among them; costs no reading of specs.

    A file whose name no pipeline can have is none of them.
    """
    return [path.stem for path in spec_files() if re.fullmatch(r"[a-z][a-z0-9_]{0,47}", path.stem)]


def dag_of(path: Path, build: Callable[[Spec], DAG], *, dag_id: str) -> DAG:
    """Return the DAG of a spec; of a spec that is wrong, a DAG that says so, so that the others stay."""
    try:
        return build(load_spec(path))
    except SpecError as error:
        return _broken(path, str(error), dag_id)
    except Exception as error:  # noqa: BLE001 - whatever Airflow refuses: one spec leaves the DAGs of the others alone
        message = f"{path}: no DAG can be made of this spec: {type(error).__name__}: {error}"
        return _broken(path, message, dag_id)


def sound_specs() -> Iterator[Spec]:
    """Yield the specs that are right; what is wrong with another one, the DAG of its retraining says."""
    for path in spec_files():
        try:
            yield load_spec(path)
        except SpecError:
            continue


def named(does: str, pipeline: str = ALL) -> str:
    """Return the name of a DAG in Airflow's list."""
    return f"{pipeline}: {does}"


def tags(purpose: str, spec: Spec | None = None) -> list[str]:
    """Return what a DAG is found by in Airflow's list: its purpose, and its pipeline or that it serves all of them."""
    return ["mlsys", purpose, *((spec.pipeline, *spec.tags) if spec else ("all-pipelines",))]


def step(function: Callable[..., Any], **settings: Any) -> Any:
    """Return the task of a step: named after its function, documented by its docstring; `settings` are Airflow's."""
    return task(task_id=function.__name__, doc_md=function.__doc__, **{**RECORD, **settings})(function)


def default_args(owner: str = "mlsys") -> dict[str, Any]:
    """Return what holds for every task of a DAG: the owner, a time limit, and retries by class of error."""
    return {
        "owner": owner,
        "retries": 3,  # also for a process that was killed
        "retry_policy": ByError(),
        "retry_delay": timedelta(seconds=10),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=5),
        "execution_timeout": QUICK,
    }


def timetable(spec: Spec) -> NightlyTimetable:
    """Return when a spec's retraining runs, and about which day."""
    hour = spec.schedule.hour if spec.schedule.enabled else None
    return NightlyTimetable(hour, since=load_settings().schedule_start)


def fingerprint(spec: Spec) -> str:
    """Return a short digest of every value of a spec; standing in a DAG, it makes a new version of it of any change."""
    return hashlib.sha256(canonical_json(spec.dump())).hexdigest()[:12]


def plain(name: str) -> str:
    """Return a name as Markdown shows it unchanged."""
    return name.replace("_", "\\_")


def _broken(path: Path, message: str, dag_id: str) -> DAG:
    # The file may be called anything, and its name stands in the message.
    message, name = (text.encode("utf-8", "backslashreplace").decode() for text in (message, path.stem))

    def read_spec() -> None:
        retraining.refuse(message)

    with (
        DAG(
            dag_id=_fitting(dag_id),
            dag_display_name=named("retrain (the spec is wrong)", name),
            description="The spec of this pipeline is wrong",
            doc_md=f"### The spec is wrong\n\n```\n{message}\n```\n\nMend it; `mlsys check {name}` tells the same.",
            schedule=None,
            start_date=datetime(2026, 1, 1, tzinfo=UTC),
            is_paused_upon_creation=False,  # as it is made, so it stays when the spec is mended
            tags=["mlsys", "retrain", name[:100], "broken-spec"],
        ) as dag
    ):
        task(task_id="read_spec", retries=0)(read_spec)()  # the message is no argument: those are templates
    return dag


def _fitting(dag_id: str) -> str:
    """Return an id that Airflow takes; one that was changed ends in a digest, so that two stay two."""
    fitting = re.sub(r"[^\w.-]", "_", dag_id, flags=re.ASCII)[:200]
    digest = hashlib.sha256(dag_id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return dag_id if fitting == dag_id else f"{fitting}_{digest}"
