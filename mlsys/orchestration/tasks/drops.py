"""The tasks of `drops_<pipeline>` and `announced_<pipeline>`: what arrived, and the run that answers it.

Both ask in the same way, so that the night, a scan and an announcement never start a day twice: nothing is asked for
while a run is under way, and what the ledger says was answered is not asked for at all.
"""

from __future__ import annotations

import functools
import itertools
import logging
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context

from mlsys import clock
from mlsys.errors import DataError, RunError, UsageError
from mlsys.orchestration.api import retrainings, service
from mlsys.orchestration.tasks.run_notes import write_note
from mlsys.orchestration.tasks.workplace import opened

if TYPE_CHECKING:
    from mlsys.planning.arrivals import DayState, Survey
    from mlsys.workspace import Workspace

Data = dict[str, Any]

log = logging.getLogger(__name__)


def scan(pipeline: str) -> Data:
    """Look what arrived, and start the one retraining that answers it, unless a run is under way."""
    with opened() as work:
        found = _look(work, pipeline)
    dag_run = get_current_context()["dag_run"]
    _tell(pipeline, found)
    if set(found.counts) - {"answered"} or found.news:
        write_note(dag_run.dag_id, dag_run.run_id, _sentence(found))
    return {"counts": found.counts, "asked": found.ask.request_id if found.ask else None}


def is_answered(pipeline: str) -> bool:
    """Wait, without a worker, until the announced day is answered; start its retraining when no other is under way."""
    dag_run = get_current_context()["dag_run"]
    if dag_run.partition_key is None:
        raise UsageError("An announcement names its day", where="partition key", remedy="Give it one: YYYY-MM-DD")
    day = clock.parse_day(dag_run.partition_key, where="partition key")
    with opened() as work:
        state = _look(work, pipeline, announced=day).of(day)
    done = _is_done(day, state)
    if done and state is not None:
        write_note(dag_run.dag_id, dag_run.run_id, f"{day} is {state.state}: {state.sentence}")
    return done


def _look(work: Workspace, pipeline: str, *, announced: date | None = None) -> Survey:
    from mlsys.planning import arrivals

    with service.connect() as api:
        found = arrivals.survey(
            work,
            pipeline,
            announced=announced,
            under_way=retrainings.under_way(api, pipeline),
            state_of=functools.partial(api.state_of, retrainings.retrain(pipeline)),
        )
        wanted = found.ask
        if wanted is not None:
            retrainings.ask(api, pipeline, day=str(wanted.day), run_id=wanted.request_id, reason=wanted.reason)
    for (state, sentence), days in itertools.groupby(found.days, key=lambda day: (day.state, day.sentence)):
        span = sorted({str(day.day) for day in days})
        log.info("days=%s state=%s sentence=%r", " to ".join(dict.fromkeys((span[0], span[-1]))), state, sentence)
    return found


def _is_done(day: date, state: DayState | None) -> bool:
    if state is None:
        raise DataError(
            f"{day} was announced, and the source has no rows of it", remedy="Announce it when they are there"
        )
    if state.state == "refused":
        raise DataError(f"{day} was announced, and can't be read: {state.sentence}", remedy="Deliver it again")
    if state.state == "failed":
        raise RunError(f"{day} was announced, and its retraining failed: {state.sentence}")
    if state.state == "too_late":
        raise UsageError(
            f"{day} was announced too late: {state.sentence}",
            remedy="Retrain by hand with that day once, so that it is stored; later runs then have it",
        )
    return state.state in ("answered", "asked")


def _tell(pipeline: str, found: Survey) -> None:
    from mlsys.notification.outbox import Notice, key_of
    from mlsys.orchestration.tasks.notifying import tell

    for sentence in found.news:
        key = key_of("drop_refused", pipeline, sentence)
        tell(Notice(key=key, event="data_refused", pipeline=pipeline, sentence=sentence, at=found.at))


def _sentence(found: Survey) -> str:
    counts = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in found.counts.items())
    asked = f"Asked for {found.ask.day}: {found.ask.reason}. " if found.ask else ""
    return f"{asked}Days: {counts or 'none'}." + "".join(f" {sentence}" for sentence in found.news)
