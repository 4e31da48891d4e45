"""The DAG `retrain_<pipeline>`: declares the tasks, their order and limits. Parsing imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, TaskGroup, teardown

from mlsys.orchestration.dags.builders import (
    POOL,
    dag_of,
    default_args,
    fingerprint,
    named,
    plain,
    step,
    tags,
    timetable,
)
from mlsys.orchestration.dags.deadlines import deadline
from mlsys.orchestration.tasks import report as closing
from mlsys.orchestration.tasks import retraining
from mlsys.orchestration.tasks.approval import AskPerson
from mlsys.orchestration.tasks.champion_asset import champion_asset
from mlsys.orchestration.tasks.notifying import ApprovalWanted, RunFailed
from mlsys.orchestration.tasks.questions import promotion_question
from mlsys.orchestration.tasks.run_params import run_params
from mlsys.settings import load_settings
from mlsys.spec import Spec


def retrain_dag(path: Path) -> DAG:
    """Return the DAG of a spec; of a spec that is wrong, a DAG that says so."""
    return dag_of(path, _retrain_dag, dag_id=f"retrain_{path.stem}")


def _retrain_dag(spec: Spec) -> DAG:
    settings = load_settings()
    with DAG(
        dag_id=f"retrain_{spec.pipeline}",
        dag_display_name=named("retrain", spec.pipeline),
        description=spec.description or None,
        doc_md=_documentation(spec),
        schedule=timetable(spec),
        catchup=False,
        max_active_runs=2,  # one may wait for a person for hours; what is right does not rest on this number
        is_paused_upon_creation=False,
        tags=tags("retrain", spec),
        params=run_params(spec),
        default_args=default_args(spec.owner),
        on_failure_callback=RunFailed(spec.pipeline),
        deadline=deadline(spec),
    ) as dag:
        _flow(spec, side_by_side=settings.training_slots)
    return dag


def _flow(spec: Spec, *, side_by_side: int) -> None:
    with _group("data", "What is new in the source, checked and split"):
        start = step(retraining.take_snapshot)(spec.pipeline)
        checks = step(retraining.validate)(start)
        prepared = step(retraining.split)(start, checks)
    with _group("candidates", "Fitted side by side, and scored on the same rows as the champion"):
        trained = (
            step(
                retraining.train,
                pool=POOL,
                max_active_tis_per_dagrun=side_by_side,
                execution_timeout=spec.training.timeout,
                map_index_template="{{ candidate }}",
            )
            .partial(prepared=prepared)
            .expand(name=[model.label for model in spec.models])
        )
        # Of the candidates one is enough: it waits until all have ended, however.
        evaluated = step(retraining.evaluate, trigger_rule="all_done")(prepared, trained)
    with _group("decision", "The gates, a person perhaps, and the promotion"):
        champion = champion_asset(spec.pipeline)
        decided = step(retraining.decide, inlets=[champion])(evaluated)
        asked = AskPerson(
            task_id="approve",
            doc_md="Ask a person, where the spec or the run wants one and all gates pass. It waits without a worker.",
            question=promotion_question,
            question_arguments={"decided": decided},
            told=ApprovalWanted(spec.pipeline),
        )
        version = step(retraining.promote)(decided, answer=asked.output)
    # A teardown runs whatever became of the tasks before, and the run is judged by `promote`, the last task before it.
    report = teardown(step(closing.report))
    version >> report(spec.pipeline)


def _group(name: str, says: str) -> TaskGroup:
    """Return a box around tasks; their ids don't begin with its name, so that moving one is no new task."""
    return TaskGroup(name, tooltip=says, prefix_group_id=False)


def _documentation(spec: Spec) -> str:
    # Airflow's dialog sets paragraphs and lists without space between them: headings keep the parts apart.
    candidates = "\n".join(f"- {plain(model.label)}" for model in spec.models)
    gates = "\n".join(f"- {plain(gate.kind)}" for gate in spec.gates_in_force)
    when = (
        f"Every night at {spec.schedule.hour:02d}:00 UTC, about the UTC day before"
        if spec.schedule.enabled
        else "By hand"
    )
    person = "a person is asked before anything is promoted" if spec.approval.required else "a run may ask for a person"
    return f"""### Retraining of {plain(spec.pipeline)}
{spec.description}

#### What it does
Reads what is new, checks it, trains the candidates, and compares the best of them with the champion on the same
rows. Only if **all** gates pass does the best candidate become champion; {person}.

#### When it runs
{when}. By hand with a **day** (or a partition key, both YYYY-MM-DD). A run for a day without data, or for data and a
spec that were judged before, ends green after its first task and says why in its note. A **backfill** simulates; it
never changes the champion.

#### Candidates, chosen on validation rows by {plain(spec.metrics.primary)}
{candidates}

#### Gates, judged on holdout rows
{gates}

#### Where to look
The note of a run says what came of it; the log of `decide` has every gate in words, that of `report` the path of the
report card; MLflow has every candidate in the experiment {plain(spec.pipeline)}. Owner: {spec.owner}. The spec is
`include/pipelines/{spec.pipeline}.yaml` (as read here: `{fingerprint(spec)}`); on a command line,
`mlsys run {spec.pipeline}` does the same.
"""
