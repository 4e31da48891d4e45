"""The DAGs of the whole installation: rollback and housekeeping."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param

from mlsys.orchestration.dags.builders import QUICK, spec_files, step
from mlsys.orchestration.tasks import upkeep
from mlsys.orchestration.tasks.approval import AskPerson
from mlsys.orchestration.tasks.questions import rollback_question
from mlsys.orchestration.tasks.retrying import ByError
from mlsys.settings import load_settings

_LONG = timedelta(hours=6)
_DEFAULTS = {
    "owner": "mlsys",
    "retries": 3,
    "retry_policy": ByError(),
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": QUICK,
}


def rollback_dag() -> DAG:
    """Return the DAG that lets a model serve again that served before."""
    with DAG(
        dag_id="rollback",
        dag_display_name="Roll back",
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
        tags=["mlsys", "rollback"],
        params=_rollback_params(),
        default_args=_DEFAULTS,
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


def housekeeping_dag() -> DAG:
    """Return the DAG that mends the registries and removes what nobody needs."""
    settings = load_settings()
    with DAG(
        dag_id="housekeeping",
        dag_display_name="Keep house",
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
        tags=["mlsys", "housekeeping"],
        params=_housekeeping_params(applies=settings.housekeeping == "remove"),
        default_args={**_DEFAULTS, "execution_timeout": _LONG},
    ) as dag:
        step(upkeep.reconcile)()
        step(upkeep.clean)()
    return dag


def _rollback_params() -> dict[str, Param]:
    pipelines = [path.stem for path in spec_files()]
    return {
        "pipeline": Param(type="string", enum=pipelines, title="Pipeline", description="Whose champion is replaced."),
        "version": Param(
            None,
            type=["null", "string"],
            pattern=r"^\d+\.\d+\.\d+$",
            title="Version",
            description="A version that served before, such as 1.0.2. Empty: the one before the present champion.",
        ),
        "reason": Param(
            type="string", minLength=3, maxLength=400, title="Reason", description="Why; kept in the ledger for ever."
        ),
    }


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
