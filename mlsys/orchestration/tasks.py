"""The tasks of `retrain_<pipeline>`: each opens the workspace, calls one step of the library, returns a record.

Their docstrings are shown in Airflow's UI. Errors are typed: what may pass by itself is retried, bad data and bad
specs fail at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from mlsys.errors import MlsysError

Data = dict[str, Any]

log = logging.getLogger(__name__)


def take_snapshot(pipeline: str) -> Data | None:
    """Resolve the day, read what is new, fix the plan. Nothing to do: the rest of the run is skipped, in green."""
    from mlsys import pipeline as steps
    from mlsys.intake import RunRequest

    context = get_current_context()
    dag_run, params = context["dag_run"], context["params"]
    request = RunRequest(
        pipeline,
        day=params.get("day"),
        partition_key=dag_run.partition_key,
        logical_date=dag_run.logical_date,
        run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
        mode=params.get("mode", "live"),
        reason=params.get("reason"),
        asked_by=f"airflow {dag_run.dag_id}",
        request_id=f"{dag_run.dag_id}/{dag_run.run_id}",
    )
    with _opened() as work:
        start = steps.take_snapshot(work, request)
    if not start.go:
        log.info("nothing_to_do reason=%s sentence=%r", start.reason, start.sentence)
    context["ti"].xcom_push(key="start", value=start.dump())
    return start.dump() if start.go else None


def validate(start: Data) -> Data:
    """Check the new rows with Great Expectations, set bad rows aside; refuse the data when too many are bad."""
    from mlsys import pipeline as steps

    with _running(start, "validate") as (work, plan, taken):
        return steps.validate(work, plan, taken).dump()


def split(start: Data, checks: Data) -> Data:
    """Give every row its side (training, validation, holdout) before anything is fitted."""
    from mlsys import pipeline as steps
    from mlsys.records import CheckReport

    with _running(start, "split", checks=checks) as (work, plan, taken):
        divided = steps.split(work, plan, taken, CheckReport.load(checks))
    log.info("divided sentence=%r", divided.sentence)
    return divided.dump()


def train(start: Data, checks: Data, divided: Data, name: str) -> Data:
    """Fit one candidate on the training rows; features are fitted inside its own pipeline."""
    from mlsys import pipeline as steps
    from mlsys.records import CheckReport, Split

    get_current_context()["candidate"] = name  # the label of the mapped task
    with _running(start, "train", checks=checks, divided=divided) as (work, plan, taken):
        candidate = steps.train(work, plan, taken, CheckReport.load(checks), Split.load(divided), name=name)
        return candidate.dump()


def evaluate(start: Data, checks: Data, divided: Data, candidates: Sequence[Data]) -> Data:
    """Score all candidates and the champion on the same raw rows; choose the best on the validation rows."""
    from mlsys import pipeline as steps
    from mlsys.records import Candidate, CheckReport, Split

    fitted = [Candidate.load(candidate) for candidate in candidates]
    with _running(start, "evaluate", checks=checks, divided=divided) as (work, plan, taken):
        found = steps.evaluate(work, plan, taken, CheckReport.load(checks), Split.load(divided), candidates=fitted)
    log.info("evaluated models=%d best=%s by=%s", len(found.summary), found.best, found.primary)
    return found.dump()


def decide(start: Data, checks: Data, evaluations: Data) -> Data:
    """Let every gate judge the evidence, and write the decision into the ledger."""
    from mlsys import pipeline as steps
    from mlsys.records import CheckReport, EvaluationSet

    with _running(start, "decide", checks=checks) as (work, plan, taken):
        checked, evaluated = CheckReport.load(checks), EvaluationSet.load(evaluations)
        decision = steps.decide(work, plan, taken, checked, evaluations=evaluated)
    for gate in decision.gates:
        log.info("gate state=%s name=%r sentence=%r", gate.state, gate.name, gate.sentence)
    log.info("decided outcome=%s reason=%s sentence=%r", decision.outcome, decision.reason, decision.sentence)
    return decision.dump()


def promote(start: Data, checks: Data, divided: Data, evaluations: Data, decision: Data) -> Data:
    """Make the challenger champion if the decision says so (compare-and-set), then update the registries."""
    from mlsys import pipeline as steps
    from mlsys.records import CheckReport, Decision, EvaluationSet, Split

    with _running(start, "promote", checks=checks, divided=divided) as (work, plan, taken):
        checked, parted = CheckReport.load(checks), Split.load(divided)
        version = steps.promote(
            work,
            plan,
            taken,
            checked,
            parted,
            candidates=work.ledger.candidates(plan.training_key),
            evaluations=EvaluationSet.load(evaluations),
            decision=Decision.load(decision),
        )
        steps.settle(work, plan, checked, parted, version)
    log.info("promotion changed=%s champion=%s sentence=%r", version.changed, version.champion, version.sentence)
    if version.decision.outcome == "error":
        raise AirflowFailException(f"Decision `error`: {version.decision.sentence}")
    return version.dump()


def report(start: Data | None) -> Data:
    """Write the report card, whatever became of the run, and say where it lies."""
    from mlsys.cards import card_path
    from mlsys.records import Start

    if start is None:  # a teardown runs even when the first task found nothing to do
        raise AirflowSkipException("There is no run to report")
    run_id = Start.load(start).run_id or ""
    with _opened() as work:
        path = card_path(work, run_id)
        found = {"run_id": run_id, "path": str(path.relative_to(work.home)), "address": path.as_uri()}
    log.info("report_card address=%s", found["address"])
    return found


def refuse(message: str) -> NoReturn:
    """Say what is wrong with the spec."""
    raise AirflowFailException(message)


@contextmanager
def _opened() -> Iterator[Any]:
    from mlsys.settings import load_settings
    from mlsys.workspace import open_workspace

    try:
        settings = load_settings()
        logging.getLogger("mlsys").setLevel(settings.log_level)
        with open_workspace(settings) as work:
            yield work
    except MlsysError as error:
        kind = AirflowException if error.retryable else AirflowFailException
        raise kind(str(error)) from error


@contextmanager
def _running(start: Data, step: str, *, checks: Data | None = None, divided: Data | None = None) -> Iterator[Any]:
    """Open the workspace for a step; a failure that no retry can mend closes the run in the ledger."""
    from mlsys import pipeline as steps
    from mlsys.records import CheckReport, Record, Split, Start

    begun = Start.load(start)
    with _opened() as work:
        try:
            yield work, begun.plan, begun.snapshot
        except MlsysError as error:
            if begun.plan is not None and not error.retryable:
                made: dict[str, Record] = {}
                made |= {} if checks is None else {"checks": CheckReport.load(checks)}
                made |= {} if divided is None else {"split": Split.load(divided)}
                steps.record_failure(work, begun.plan, step=step, error=error, parts=made)
            raise
