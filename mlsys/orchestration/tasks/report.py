"""The last task of a run, whatever became of the others: the report card, the run's note, the notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from mlsys.events import get_logger
from mlsys.orchestration.api.retrainings import ask_for_report
from mlsys.orchestration.tasks.endings import STEPS, Ending, ending
from mlsys.orchestration.tasks.notifying import notice_of, tell
from mlsys.orchestration.tasks.run_notes import write_note
from mlsys.orchestration.tasks.workplace import FAILURE, Data, close_failed, opened

if TYPE_CHECKING:
    from mlsys.planning.plan import RunRequest
    from mlsys.records import RunReport, Start
    from mlsys.workspace import Workspace


log = get_logger(__name__)


def report(pipeline: str) -> Data:
    """Write the report card, whatever became of the run; note in Airflow how it ended, and tell who wants to know."""
    from mlsys import pipeline as steps
    from mlsys.orchestration.page import addresses
    from mlsys.records import Start

    context = get_current_context()
    start = context["ti"].xcom_pull(task_ids="take_snapshot")
    begun = None if start is None else Start.load(start)
    end = _end(context, begun)
    dag_run = context["dag_run"]
    log.info("run_ended", sentence=end.text, kind=end.kind, step=end.step)
    if begun is None or not begun.go or begun.run_id is None:
        page = _refused(pipeline, context, end) if begun is None else None
        write_note(dag_run.dag_id, dag_run.run_id, end.text + (f" [Report card]({page})" if page else ""))
        _tell(end, pipeline, dag_run, card=page)
        ask_for_report(pipeline, dag_run)
        raise AirflowSkipException("There is no run to report")
    with opened() as work:
        _close(work, begun, end)
        written = steps.report(work, begun.run_id)
        file = (work.home / written.path).as_uri()
    page = addresses.report(written.path)
    log.info("report_card", page=page, file=file)
    write_note(dag_run.dag_id, dag_run.run_id, f"{end.text} [Report card]({page})")
    _tell(end, pipeline, dag_run, card=page)
    ask_for_report(pipeline, dag_run)
    return {"run_id": begun.run_id, "path": written.path, "address": file}


def _refused(pipeline: str, context: Mapping[str, Any], end: Ending) -> str | None:
    """Write down a run whose first task failed, and return the address of its card; None if that can't be done now."""
    from mlsys import pipeline as steps
    from mlsys.errors import RunError
    from mlsys.orchestration.page import addresses
    from mlsys.report import run_records

    try:
        with opened() as work:
            request = _request(pipeline, context)
            known = work.ledger.request(request.request_id)
            if known is not None and known.status == "accepted" and known.run_id:  # killed before it could say so
                plan = work.ledger.plan(known.run_id)
                close_failed(work, plan, step="take_snapshot", error=RunError(end.sentence.rstrip(".")), parts={})
                written: RunReport | None = run_records.write_card(work, known.run_id)
            else:
                written = steps.record_refusal(work, request, reason=end.reason, sentence=end.sentence)
    except Exception:
        log.exception("refusal_not_recorded")  # what failed the run, the ledger perhaps, may fail this too
        return None
    return None if written is None else addresses.report(written.path)


def _request(pipeline: str, context: Mapping[str, Any]) -> RunRequest:
    from mlsys.errors import UsageError
    from mlsys.orchestration.tasks.run_params import request_id, run_request
    from mlsys.planning.plan import RunRequest

    try:
        return run_request(pipeline, context)
    except UsageError:  # its parameters are what is wrong
        dag_run = context["dag_run"]
        asked_by = f"airflow {dag_run.dag_id}"
        return RunRequest(
            pipeline, partition_key=dag_run.partition_key, asked_by=asked_by, request_id=request_id(dag_run)
        )


def _tell(end: Ending, pipeline: str, dag_run: Any, *, card: str | None = None) -> None:
    notice = notice_of(end, pipeline, dag_run, card=card)
    if notice is not None:
        tell(notice)


def _end(context: Mapping[str, Any], start: Start | None) -> Ending:
    from mlsys.records import ModelVersion

    ti, dag_run = context["ti"], context["dag_run"]
    states = ti.get_task_states(dag_id=dag_run.dag_id, run_ids=[dag_run.run_id])[dag_run.run_id]
    # After a task was cleared, the values of those behind it are still there.
    version = ti.xcom_pull(task_ids="promote") if states.get("promote") == "success" else None
    kept = [ti.xcom_pull(task_ids=step, key=FAILURE) for step in STEPS if states.get(step) == "failed"]
    failure: Data = next((one for one in kept if one), {})
    return ending(start, ModelVersion.load(version) if version else None, states=states, failure=failure)


def _close(work: Workspace, start: Start, end: Ending) -> None:
    """Close a run in the ledger whose task could not do so itself, because it was killed or timed out."""
    from mlsys.errors import RunError

    if end.kind == "failed" and start.plan is not None:
        close_failed(work, start.plan, step=end.step or "report", error=RunError(end.sentence.rstrip(".")), parts={})
