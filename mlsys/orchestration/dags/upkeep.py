"""The DAGs of a spec beside its retraining: scoring, monitoring and simulation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, CronTriggerTimetable, Param

from mlsys.orchestration.dags.builders import POOL, dag_of, default_args, plain, step
from mlsys.orchestration.tasks import upkeep
from mlsys.orchestration.tasks.champion_asset import champion_asset
from mlsys.orchestration.tasks.simulations_asset import simulations_asset
from mlsys.settings import load_settings
from mlsys.spec import Spec

_LONGEST = timedelta(days=2)
_AT_MOST = 2  # days simulated side by side, beside the nightly run


def score_dag(path: Path) -> DAG:
    """Return the DAG that scores with a spec's champion; of a spec that is wrong, a DAG that says so."""
    return dag_of(path, _score_dag, dag_id=f"score_{path.stem}")


def monitor_dag(path: Path) -> DAG:
    """Return the DAG that watches a spec's champion; of a spec that is wrong, a DAG that says so."""
    return dag_of(path, _monitor_dag, dag_id=f"monitor_{path.stem}")


def simulate_dag(path: Path) -> DAG:
    """Return the DAG that simulates past days of a spec; of a spec that is wrong, a DAG that says so."""
    return dag_of(path, _simulate_dag, dag_id=f"simulate_{path.stem}")


def _score_dag(spec: Spec) -> DAG:
    champion = champion_asset(spec.pipeline)
    with DAG(
        dag_id=f"score_{spec.pipeline}",
        dag_display_name=f"Score {spec.pipeline}",
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
        tags=["mlsys", "score", *spec.tags],
        params={"day": _day_param()},
        default_args=default_args(spec),
    ) as dag:
        step(upkeep.score)(spec.pipeline)
    return dag


def _monitor_dag(spec: Spec) -> DAG:
    hour = spec.schedule.hour + 1
    when = f"Every day at {hour:02d}:00 UTC, an hour after the nightly run" if spec.schedule.enabled else "By hand"
    watched = "\n".join(f"- {plain(each.kind)}" for each in spec.monitors.watch) or "- nothing"
    with DAG(
        dag_id=f"monitor_{spec.pipeline}",
        dag_display_name=f"Monitor {spec.pipeline}",
        description="Watch the champion: drift of features and scores, and its metric once labels are known",
        doc_md=f"""### Monitoring of {plain(spec.pipeline)}
{when}: scores the newest days and lets every monitor look at them. By hand with a **day**.

#### What is watched
{watched}

#### When it asks for a retraining
When the newest window alarms, and with it {spec.monitors.ask_after} of the newest {spec.monitors.of}: then it starts
one live retraining about that day, and no second one about the same day.

#### Where to look
The note of a run has the verdict, the log of `monitor` every finding.
""",
        schedule=CronTriggerTimetable(f"0 {hour} * * *", timezone="UTC") if spec.schedule.enabled else None,
        start_date=load_settings().schedule_start,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["mlsys", "monitor", *spec.tags],
        params={"day": _day_param()},
        default_args=default_args(spec),
    ) as dag:
        step(upkeep.ask_retraining)(spec.pipeline, step(upkeep.monitor)(spec.pipeline))
    return dag


def _simulate_dag(spec: Spec) -> DAG:
    asset = simulations_asset(spec.pipeline)
    with DAG(
        dag_id=f"simulate_{spec.pipeline}",
        dag_display_name=f"Simulate {spec.pipeline}",
        description="Retrain about past days as it would have been, and report what that earns",
        doc_md=f"""### Simulation of {plain(spec.pipeline)}
By hand with **from** and **to**: retrains about each day of the range as if it were then. The champion stays as it is.
Afterwards it writes the walk-forward report: how often should this model be retrained, and what does it earn?

#### After a backfill
`airflow backfill create --dag-id retrain_{spec.pipeline} ...` and the UI's backfill form simulate days, too; the last
of them start this DAG (asset `{asset.name}`), which then only writes the report.

#### Where to look
The note of a run has the answer and the report's address; on a command line, `mlsys backfill {spec.pipeline}`.
""",
        schedule=[asset],
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["mlsys", "simulate", *spec.tags],
        params=_simulation_params(),
        default_args=default_args(spec),
    ) as dag:
        simulated = step(upkeep.simulate, pool=POOL, execution_timeout=_LONGEST)(spec.pipeline)
        step(upkeep.walk_forward, execution_timeout=_LONGEST)(spec.pipeline, simulated)
    return dag


def _day_param() -> Param:
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="Day",
        description="Last UTC day of data to look at, YYYY-MM-DD. Empty: the newest complete one.",
    )


def _simulation_params() -> dict[str, Param]:
    def bound(title: str, which: str) -> Param:
        return Param(
            None,
            type=["null", "string"],
            format="date",
            title=title,
            description=f"{which} UTC day to simulate, YYYY-MM-DD, included. Both empty: only the report is written.",
        )

    return {
        "from": bound("From", "First"),
        "to": bound("To", "Last"),
        "reprocess": Param(
            "none",
            type="string",
            enum=["none", "failed", "completed"],
            title="Days that were simulated before",
            description="Which of them are done again: none, those that failed, or all. Unchanged ones are adopted.",
        ),
        "parallel": Param(
            1,
            type="integer",
            minimum=1,
            maximum=_AT_MOST,
            title="Side by side",
            description="How many days at once; each takes a processor core.",
        ),
    }
