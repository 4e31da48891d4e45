"""The DAGs of a spec beside its retraining: scoring and monitoring, each only where the spec has it switched on."""

from __future__ import annotations

from collections.abc import Iterator

from airflow.sdk import DAG, CronTriggerTimetable, Param

from mlsys.orchestration.dags.builders import default_args, named, plain, sound_specs, step, tags
from mlsys.orchestration.tasks import upkeep
from mlsys.orchestration.tasks.champion_asset import champion_asset
from mlsys.settings import load_settings
from mlsys.spec import Spec


def score_dags() -> Iterator[DAG]:
    """Yield the DAGs that score with a spec's champion as soon as it serves."""
    yield from (_score_dag(spec) for spec in sound_specs() if spec.scoring.enabled)


def monitor_dags() -> Iterator[DAG]:
    """Yield the DAGs that watch a spec's champion."""
    yield from (_monitor_dag(spec) for spec in sound_specs() if spec.monitors.watch)


def _score_dag(spec: Spec) -> DAG:
    champion = champion_asset(spec.pipeline)
    with DAG(
        dag_id=f"score_{spec.pipeline}",
        dag_display_name=named("score", spec.pipeline),
        description="Score with the champion what it has not scored",
        doc_md=f"""### Scoring of {plain(spec.pipeline)}
Runs whenever another model begins to serve (asset `{champion.name}`): it scores the days since its cutoff and those of
the lookback. By hand with a **day**, the last one to look at. What was scored before is not scored again.

#### Where the scores are
`predictions/{spec.pipeline}/` below MLSYS_HOME has one small file per day that names the Parquet files in the store.
""",
        schedule=[champion],
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=tags("score", spec),
        params={"day": _day_param()},
        default_args=default_args(spec.owner),
    ) as dag:
        step(upkeep.score)(spec.pipeline)
    return dag


def _monitor_dag(spec: Spec) -> DAG:
    hour = spec.schedule.hour + 1
    when = f"Every day at {hour:02d}:00 UTC, an hour after the nightly run" if spec.schedule.enabled else "By hand"
    watched = "\n".join(f"- {plain(each.kind)}" for each in spec.monitors.watch)
    with DAG(
        dag_id=f"monitor_{spec.pipeline}",
        dag_display_name=named("watch", spec.pipeline),
        description="Watch the champion: drift of features and scores, and its metric once labels are known",
        doc_md=f"""### Monitoring of {plain(spec.pipeline)}
{when}: scores the newest days and lets every monitor look at them. By hand with a **day**.

#### What is watched
{watched}

#### When it asks for a retraining
When the newest window alarms, and with it {spec.monitors.ask_after} of the newest {spec.monitors.of}: then it starts
one live retraining about that day, and no second one about the same day.

#### Where to look
The note of a run has the verdict, the log of `monitor` every finding. `measure_versions` says how good the versions
that served lately are by the labels that are known now, on a page that the Models page links.
""",
        schedule=CronTriggerTimetable(f"0 {hour} * * *", timezone="UTC") if spec.schedule.enabled else None,
        start_date=load_settings().schedule_start,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=tags("monitor", spec),
        params={"day": _day_param()},
        default_args=default_args(spec.owner),
    ) as dag:
        seen = step(upkeep.monitor)(spec.pipeline)
        step(upkeep.ask_retraining)(spec.pipeline, seen)
        step(upkeep.measure_versions)(spec.pipeline, seen)
    return dag


def _day_param() -> Param:
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="Day",
        description="Last UTC day of data to look at, YYYY-MM-DD. Empty: the newest complete one.",
    )
