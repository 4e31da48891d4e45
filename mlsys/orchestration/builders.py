"""From a spec to a DAG: declares the tasks, their order and limits. Parsing imports nothing heavy, reads no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, Param, task, teardown

from mlsys.errors import SpecError
from mlsys.orchestration import tasks
from mlsys.settings import load_settings
from mlsys.spec import Spec, load_spec

POOL = "training"
_QUICK = timedelta(minutes=30)
# A record is one value between tasks: neither an XCom per field nor a copy of it in the log, which has the events.
_RECORD: dict[str, Any] = {"multiple_outputs": False, "show_return_value_in_logs": False}


def spec_files() -> list[Path]:
    """Return the spec files, sorted, so that DAGs are the same in every process."""
    return sorted(load_settings().pipelines.glob("*.yaml"))


def retrain_dag(path: Path) -> DAG:
    """Return the DAG of a spec; of a spec that is wrong, a DAG that says so, so that the others stay."""
    try:
        spec = load_spec(path)
    except SpecError as error:
        return _broken(path, str(error))
    with DAG(
        dag_id=f"retrain_{spec.pipeline}",
        dag_display_name=f"Retrain {spec.pipeline}",
        description=spec.description or None,
        doc_md=_documentation(spec),
        schedule=_timetable(spec),
        start_date=load_settings().schedule_start,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["mlsys", "retrain", *spec.tags],
        params=_params(),
        default_args={
            "owner": spec.owner,
            "retries": 2,
            "retry_delay": timedelta(seconds=10),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=5),
            "execution_timeout": _QUICK,
        },
    ) as dag:
        _flow(spec)
    return dag


def _flow(spec: Spec) -> None:
    start = task.short_circuit(task_id="take_snapshot", doc_md=tasks.take_snapshot.__doc__, **_RECORD)(
        tasks.take_snapshot
    )(spec.pipeline)
    checks = _step(tasks.validate)(start)
    divided = _step(tasks.split)(start, checks)
    trained = (
        task(
            task_id="train",
            doc_md=tasks.train.__doc__,
            pool=POOL,
            execution_timeout=spec.training.timeout,
            map_index_template="{{ candidate }}",
            **_RECORD,
        )(tasks.train)
        .partial(start=start, checks=checks, divided=divided)
        .expand(name=[model.label for model in spec.models])
    )
    evaluations = _step(tasks.evaluate)(start, checks, divided, trained)
    decision = _step(tasks.decide)(start, checks, evaluations)
    version = _step(tasks.promote)(start, checks, divided, evaluations, decision)
    # A teardown runs whatever became of the tasks before, and the run is judged by `promote`, the last task before it.
    report = teardown(_step(tasks.report))
    version >> report(start)


def _step(function: Any) -> Any:
    return task(task_id=function.__name__, doc_md=function.__doc__, **_RECORD)(function)


def _timetable(spec: Spec) -> CronPartitionTimetable | None:
    if not spec.schedule.enabled:
        return None
    # Midnight ticks of a zone west of UTC: runs start at the wanted UTC hour, and the partition key of a run is
    # the UTC day before, the same for nightly runs and backfills. A cron of `0 2` would double and lose days.
    return CronPartitionTimetable(
        "0 0 * * *", timezone=f"Etc/GMT+{spec.schedule.hour}", run_offset=-1, key_format="%Y-%m-%d"
    )


def _params() -> dict[str, Param]:
    return {
        "day": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Day",
            description="Last UTC day of data to include. Empty: the partition key (under Advanced Options), "
            "or else the newest complete day.",
        ),
        "mode": Param(
            "live",
            enum=["live", "dry", "train"],
            title="Mode",
            description_md="**live** promotes when every gate passes, **dry** only decides, "
            "**train** registers the best model for the record and never promotes.",
        ),
        "reason": Param(
            None,
            type=["null", "string"],
            maxLength=500,
            title="Reason",
            description="Why this run is asked for; kept in the ledger and shown on the report card.",
        ),
    }


def _documentation(spec: Spec) -> str:
    # Airflow's dialog sets paragraphs and lists without space between them: headings keep the parts apart.
    candidates = "\n".join(f"- {_plain(model.label)}" for model in spec.models)
    gates = "\n".join(f"- {_plain(gate.kind)}" for gate in spec.gates_in_force)
    when = (
        f"Every night at {spec.schedule.hour:02d}:00 UTC, about the UTC day before"
        if spec.schedule.enabled
        else "By hand"
    )
    return f"""### Retraining of {_plain(spec.pipeline)}
{spec.description}

#### What it does
Reads what is new, checks it, trains the candidates, and compares the best of them with the champion on the same
rows. Only if **all** gates pass does the best candidate become champion.

#### When it runs
{when}. By hand with a **day** (or a partition key, both YYYY-MM-DD). A run for a day without data, or for data and a
spec that were judged before, ends green after its first task and says why in that task's log.

#### Candidates, chosen on validation rows by {_plain(spec.metrics.primary)}
{candidates}

#### Gates, judged on holdout rows
{gates}

#### Where to look
The log of the task `decide` has the decision in words, that of `report` the path of the report card; MLflow has every
candidate in the experiment {_plain(spec.pipeline)}. Owner: {spec.owner}. The spec is
`include/pipelines/{spec.pipeline}.yaml`; on a command line, `mlsys run {spec.pipeline}` does the same.
"""


def _plain(name: str) -> str:
    """Return a name as Markdown shows it unchanged."""
    return name.replace("_", "\\_")


def _broken(path: Path, message: str) -> DAG:
    with DAG(
        dag_id=f"retrain_{path.stem}",
        description="The spec of this pipeline is wrong",
        doc_md=f"### The spec is wrong\n\n```\n{message}\n```\n\nMend it; `mlsys check {path.stem}` tells the same.",
        schedule=None,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        tags=["mlsys", "broken-spec"],
    ) as dag:
        task(task_id="read_spec", retries=0)(tasks.refuse)(message)
    return dag
