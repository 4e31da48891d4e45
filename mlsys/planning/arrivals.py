"""Drops: days of data that arrived and that no live run has looked at, and the one run that answers them all.

A run about a day reads that day and, inside the lookback, what came late or changed before it. So data time decides:
the newest complete day is asked about, once, and however many days arrived together it is one run. Days older than
the newest answered one have no run of their own: it could not promote. Only what a run would read is compared, labels
masked as of its cutoff, so that labels which trickle in later ask for nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mlsys import clock
from mlsys.errors import DataError, IntegrityError
from mlsys.events import get_logger
from mlsys.ledger import RequestRow
from mlsys.planning.source_state import Looker, SourceState
from mlsys.records import Record
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.partitioning import layout_of
from mlsys.sources.base import Part
from mlsys.spec import Spec, resolve
from mlsys.store import canonical_json, write_atomically
from mlsys.workspace import Workspace

log = get_logger(__name__)

QUIET = timedelta(seconds=60)  # a file that nobody has written to for so long counts as whole
ArrivalState = Literal["answered", "failed", "asked", "waiting", "unfinished", "refused", "too_late"]
LOOKED_AT = (24, 500, None)  # of the newest requests, in which one about the newest day is looked for
_TOO_LATE = "It lies in front of the lookback: no live run reads it"
_LISTED = 60
_LONGEST = 300


class DayState(Record):
    """What became of a day's data.

    Attributes:
        state: `answered` by a run; `failed` in one, and not asked for again while it is the same; `asked` for now;
            `waiting`; `unfinished`, somebody writes its file; `refused` by the reader; `too_late` for any run to read.
    """

    day: date
    state: ArrivalState
    sentence: str


class Ask(Record):
    """A run to start: its day, an id that the same data give again, and why."""

    day: date
    request_id: str
    reason: str


class Survey(Record):
    """What a look at a source found.

    Attributes:
        days: the newest 60 of those in the window that a run would read, and of older ones that no run has read.
        counts: how many days are in which state; those in front of the window count as answered.
        ask: the run to start now, or None.
        news: sentences about what somebody should mend, each told once.
    """

    pipeline: str
    at: datetime
    days: tuple[DayState, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict)
    ask: Ask | None = None
    news: tuple[str, ...] = ()

    def of(self, day: date) -> DayState | None:
        """Return the state of a day, or None where it is not listed."""
        return next((state for state in self.days if state.day == day), None)


def survey(
    work: Workspace,
    pipeline: str,
    *,
    announced: date | None = None,
    under_way: str | None = None,
    state_of: Callable[[str], str | None] = lambda _: None,
) -> Survey:
    """Return what became of each day, and the run to start now, if any.

    Args:
        work: the installation.
        pipeline: name of the spec.
        announced: somebody vouches that this day's data is all there, though the day may not be over.
        under_way: a live run that is queued or running; nothing is asked for beside it.
        state_of: how a run that was asked for before has ended, by its id; None for an unknown one.

    Raises:
        UsageError: no such pipeline, or a wrong spec.
        TransientError: the source or the ledger is locked or unreachable.
    """
    spec = resolve(work.settings.spec_path(pipeline)).spec
    layout = layout_of(spec)
    memory = _Memory.read(_memory_file(work, pipeline))
    answer = _newest_answer(work, spec, layout.fingerprint)
    stored = {partition.day: partition for partition in work.ledger.partitions(pipeline, layout.fingerprint)}
    judged = answer.day if answer else None
    looker = Looker(spec, layout, stored, work.store, judged, announced, memory.is_whole)
    try:
        look = looker.look()
        refused = {str(day): sentence for day, sentence in look.refused.items()}
    except DataError as error:
        look, refused = SourceState(), {"source": str(error)}
    asked = _Asked(look, answer, announced, under_way, state_of)
    found = Survey(
        pipeline=pipeline,
        at=clock.now(),
        days=tuple(asked.states()[-_LISTED:]),
        counts=asked.counts(),
        ask=asked.ask,
        news=tuple(sentence for key, sentence in refused.items() if memory.told.get(key) != sentence),
    )
    memory.write(told=refused, found=found)
    log.info("surveyed", pipeline=pipeline, counts=found.counts, ask=found.ask and found.ask.request_id)
    return found


def last_look(work: Workspace, pipeline: str) -> datetime | None:
    """Return when a pipeline's source was looked at last, or None where that isn't remembered."""
    return _Memory.read(_memory_file(work, pipeline)).at


def _memory_file(work: Workspace, pipeline: str) -> Path:
    return work.home / "drops" / f"{pipeline}.json"


@dataclass(frozen=True)
class _Answer:
    """The newest day that a live request looked at: what it read, by day (None: of another spec), and its end."""

    day: date
    read: Mapping[date, str] | None
    sentence: str
    failed: bool


def _newest_requests(work: Workspace, pipeline: str) -> list[RequestRow]:
    """Return the newest live requests that looked at data, oldest first: back to one about the newest day of all."""
    newest_day = str(work.ledger.newest_day(pipeline) or date.max)
    rows: list[RequestRow] = []
    for last in LOOKED_AT:
        requests = work.ledger.requests(pipeline, last=last)
        rows = [row for row in requests if row.mode == "live" and row.manifest and row.day]
        if any(str(row.day) >= newest_day for row in rows) or len(requests) < (last or 0):
            break
    return rows


def _newest_answer(work: Workspace, spec: Spec, layout: str) -> _Answer | None:
    rows = _newest_requests(work, spec.pipeline)
    if not rows:
        return None
    newest = max(reversed(rows), key=lambda row: str(row.day))  # of several about a day the last one
    runs = work.ledger.run(newest.run_id or "")
    failed = newest.status == "accepted" and bool(runs) and runs[-1].status == "failed"
    sentence = f"{newest.run_id}: {runs[-1].sentence}" if runs else newest.sentence
    day = clock.parse_day(str(newest.day))
    try:
        listing = read_manifest(str(newest.manifest), work.store)
    except IntegrityError:  # housekeeping removes manifests of old requests
        return _Answer(day, None, sentence, failed)
    read = {entry.day: entry.content for entry in listing.partitions}
    if not spec.source.timed:  # its day is only when it was read
        day = clock.now().date()
        read = dict(zip([day], reversed(read.values()), strict=False))
    return _Answer(day, read if listing.layout == layout else None, sentence, failed)


@dataclass(frozen=True)
class _Asked:
    """Puts together what the source shows, what was answered, and what is under way."""

    look: SourceState
    answer: _Answer | None
    announced: date | None
    under_way: str | None
    state_of: Callable[[str], str | None]

    @property
    def waiting(self) -> dict[date, str]:
        """Days whose content no run has read, with that content."""
        answer = self.answer
        if answer is None:
            return dict(self.look.content)
        read = answer.read
        return {
            day: found
            for day, found in self.look.content.items()
            if day > answer.day or (read is not None and read.get(day) != found)
        }

    @property
    def wanted(self) -> Ask | None:
        """The run that would answer what waits, whether it can start now or not."""
        waiting, newest = self.waiting, self.look.newest
        if not waiting or newest is None or (self.answer is not None and newest < self.answer.day):
            return None
        content = {str(day): found for day, found in waiting.items()}
        digest = hashlib.sha256(canonical_json([str(newest), content])).hexdigest()
        return Ask(day=newest, request_id=f"drop__{newest}__{digest[:10]}", reason=self._reason(sorted(waiting)))

    @property
    def ask(self) -> Ask | None:
        """The run to start now."""
        wanted = self.wanted
        if wanted is None or self.under_way is not None or self.state_of(wanted.request_id) is not None:
            return None
        return wanted

    def states(self) -> list[DayState]:
        """Return the days that are listed, by day."""
        look, read = self.look, (self.answer.read if self.answer else None) or {}
        late = [
            day for day in look.before if self.answer is not None and self.answer.read is not None and day not in read
        ]
        found = [
            *(_state(day, "too_late", _TOO_LATE) for day in late),
            *(_state(day, "unfinished", sentence) for day, sentence in look.unfinished.items()),
            *(_state(day, "refused", sentence) for day, sentence in look.refused.items()),
            *(_state(day, *self._beyond(day)) for day in look.beyond),
            *self._inside(),
        ]
        found += self._of_announced({state.day for state in found})
        return sorted(found, key=lambda state: state.day)

    def counts(self) -> dict[str, int]:
        """Return how many days are in which state, with those that the answer read in front of the window."""
        states = self.states()
        counts = Counter(state.state for state in states)
        listed = {state.day for state in states}
        earlier = [day for day in (self.answer.read if self.answer else None) or {} if day not in listed]
        counts["answered"] += len(earlier)
        return {state: number for state, number in sorted(counts.items()) if number}

    def _of_announced(self, listed: Collection[date]) -> Iterator[DayState]:
        """Yield the state of an announced day in front of the window, which is not listed otherwise."""
        day, answer = self.announced, self.answer
        if day is None or answer is None or day in listed or day >= min(self.look.content, default=date.min):
            return
        if answer.read is None or day in answer.read:
            yield _state(day, "failed" if answer.failed else "answered", answer.sentence)
        else:
            yield _state(day, "too_late", _TOO_LATE)

    def _inside(self) -> Iterator[DayState]:
        waiting, wanted = self.waiting, self.wanted
        state, sentence = self._of_waiting(wanted)
        for day in self.look.content:
            if day in waiting:
                yield _state(day, state, sentence)
            elif self.answer is not None:
                yield _state(day, "failed" if self.answer.failed else "answered", self.answer.sentence)

    def _of_waiting(self, wanted: Ask | None) -> tuple[ArrivalState, str]:
        if wanted is None:
            return "waiting", f"{self.answer.day if self.answer else 'The day'} was answered and is not whole now"
        before = self.state_of(wanted.request_id)
        if before == "failed":
            return "failed", f"{wanted.request_id} failed, and the data are the same"
        if before == "success":
            return "answered", f"{wanted.request_id} ended well"
        if before is not None:
            return "waiting", f"{wanted.request_id} is {before}"
        if self.under_way is not None:
            return "waiting", f"{self.under_way} is under way"
        return "asked", wanted.reason

    def _beyond(self, day: date) -> tuple[ArrivalState, str]:
        read = (self.answer.read if self.answer else None) or {}
        if self.answer is not None and day in read:
            return "answered", self.answer.sentence
        newest = self.look.newest or date.min
        first = min(bad for bad in {**self.look.unfinished, **self.look.refused} if bad > newest)
        return "waiting", f"A run about it would read {first}, which is not whole"

    def _reason(self, days: Sequence[date]) -> str:
        late = [day for day in days if self.answer is not None and day <= self.answer.day]
        new = [day for day in days if day not in late]
        parts = [f"new: {_span(new)}"] if new else []
        parts += [f"late or changed: {_span(late)}"] if late else []
        return f"Data arrived ({'; '.join(parts)})"


def _state(day: date, state: ArrivalState, sentence: str) -> DayState:
    return DayState(day=day, state=state, sentence=sentence[:_LONGEST])


def _span(days: Sequence[date]) -> str:
    if len(days) <= 2:
        return ", ".join(map(str, days))
    return f"{len(days)} days from {days[0]} to {days[-1]}"


class _Memory:
    """What the look before saw; without it a file that is just being written is recognised by its age alone."""

    def __init__(
        self, path: Path, seen: Mapping[str, Any], told: Mapping[str, str], at: datetime | None = None
    ) -> None:
        self._path = path
        self.at = at
        self._before = seen
        self._seen: dict[str, tuple[str, str]] = {}
        self.told = told

    @classmethod
    def read(cls, path: Path) -> _Memory:
        """Return what was remembered; nothing where the file is missing or damaged."""
        try:
            found = json.loads(path.read_bytes())
            at = datetime.fromisoformat(found["survey"]["at"])
            return cls(path, dict(found["seen"]), dict(found["told"]), at)
        except (OSError, ValueError, LookupError, TypeError):
            return cls(path, {}, {})

    def is_whole(self, part: Part) -> bool:
        """Whether nobody has written to a part for `QUIET`: by its own time, or by ours when it looks the same."""
        now = clock.now()
        mark, since = self._before.get(part.name, ("", ""))
        first = datetime.fromisoformat(since) if mark == part.mark else now
        self._seen[part.name] = (part.mark, first.isoformat())
        return now - first >= QUIET or now - part.written >= QUIET

    def write(self, *, told: Mapping[str, str], found: Survey) -> None:
        """Remember this look."""
        content = {"seen": self._seen, "told": dict(told), "survey": found.model_dump(mode="json")}
        write_atomically(self._path, canonical_json(content))
