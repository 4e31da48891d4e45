"""The DAGs that exist once and serve all pipelines: rollback, hold, simulation and housekeeping."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param

from mlsys.orchestration.api.retrainings import SIMULATE
from mlsys.orchestration.dags.builders import POOL, default_args, named, pipelines, step, tags
from mlsys.orchestration.tasks import upkeep
from mlsys.orchestration.tasks.approval import AskPerson
from mlsys.orchestration.tasks.questions import rollback_question
from mlsys.settings import load_settings

_LONG = timedelta(hours=6)
_LONGEST = timedelta(days=2)
_AT_MOST = 2  # days simulated side by side, beside the nightly run
_AT_ONCE = 4  # the pool limits how many simulate at once; a report of another pipeline need not wait for them


def rollback_dag() -> DAG:
    """Return the DAG that lets a model serve again that served before."""
    with DAG(
        dag_id="rollback",
        dag_display_name=named("roll back"),
        description="Let a model that served before serve again",
        doc_md="""### Rollback
By hand, with the **pipeline** and a **reason**; without a **version** the one before the present champion. Where the
pipeline's spec leaves the last word to a person (`approval.required`), it waits for one.

#### What it changes
The champion in the ledger, MLflow's alias and the link `best_model.joblib`; then scoring starts. The ledger keeps who
and why, and the next nightly run won't promote what was rolled back, unless data or spec have changed.
On a command line: `mlsys rollback NAME --reason '...'`.
""",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=tags("rollback"),
        params=_rollback_params(),
        default_args=default_args(),
    ) as dag:
        wanted = step(upkeep.find_version)()
        asked = AskPerson(
            task_id="approve",
            doc_md="Ask a person, where the pipeline's spec wants one. It waits without a worker.",
            question=rollback_question,
            question_arguments={"wanted": wanted},
        )
        step(upkeep.roll_back)(wanted, asked.output)
    return dag


def hold_dag() -> DAG:
    """Return the DAG by which a person lets the gates promote nothing for a while."""
    with DAG(
        dag_id="hold",
        dag_display_name=named("hold"),
        description="Let the gates promote nothing for a while, or end that",
        doc_md="""### Hold
By hand, with the **pipeline** and a **reason**; with **until** it ends by itself, with **release** at once.

#### What it changes
Runs go on, train and report; what passes all gates is rejected with the reason `held`, and nothing is promoted. What a
person promotes or rolls back is not held. The ledger keeps who and why.
On a command line: `mlsys hold NAME --reason '...'`.
""",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=tags("hold"),
        params=_hold_params(),
        default_args=default_args(),
    ) as dag:
        step(upkeep.hold)()
    return dag


def simulate_dag() -> DAG:
    """Return the DAG that simulates past days of a pipeline."""
    with DAG(
        dag_id=SIMULATE,
        dag_display_name=named("simulate past days"),
        description="Retrain about past days as it would have been, and report what that earns",
        doc_md="""### Simulation
By hand with a **pipeline**, **from** and **to**: retrains about each day of the range as if it were then. The champion
stays as it is. Afterwards it writes the walk-forward report: how often should this model be retrained, and what does it
earn?

#### Before a change
With **compare** both specs, that of the last live run and the file as it is now with **changes**, are simulated over
the same days. The plan's page says what the changed one would have earned, and how often it would have promoted.

#### After a backfill
`airflow backfill create --dag-id retrain_<pipeline> ...` and the UI's backfill form simulate days, too; the last of
them start this DAG, which then only writes the report.

#### Where to look
The note of a run has the answer and the report's address; on a command line, `mlsys backfill NAME` and
`mlsys plan NAME --backfill FROM..TO`.
""",
        schedule=None,
        catchup=False,
        max_active_runs=_AT_ONCE,
        is_paused_upon_creation=False,
        tags=tags("simulate"),
        params=_simulation_params(),
        default_args=default_args(),
    ) as dag:
        simulated = step(upkeep.simulate, pool=POOL, execution_timeout=_LONGEST)()
        # One at a time: those that two last days of a backfill start would write the same report.
        step(upkeep.walk_forward, max_active_tis_per_dag=1, execution_timeout=_LONGEST)(simulated)
    return dag


def housekeeping_dag() -> DAG:
    """Return the DAG that mends the registries and removes what nobody needs."""
    settings = load_settings()
    with DAG(
        dag_id="housekeeping",
        dag_display_name=named("keep house"),
        description="Mend the registries from the ledger, and remove files that nobody needs",
        doc_md="""### Housekeeping
Every Sunday at 05:00 UTC, and by hand.

#### What it does
`reconcile` writes MLflow's registry and the file registry again from the ledger. `clean` counts, and with **apply**
removes, the files that no champion of any time, no young run and no run to come needs: models of old losing candidates,
old evaluations and replaced data, old scores, logs, pages and remembered findings. The ledger's rows stay for ever.

#### Where to look
The note of a run has the bytes, the log of `clean` what they are. `MLSYS_HOUSEKEEPING=remove` lets the weekly run
remove them. On a command line: `mlsys clean` and `mlsys clean --apply`.
""",
        schedule=CronTriggerTimetable("0 5 * * 0", timezone="UTC"),
        start_date=settings.schedule_start,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=tags("housekeeping"),
        params=_housekeeping_params(applies=settings.housekeeping == "remove"),
        default_args={**default_args(), "execution_timeout": _LONG},
    ) as dag:
        step(upkeep.reconcile)()
        step(upkeep.clean)()
    return dag


def _rollback_params() -> dict[str, Param]:
    return {
        "pipeline": _pipeline_param("Whose champion is replaced."),
        "version": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d+\.\d+\.\d+$",
            title="Version",
            description="A version that served before, such as 1.0.2. Empty: the one before the present champion.",
        ),
        "reason": _reason_param(),
    }


def _hold_params() -> dict[str, Param]:
    return {
        "pipeline": _pipeline_param("Which one is held."),
        "until": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="Until",
            description="When the hold ends by itself. Empty: when somebody releases it.",
        ),
        "release": Param(False, type="boolean", title="Release", description="On: end the hold that is in force."),
        "reason": _reason_param(),
    }


def _reason_param() -> Param:
    return Param(
        type="string", minLength=3, maxLength=400, title="Reason", description="Why; kept in the ledger for ever."
    )


def _housekeeping_params(*, applies: bool) -> dict[str, Param]:
    def days(default: int, title: str, description: str) -> Param:
        return Param(default, type="integer", minimum=1, maximum=3650, title=title, description=description)

    return {
        "apply": Param(
            applies,
            type="boolean",
            title="Remove",
            description="Off: only count the files and bytes that would go.",
        ),
        "runs": days(
            90, "Days of runs", "Everything that a run of these days needs is kept, and what a champion needs."
        ),
        "predictions": days(365, "Days of scores", "Scores made in these days are kept."),
        "logs": days(30, "Days of logs", "Logs of tasks are kept for so long."),
    }


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
        "pipeline": _pipeline_param("Whose past days are simulated."),
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
        "compare": Param(
            False,
            type="boolean",
            title="Compare specs",
            description="On: these days by the spec of the last live run, and by the file of now with `changes`.",
        ),
        "changes": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "pattern": "^[^=]+=.*$"},
            title="Changes",
            description="For `compare`: what else is set, a line each, such as models.0.max_depth=6.",
        ),
        "after": Param(
            None,
            type=["null", "string"],
            title="After",
            description="Set by the run that ends a backfill and starts this one: its id.",
        ),
    }


def _pipeline_param(description: str) -> Param:
    return Param(type="string", enum=pipelines(), title="Pipeline", description=description)
