"""Looks at what comes in: rows that stay away, and labels that stop although rows go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from queue import Empty, Queue
from statistics import median
from threading import Thread

from mlsys import clock
from mlsys.durations import in_words
from mlsys.ledger.rows import Partition
from mlsys.snapshot.ingest import request_of
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.watchdog.sign import Sign, guarded
from mlsys.workspace import Workspace

SECONDS = 10.0  # that a source has to answer
LEARNT_FROM = 60  # newest days of data: how long a source, and its labels, stay away as a rule
_A_DAY = timedelta(days=1)
_ENOUGH = 7  # days of data before the habits of a source are believed
_FEW = 20  # rows of a day whose share of labels says nothing


def source_sign(spec: Spec, store: Store, days: Sequence[date], at: datetime, *, seconds: float = SECONDS) -> Sign:
    """Return whether rows come as they use to; a look that hangs is left alone and ends with the process.

    Frozen is a source that has been without a complete day for longer than it ever was between two of the newest
    days of data.

    Args:
        spec: whose source; one without times is read whole by every run, and can't be frozen.
        store: where the source may remember what it looked at.
        days: with data, rising, that were read before.
        at: the present.
        seconds: that the source has to answer.
    """
    if not spec.source.timed:
        return Sign(cause="source", pipeline=spec.pipeline, ok=True, sentence="Its rows have no time.")
    answers: Queue[Sign] = Queue()

    def look() -> None:
        for sign in guarded("source", spec.pipeline, lambda: _looked(spec, store, days, at)):
            answers.put(sign)

    Thread(target=look, daemon=True, name=f"pulse of {spec.pipeline}").start()
    try:
        return answers.get(timeout=seconds)
    except Empty:
        sentence = f"The source did not answer in {seconds:g} s; a run may hang on it."
        return Sign(cause="source", pipeline=spec.pipeline, ok=False, sentence=sentence)


def _looked(spec: Spec, store: Store, days: Sequence[date], at: datetime) -> Sign:
    newest = spec.source.newest(request_of(spec, store))
    if newest is None:
        return Sign(cause="source", pipeline=spec.pipeline, ok=False, sentence="The source has no row up to now.")
    day = clock.newest_complete_day(newest, spec.ingest.settle, at=at)
    behind = (clock.last_day_before(at - spec.ingest.settle) - day).days
    gap = usual_gap(days)
    seen = f"its newest complete day is {day}, its newest row of {newest:%Y-%m-%d %H:%M} UTC"
    if behind < gap:
        return Sign(cause="source", pipeline=spec.pipeline, ok=True, sentence=f"Rows come: {seen}.")
    habit = "a day never stayed away before" if gap == 1 else f"as a rule it is never {gap} days behind"
    sentence = (
        f"The source is frozen: {seen}; {habit}. See whether anything is delivered: `mlsys check {spec.pipeline}`."
    )
    return Sign(cause="source", pipeline=spec.pipeline, ok=False, sentence=sentence)


def usual_gap(days: Sequence[date]) -> int:
    """Return the most days from one day of data to the next among the newest ones; 2 while too few are known.

    >>> usual_gap([date(2026, 3, n) for n in (2, 3, 4, 5, 6, 9, 10, 11)])
    3
    """
    newest = days[-LEARNT_FROM:]
    return max((b - a).days for a, b in pairwise(newest)) if len(newest) >= _ENOUGH else 2


def partitions_of(work: Workspace, pipeline: str) -> list[Partition]:
    """Return the newest version of each day of data that runs have read, rising."""
    layout = work.ledger.newest_layout(pipeline)
    return [] if layout is None else work.ledger.partitions(pipeline, layout)


def labels_sign(spec: Spec, partitions: Sequence[Partition], at: datetime) -> Sign | None:
    """Return whether labels come as they use to, or None where too few days of data say so.

    Dry are labels of which none has arrived for longer than ever between two of the newest days, and a day more; and
    those of the newest day whose labels are due, if it has less than half of the share that days before it had.

    Args:
        spec: whose labels.
        partitions: the newest version of each day, rising.
        at: the present.
    """
    newest = [part for part in partitions[-LEARNT_FROM:] if part.n_rows]
    if len(newest) < _ENOUGH:
        return None
    said = _silent(newest, spec, at) or _bare(newest, spec)
    if said is None:
        return Sign(cause="labels", pipeline=spec.pipeline, ok=True, sentence="Labels come.")
    return Sign(
        cause="labels",
        pipeline=spec.pipeline,
        ok=False,
        sentence=f"Labels have run dry: {said}. Who labels, and how do labels get into the source?",
    )


def _silent(newest: Sequence[Partition], spec: Spec, at: datetime) -> str | None:
    arrivals = sorted(part.newest_arrival for part in newest if part.newest_arrival)
    if len(arrivals) < _ENOUGH:
        return None
    usual = max(b - a for a, b in pairwise(arrivals))
    read = max(part.read_at for part in newest)
    silence = min(read, at) - arrivals[-1]  # as of the newest reading: what nobody read since is another trouble
    if silence <= max(usual, spec.label.delay) + _A_DAY:
        return None
    return f"the newest arrived {in_words(silence)} before the newest reading of {read:%Y-%m-%d %H:%M} UTC"


def _bare(newest: Sequence[Partition], spec: Spec) -> str | None:
    due = newest[-1].day - max(spec.label.delay, _A_DAY)
    shares = [(part.day, part.n_labelled / part.n_rows) for part in newest if part.day <= due and part.n_rows >= _FEW]
    if len(shares) < _ENOUGH:
        return None
    (day, share), usual = shares[-1], median(share for _, share in shares[:-1])
    if share >= usual / 2:
        return None
    return f"{100 * share:.0f} % of the rows of {day} have one, where {100 * usual:.0f} % are usual of days as old"
