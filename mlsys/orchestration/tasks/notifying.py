"""Tell people what became of a run: into the log always, and on the spec's channels by way of the outbox.

Mail server and webhooks are Airflow connections, so that their secrets stay where an operator keeps such things:
`mlsys_smtp`, and `mlsys_webhook` or any other name that a spec gives. Telling never fails a run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from mlsys import clock
from mlsys.errors import MlsysError, TransientError, UsageError
from mlsys.events import get_logger
from mlsys.notification.delivery import Webhook, post
from mlsys.notification.outbox import Channel, Event, Notice, Outbox, key_of
from mlsys.orchestration.page import addresses
from mlsys.settings import load_settings
from mlsys.spec import load_spec
from mlsys.spec.blocks import Notify

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from mlsys.orchestration.tasks.endings import Ending

SMTP = "mlsys_smtp"
LAST_TASK = "report"  # of a retraining: it tells how the run ended
_EVENTS: dict[str, Event] = {
    "promoted": "promoted",
    "not_promoted": "rejected",
    "data_refused": "data_refused",
    "failed": "run_failed",
}
_PAUSES = (1.0, 3.0)
_GOOD: frozenset[Event] = frozenset({"promoted", "approval_wanted"})

log = get_logger(__name__)

Find = Callable[[str], Any]


def tell(notice: Notice, *, find: Find = Connection.get) -> None:
    """Log a notice, and send it on the channels of its pipeline's spec that want its event; raises nothing.

    Args:
        notice: what happened.
        find: returns the Airflow connection of a name.
    """
    level = logging.INFO if notice.event in _GOOD else logging.WARNING
    log.log(level, "notice", kind=notice.event, pipeline=notice.pipeline, sentence=notice.sentence)
    try:
        settings = load_settings()
        wanted = load_spec(settings.spec_path(notice.pipeline)).notify
        send(notice, wanted, home=settings.root, find=find)
    except (MlsysError, OSError) as error:
        log.warning("notice_not_sent", kind=notice.event, reason=str(error))


def send(notice: Notice, wanted: Notify, *, home: Path, find: Find = Connection.get) -> None:
    """Put a notice into the outbox if it is wanted, and deliver what waits there."""
    if wanted.wants(notice.event):
        Outbox(home).put(notice, wanted.channels)
    deliver_waiting(home, find=find)


def deliver_notices() -> dict[str, int]:
    """Deliver what waits in the outbox: what servers and monitors left there, and what found no receiver before."""
    home = load_settings().root
    if not Outbox(home).waiting():
        raise AirflowSkipException("No notice waits")
    return {"waiting": deliver_waiting(home)}


def deliver_waiting(home: Path, *, find: Find = Connection.get, pause: Callable[[float], None] = time.sleep) -> int:
    """Deliver what waits in the outbox, with a few attempts; return how much still waits, for the next run to try."""
    outbox = Outbox(home)
    for seconds in _PAUSES:
        left = outbox.deliver(lambda channel, waiting: _deliver(channel, waiting, find))
        if not left:
            return 0
        pause(seconds)
    return outbox.deliver(lambda channel, waiting: _deliver(channel, waiting, find))


def notice_of(end: Ending, pipeline: str, dag_run: Any, *, card: str | None = None) -> Notice | None:
    """Return what there is to tell of a run's end, or None: of skips, backfills and trials nobody is told."""
    event = _EVENTS.get(end.kind)
    run_type = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    if event is None or run_type == "backfill":
        return None
    pages = {"airflow": addresses.airflow_run(dag_run.dag_id, dag_run.run_id)}
    return Notice(
        key=ending_key(dag_run.dag_id, dag_run.run_id, dag_run.clear_number),
        event=event,
        pipeline=pipeline,
        sentence=end.text,
        at=clock.now(),
        day=end.day,
        run=end.run_id,
        dag_run=dag_run.run_id,
        version=end.version,
        outcome=end.outcome,
        links=pages if card is None else pages | {"report": card},
    )


def ending_key(dag_id: str, run_id: str, clear_number: int) -> str:
    """Return the key of the one notice about how a run ended; a run that was cleared ends once more."""
    return key_of("ended", dag_id, run_id, str(clear_number))


class ApprovalWanted(BaseNotifier):  # type: ignore[misc]
    """Tells that a run waits for a person; called by the task that asks."""

    def __init__(self, pipeline: str) -> None:
        super().__init__()
        self.pipeline = pipeline

    def notify(self, context: Context) -> None:
        """Send the notice."""
        run, task = context["dag_run"], context["task"]
        pages = {
            "approve": addresses.question(run.dag_id, run.run_id, task.task_id),
            "airflow": addresses.airflow_run(run.dag_id, run.run_id),
        }
        notice = Notice(
            key=key_of("approval_wanted", run.dag_id, run.run_id, str(run.clear_number)),
            event="approval_wanted",
            pipeline=self.pipeline,
            sentence=task.subject,
            at=clock.now(),
            dag_run=run.run_id,
            links=pages,
        )
        tell(notice)


class RunFailed(BaseNotifier):  # type: ignore[misc]
    """Tells that a run failed, unless its last task has told it already; called by the DAG processor."""

    def __init__(self, pipeline: str) -> None:
        super().__init__()
        self.pipeline = pipeline

    def notify(self, context: Context) -> None:
        """Send the notice."""
        from mlsys.orchestration.tasks.endings import Ending

        run = context.get("dag_run")
        if run is None or _has_told(context["ti"], run):
            return
        end = Ending("failed", "Failed", f"Its last task could not say why. Airflow says: {context['reason']}")
        notice = notice_of(end, self.pipeline, run)
        if notice is not None:
            tell(notice)


def _has_told(ti: Any, run: Any) -> bool:
    states = ti.get_task_states(dag_id=run.dag_id, task_ids=[LAST_TASK], run_ids=[run.run_id])
    return any(state in ("success", "skipped") for state in states.get(run.run_id, {}).values())


def _deliver(channel: Channel, notice: Notice, find: Find) -> None:
    name = SMTP if channel.kind == "email" else channel.to
    try:
        connection = find(name)
    except (AirflowNotFoundException, LookupError):
        # Perhaps the operator has not made it yet: it waits like one that does not answer.
        raise TransientError(f"Airflow has no connection '{name}'", remedy="See docs/notifications.md") from None
    if channel.kind == "email":
        from mlsys.orchestration.tasks.mailing import MailServer

        MailServer(connection).send(channel.to, notice)
    else:
        post(webhook(connection), notice)


def webhook(connection: Any) -> Webhook:
    """Return the webhook of a connection: its host is the whole address, its password signs each request.

    Raises:
        UsageError: the host is no address.
    """
    address = str(connection.host or "")
    if not address.startswith(("http://", "https://")):
        raise UsageError(
            "The host of a webhook's connection holds its whole address, from https:// on",
            where=f"connection {connection.conn_id}",
        )
    return Webhook(address, secret=connection.password)
