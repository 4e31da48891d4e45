"""The tasks of `retrain_<pipeline>`: each opens the workspace, calls one step of the library, returns a record.

Their docstrings are shown in Airflow's UI. They raise the library's errors: `retrying.ByError` reads from the class of
an error whether another try may help.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from airflow.sdk import get_current_context
from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, DownstreamTasksSkipped

from mlsys.events import get_logger
from mlsys.orchestration.tasks.workplace import Data, begun_run, keep, made, opened, prepared_run

if TYPE_CHECKING:
    from mlsys.records import Candidate, Plan
    from mlsys.workspace import Workspace


log = get_logger(__name__)


def take_snapshot(pipeline: str) -> Data:
    """Resolve the day, read what is new, fix the plan. Nothing to do: the rest of the run is skipped, in green."""
    from mlsys import pipeline as steps
    from mlsys.orchestration.tasks.backfill_days import with_days_of_backfill
    from mlsys.orchestration.tasks.run_params import run_request

    context = get_current_context()
    with opened() as work:
        start = steps.take_snapshot(work, with_days_of_backfill(run_request(pipeline, context)))
    if not start.go:
        log.info("nothing_to_do", reason=start.reason, sentence=start.sentence)
        # What is raised next hands nothing on by itself.
        context["ti"].xcom_push(key=BaseXCom.XCOM_RETURN_KEY, value=start.dump())
        later = context["task"].get_flat_relatives(upstream=False)
        raise DownstreamTasksSkipped(tasks=sorted(task.task_id for task in later if not task.is_teardown))
    return start.dump()


def validate(start: Data) -> Data:
    """Check the new rows with Great Expectations, set bad rows aside; refuse the data when too many are bad."""
    from mlsys import pipeline as steps

    with begun_run(start, "validate") as (work, plan, snapshot):
        return steps.validate(work, plan, snapshot).dump()


def split(start: Data, checks: Data) -> Data:
    """Give every row its side (training, validation, holdout) before anything is fitted."""
    from mlsys import pipeline as steps
    from mlsys.records import CheckReport

    checked = CheckReport.load(checks)
    with begun_run(start, "split", parts={"checks": checked}) as (work, plan, snapshot):
        prepared = steps.split(work, plan, snapshot, checked)
    log.info("split", sentence=prepared.split.sentence)
    return prepared.dump()


def train(prepared: Data | None, name: str) -> Data:
    """Fit one candidate on the training rows; features are fitted inside its own pipeline. One left out is skipped."""
    from mlsys import pipeline as steps

    get_current_context()["candidate"] = name  # the label of the mapped task
    # Closing the run is not for one candidate: the others may do without it.
    with prepared_run(prepared, "train", closes=False) as (work, known):
        if name not in _labels(work, known.plan):
            raise AirflowSkipException(f"{name} is left out of this run")
        return steps.train(work, known, name=name).dump()


def evaluate(prepared: Data | None, candidates: Sequence[Data]) -> Data:
    """Score all candidates and the champion on the same raw rows; choose the best on the validation rows."""
    from mlsys import pipeline as steps
    from mlsys.records import Candidate, Evaluated

    # It waits for the candidates whatever becomes of them, so it also wakes up when there never were any.
    if prepared is None and _has_failed("split"):
        raise AirflowFailException("An earlier step failed; its log says why")
    with prepared_run(prepared, "evaluate") as (work, known):
        fitted = [Candidate.load(candidate) for candidate in candidates]
        fitted += _lost(work, known.plan, fitted)
        found = steps.evaluate(work, known, candidates=fitted)
    log.info("evaluated", models=len(found.summary), best=found.best, by=found.primary)
    return Evaluated(prepared=known, evaluations=found).dump()


def decide(evaluated: Data | None) -> Data:
    """Let every gate judge the evidence, and write the decision into the ledger."""
    from mlsys import pipeline as steps
    from mlsys.records import Decided, Evaluated

    known = Evaluated.load(made(evaluated))
    with prepared_run(known.prepared.dump(), "decide") as (work, prepared):
        decision = steps.decide(work, prepared, evaluations=known.evaluations)
    log.info("decided", outcome=decision.outcome, reason=decision.reason, sentence=decision.sentence)
    for gate in decision.gates:
        log.info("gate", state=gate.state, name=gate.name, sentence=gate.sentence)
    return Decided(prepared=prepared, evaluations=known.evaluations, decision=decision).dump()


def promote(decided: Data | None, *, answer: Data | None) -> Data:
    """Make the challenger champion if the decision, and the person where one was asked, says so (compare-and-set)."""
    from mlsys import pipeline as steps
    from mlsys.errors import RunError
    from mlsys.orchestration.tasks.champion_asset import announce
    from mlsys.records import Answer, Decided

    known = Decided.load(made(decided))
    with prepared_run(known.prepared.dump(), "promote") as (work, prepared):
        version = steps.promote(
            work,
            prepared,
            candidates=work.ledger.candidates(prepared.plan.training_key),
            evaluations=known.evaluations,
            decision=known.decision,
            answer=None if answer is None else Answer.load(answer),
        )
        steps.settle(work, prepared, version)
        if version.changed:
            announce(work, prepared.plan.pipeline)
    log.info("promotion", changed=version.changed, champion=version.champion, sentence=version.sentence)
    if version.decision.outcome == "error":
        error = RunError(f"Decision `error`: {version.decision.sentence}")
        keep(error)
        raise error
    return version.dump()


def refuse(message: str) -> NoReturn:
    """Say what is wrong with the spec."""
    raise AirflowFailException(message)


def _has_failed(task_id: str) -> bool:
    ti = get_current_context()["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
    return states.get(task_id) in ("failed", "upstream_failed")


def _labels(work: Workspace, plan: Plan) -> list[str]:
    return [model.label for model in work.spec_of(plan).models]


def _lost(work: Workspace, plan: Plan, known: Sequence[Candidate]) -> list[Candidate]:
    """Return a failed candidate for each one whose task ended without a record: killed, or out of time."""
    from mlsys.records import Candidate

    lost = []
    for model in work.spec_of(plan).models:
        if model.label not in {candidate.name for candidate in known}:
            candidate = Candidate(
                candidate_id=Candidate.id_of(plan.training_key, model.label),
                name=model.label,
                kind=model.kind,
                status="failed",
                reason="Its task failed, was killed or took too long; see the task's log",
                baseline=model.baseline,
            )
            log.warning("candidate_lost", name=candidate.name, reason=candidate.reason)
            lost.append(work.ledger.add_candidate(plan.pipeline, plan.run_id, candidate))
    return lost
