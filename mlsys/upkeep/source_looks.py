"""A short look at the source of each pipeline: whether it can be read, and what its newest day is."""

from __future__ import annotations

from queue import Empty, Queue
from threading import Thread

from mlsys import clock
from mlsys.errors import DataError, MlsysError, shortened
from mlsys.snapshot.ingest import request_of
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.upkeep.diagnosis import Diagnosis

SECONDS = 10.0  # that a source has to answer


def look(spec: Spec, store: Store | None = None, *, seconds: float = SECONDS) -> Diagnosis:
    """Return whether a source can be read, and its newest day; one that does not answer in time is a problem.

    With a store, the source may remember what it looked at. A look that hangs is left alone and ends with the process.
    """
    answers: Queue[Diagnosis] = Queue()
    Thread(target=lambda: answers.put(_look(spec, store)), daemon=True, name=f"look at {spec.pipeline}").start()
    try:
        return answers.get(timeout=seconds)
    except Empty:
        sentence = f"did not answer in {seconds:g} s; a run waits longer, and may hang on it"
        return Diagnosis(f"source {spec.pipeline}", ok=False, sentence=sentence)


def _look(spec: Spec, store: Store | None) -> Diagnosis:
    subject = f"source {spec.pipeline}"
    try:
        return Diagnosis(subject, ok=True, sentence=_seen(spec, store))
    except MlsysError as error:
        return Diagnosis(subject, ok=False, sentence=str(error))
    except Exception as error:  # noqa: BLE001 - a source of another package, or a driver, may raise anything
        return Diagnosis(subject, ok=False, sentence=f"can't be read: {type(error).__name__}: {shortened(str(error))}")


def _seen(spec: Spec, store: Store | None) -> str:
    """Return in words what a source has.

    Raises:
        DataError, TransientError: it can't be read.
    """
    request = request_of(spec, store)
    if not spec.source.timed:
        has_rows = any(drop.table.num_rows for drop in spec.source.read(request))
        return "can be read; its rows have no time" if has_rows else "can be read, and has no rows"
    newest = spec.source.newest(request)
    if newest is None:
        raise DataError("It can be read, and has no row up to now", remedy="See whether anything was ever delivered")
    day = clock.newest_complete_day(newest, spec.ingest.settle)
    return f"can be read; its newest complete day is {day}, its newest row of {newest:%Y-%m-%d %H:%M} UTC"
