"""The DAGs that make data drops start retrainings: a scanner on a clock, and one that is told over the REST API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, task

from mlsys.durations import in_words
from mlsys.errors import SpecError
from mlsys.orchestration.dags.builders import dag_of, default_args, plain, step
from mlsys.orchestration.tasks import drops
from mlsys.settings import load_settings
from mlsys.spec import Spec, load_spec

_LONGEST_WAIT = timedelta(days=1)
_AT_ONCE = 4


def drops_dags(path: Path) -> Iterator[DAG]:
    """Yield the DAGs of a spec; the scanner only where the spec asks for one."""
    yield dag_of(path, announced_dag, dag_id=f"announced_{path.stem}")
    try:
        spec = load_spec(path)
    except SpecError:  # the DAG before says so
        return
    if spec.schedule.scan is not None:
        yield scanner_dag(spec, spec.schedule.scan)


def drops_asset(pipeline: str) -> Asset:
    """Return the asset whose events announce a pipeline's days of data, each by its partition key."""
    return Asset(name=f"drops_{pipeline}", uri=f"mlsys://{pipeline}/drops")


def announced_dag(spec: Spec) -> DAG:
    """Return the DAG that answers an announced day."""
    asset = drops_asset(spec.pipeline)
    with DAG(
        dag_id=f"announced_{spec.pipeline}",
        dag_display_name=f"Announced drops of {spec.pipeline}",
        description="Retrain about a day that somebody announces",
        doc_md=f"""### Announced drops of {plain(spec.pipeline)}
Whoever delivers data says so with an event of the asset `{asset.name}` and the day as its partition key:

    POST /api/v2/assets/events   {{"asset_id": ..., "partition_key": "2026-03-09"}}

#### What it does
Starts the retraining about that day, or waits (without a worker) for the one that is under way. A day older than the
newest answered one is answered by a run about the newest day, which reads it inside the lookback. A day whose data were
answered before ends green at once; one without data, or with data that can't be read, fails and says so.
""",
        schedule=PartitionedAssetTimetable(assets=asset),
        catchup=False,
        max_active_runs=_AT_ONCE,
        is_paused_upon_creation=False,
        tags=["mlsys", "drops", *spec.tags],
        default_args=default_args(spec),
    ) as dag:
        task.sensor(
            task_id=drops.is_answered.__name__,
            doc_md=drops.is_answered.__doc__,
            mode="reschedule",
            poke_interval=15,
            timeout=_LONGEST_WAIT.total_seconds(),
        )(drops.is_answered)(spec.pipeline)
    return dag


def scanner_dag(spec: Spec, every: timedelta) -> DAG:
    """Return the DAG that looks for drops."""
    with DAG(
        dag_id=f"drops_{spec.pipeline}",
        dag_display_name=f"Drops of {spec.pipeline}",
        description="Look for days of data that arrived, and retrain about them",
        doc_md=f"""### Drops of {plain(spec.pipeline)}
Looks every {in_words(every)} for days whose data arrived or changed and that no live run has looked at, and starts
**one** retraining about the newest complete day: it reads all of them. The note of a run says what was found.

#### What is left alone
Days that are not over (`ingest.settle`); files that somebody still writes; what a run already answered, nightly runs
included. While a retraining is queued, running or waits for a person, nothing is started beside it.
""",
        schedule=every,
        start_date=load_settings().schedule_start - timedelta(days=1),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["mlsys", "drops", *spec.tags],
        default_args=default_args(spec),
    ) as dag:
        step(drops.scan)(spec.pipeline)
    return dag
