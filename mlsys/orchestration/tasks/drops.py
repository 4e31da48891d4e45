"""The tasks of `drops` and `announced`: what arrived where, and the runs that answer it.

Both ask in the same way, so that the night, a scan and an announcement never start a day twice: nothing is asked for
while a run is under way, and what the ledger says was answered is not asked for at all.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import PokeReturnValue, get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from mlsys import clock
from mlsys.errors import DataError, RunError, UsageError
from mlsys.events import get_logger
from mlsys.orchestration.api import retrainings, service
from mlsys.orchestration.tasks.run_notes import write_note
from mlsys.orchestration.tasks.run_params import params_of
from mlsys.orchestration.tasks.workplace import Data, opened

if TYPE_CHECKING:
    from mlsys.planning.arrivals import DayState, Survey
    from mlsys.workspace import Workspace


_ASSET = "drops_"

log = get_logger(__name__)


def asset_name(pipeline: str) -> str:
    """Return the name of the asset whose events announce a pipeline's days."""
    return f"{_ASSET}{pipeline}"


def due(paces: Mapping[str, float]) -> list[str]:
    """Name the pipelines whose turn it is, by their seconds between looks; by hand those chosen, or else all."""
    context = get_current_context()
    chosen = params_of(context)["pipelines"]
    if chosen or context["dag_run"].run_type == "manual":
        return list(chosen or paces)
    from mlsys.planning import arrivals

    # A look takes a while, so that the next one at the same pace comes a little early.
    early = timedelta(seconds=min(paces.values()) / 2)
    with opened() as work:
        last = {name: arrivals.last_look(work, name) for name in paces}
    now = clock.now()
    return [name for name, at in last.items() if at is None or now - at + early >= timedelta(seconds=paces[name])]


def announced() -> list[str]:
    """Name the pipelines whose day was announced; by hand those chosen."""
    context = get_current_context()
    events = context.get("triggering_asset_events") or {}
    names = {asset.name.removeprefix(_ASSET) for asset in events} | set(params_of(context)["pipelines"] or ())
    if not names:
        raise UsageError("An announcement names its pipelines", where="pipelines", remedy="Choose one or more")
    return sorted(names)


def scan(pipeline: str) -> Data:
    """Look what arrived, and start the one retraining that answers it, unless a run is under way."""
    with opened() as work:
        found = _look(work, pipeline)
    _tell(pipeline, found)
    is_news = set(found.counts) - {"answered"} or found.news
    return {
        "counts": found.counts,
        "asked": found.ask.request_id if found.ask else None,
        "note": f"{pipeline}: {_sentence(found)}" if is_news else None,
    }


def is_answered(pipeline: str) -> PokeReturnValue:
    """Wait, without a worker, until the announced day is answered; start its retraining when no other is under way."""
    dag_run = get_current_context()["dag_run"]
    if dag_run.partition_key is None:
        raise UsageError("An announcement names its day", where="partition key", remedy="Give it one: YYYY-MM-DD")
    day = clock.parse_day(dag_run.partition_key, where="partition key")
    with opened() as work:
        state = _look(work, pipeline, announced=day).of(day)
    done = _is_done(day, state)
    note = f"{pipeline}: {day} is {state.state}: {state.sentence}" if done and state is not None else None
    return PokeReturnValue(done, {"note": note})


def note(looks: Iterable[Data | None] | None) -> None:
    """Write what was found in each pipeline into the run's note."""
    found = [look["note"] for look in looks or () if look and look["note"]]
    if not found:
        raise AirflowSkipException("Nothing to tell")
    dag_run = get_current_context()["dag_run"]
    write_note(dag_run.dag_id, dag_run.run_id, " ".join(found))


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
        log.info("days", of=" to ".join(dict.fromkeys((span[0], span[-1]))), state=state, sentence=sentence)
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
