"""The DAGs that make data drops start retrainings: a scanner on a clock, and one that is told over the REST API.

Each exists once and serves all pipelines, one mapped task for each, so that a source that hangs holds up no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetAny, Param, PartitionedAssetTimetable, task, teardown

from mlsys.durations import in_words
from mlsys.orchestration.dags.builders import RECORD, default_args, named, pipelines, sound_specs, step, tags
from mlsys.orchestration.tasks import drops
from mlsys.settings import load_settings

_LONGEST_WAIT = timedelta(days=1)
_AT_ONCE = 64  # a day that waits holds no worker, and must not hold up the days of other pipelines


def drops_dags() -> Iterator[DAG]:
    """Yield the DAG for announcements, and the scanner where a spec asks for one."""
    names = pipelines()
    if names:
        yield announced_dag(names)
    paces = {spec.pipeline: spec.schedule.scan for spec in sound_specs() if spec.schedule.scan is not None}
    if paces:
        yield scanner_dag(paces)


def drops_asset(pipeline: str) -> Asset:
    """Return the asset whose events announce a pipeline's days of data, each by its partition key."""
    return Asset(name=drops.asset_name(pipeline), uri=f"mlsys://{pipeline}/drops")


def announced_dag(names: Sequence[str]) -> DAG:
    """Return the DAG that answers announced days."""
    with DAG(
        dag_id="announced",
        dag_display_name=named("answer announced drops"),
        description="Retrain about a day that somebody announces",
        doc_md="""### Announced drops
Whoever delivers data says so with an event of the asset `drops_<pipeline>` and the day as its partition key:

    POST /api/v2/assets/events   {"asset_id": ..., "partition_key": "2026-03-09"}

#### What it does
Starts the retraining about that day, or waits (without a worker) for the one that is under way. A day older than the
newest answered one is answered by a run about the newest day, which reads it inside the lookback. A day whose data were
answered before ends green at once; one without data, or with data that can't be read, fails and says so. When a day is
announced for several pipelines at the same moment, they share a run. By hand with **pipelines** and a partition key.
""",
        schedule=PartitionedAssetTimetable(assets=AssetAny(*map(drops_asset, names))),
        catchup=False,
        max_active_runs=_AT_ONCE,
        is_paused_upon_creation=False,
        tags=tags("drops"),
        params={"pipelines": _pipelines_param(names, "Whose day it is; needed by hand. An event says it itself.")},
        default_args=default_args(),
    ) as dag:
        answered = task.sensor(
            task_id=drops.is_answered.__name__,
            doc_md=drops.is_answered.__doc__,
            mode="reschedule",
            poke_interval=15,
            timeout=_LONGEST_WAIT.total_seconds(),
            map_index_template="{{ task.op_kwargs['pipeline'] }}",
        )(drops.is_answered)
        _noted(answered.expand(pipeline=step(drops.announced)()))
    return dag


def scanner_dag(paces: Mapping[str, timedelta]) -> DAG:
    """Return the DAG that looks for drops, at each pipeline's own pace."""
    every = min(paces.values())
    listed = "\n".join(f"- {name}: every {in_words(pace)}" for name, pace in paces.items())
    with DAG(
        dag_id="drops",
        dag_display_name=named("look for drops"),
        description="Look for days of data that arrived, and retrain about them",
        doc_md=f"""### Drops
Looks for days whose data arrived or changed and that no live run has looked at, and starts **one** retraining of the
pipeline about its newest complete day: it reads all of them. The note of a run says what was found. By hand with some
**pipelines**, or with none for all of them.

#### How often (`schedule.scan`)
{listed}

#### What is left alone
Days that are not over (`ingest.settle`); files that somebody still writes; what a run already answered, nightly runs
included. While a retraining is queued, running or waits for a person, nothing is started beside it.
""",
        schedule=every,
        start_date=load_settings().schedule_start - timedelta(days=1),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=tags("drops"),
        params={"pipelines": _pipelines_param(list(paces), "Where to look. Empty: in all of them.")},
        default_args=default_args(),
    ) as dag:
        turns = step(drops.due)({name: pace.total_seconds() for name, pace in paces.items()})
        _noted(step(drops.scan, map_index_template="{{ task.op_kwargs['pipeline'] }}").expand(pipeline=turns))
    return dag


def _noted(looks: object) -> None:
    """Have what was found written into the run's note, also when some looks failed; those decide about the run."""
    looks >> teardown(task(task_id=drops.note.__name__, doc_md=drops.note.__doc__, **RECORD)(drops.note))(looks)


def _pipelines_param(names: Sequence[str], description: str) -> Param:
    return Param(
        None,
        type=["null", "array"],
        items={"type": "string", "enum": list(names)},
        uniqueItems=True,
        examples=list(names),
        title="Pipelines",
        description=description,
    )
