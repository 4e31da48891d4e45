"""What a task works in: the opened workspace; and what it leaves behind when it fails.

A failure is kept twice: in the ledger, where the report card finds it, and as an XCom, where the run's last task does,
also when the run had not got as far as the ledger.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from mlsys.errors import DataError, MlsysError, RunError
from mlsys.events import get_logger
from mlsys.orchestration.tasks.retrying import may_pass
from mlsys.shortages import in_words

if TYPE_CHECKING:
    from mlsys.records import Plan, Prepared, Record, Snapshot
    from mlsys.workspace import Workspace

Data = dict[str, Any]

FAILURE = "failure"
_LONGEST = 1000

log = get_logger(__name__)


@contextmanager
def opened() -> Iterator[Workspace]:
    """Open the installation for a task; an error is kept for the run's last task, and raised."""
    from mlsys.settings import load_settings
    from mlsys.workspace import open_workspace

    try:
        settings = load_settings()
        logging.getLogger("mlsys").setLevel(settings.log_level)
        with in_words(), open_workspace(settings) as work:
            yield work
    except AirflowException:  # a skip, or a failure that was kept where it was raised
        raise
    except Exception as error:
        keep(error)
        raise


@contextmanager
def begun_run(
    start: Data, step: str, *, parts: Mapping[str, Record] | None = None
) -> Iterator[tuple[Workspace, Plan, Snapshot]]:
    """Open the workspace for a step before training, and give it with the run's plan and snapshot.

    A failure that will not be tried again closes the run in the ledger, with `parts`: the records made so far.
    """
    from mlsys.records import Start

    begun = Start.load(start)
    if not begun.go or begun.plan is None or begun.snapshot is None:  # skipped with the run, and cleared by hand
        raise AirflowSkipException(f"This run has nothing to do: {begun.sentence}")
    with opened() as work, _closing(work, begun.plan, step, parts or {}):
        yield work, begun.plan, begun.snapshot


def made(handed_on: Data | None) -> Data:
    """Return what the step before handed on; a task that was cleared by hand may have nothing to go on with."""
    if handed_on is None:
        raise AirflowSkipException("An earlier step failed, or there was nothing to do")
    return handed_on


@contextmanager
def prepared_run(prepared: Data | None, step: str, *, closes: bool = True) -> Iterator[tuple[Workspace, Prepared]]:
    """Open the workspace for a step from training on, and give it with what the steps before have made.

    A failure that will not be tried again closes the run in the ledger; with `closes` false the run may go on without
    this step.
    """
    from mlsys.records import Prepared

    known = Prepared.load(made(prepared))
    parts: dict[str, Record] = {"checks": known.checks, "split": known.split}
    with opened() as work, _closing(work, known.plan, step, parts, closes=closes):
        yield work, known


@contextmanager
def _closing(
    work: Workspace, plan: Plan, step: str, parts: Mapping[str, Record], *, closes: bool = True
) -> Iterator[None]:
    try:
        with in_words():
            yield
    except AirflowException:
        raise
    except Exception as error:
        if closes and (not may_pass(error) or _is_last_try()):
            close_failed(work, plan, step=step, error=error, parts=parts)
        raise


def close_failed(work: Workspace, plan: Plan, *, step: str, error: BaseException, parts: Mapping[str, Record]) -> None:
    """Close a run in the ledger as failed, unless it stands there as ended."""
    from mlsys import pipeline

    rows = work.ledger.run(plan.run_id)
    if rows and rows[-1].status == "started":
        known = error if isinstance(error, MlsysError) else RunError(f"{type(error).__name__}: {error}")
        pipeline.record_failure(work, plan, step=step, error=known, parts=parts)


def keep(error: BaseException) -> None:
    """Keep an error for the run's last task; the newest try's is the one that counts."""
    from mlsys.planning.refused import reason_of

    sentence = str(error) or type(error).__name__
    failure = {"sentence": sentence[:_LONGEST], "data": isinstance(error, DataError), "reason": reason_of(error)}
    try:
        get_current_context()["ti"].xcom_push(key=FAILURE, value=failure)
    except Exception:
        log.exception("failure_not_kept")  # the error itself, raised next, says more


def _is_last_try() -> bool:
    ti = get_current_context()["ti"]
    return bool(ti.try_number > ti.max_tries)
