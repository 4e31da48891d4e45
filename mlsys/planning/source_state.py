"""What a source shows a run that might be asked for: the content of each day in its window, as a fingerprint.

A file that is still being written, or that its reader refuses, is not read by anybody: the run is then about the newest
day whose window has no such file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from mlsys import clock
from mlsys.errors import DataError
from mlsys.ledger.rows import Partition
from mlsys.snapshot.fingerprint import table_fingerprint
from mlsys.snapshot.ingest import Reading, read, request_of, start_of_window
from mlsys.snapshot.partitioning import DayRows, Layout, masked
from mlsys.snapshot.unreadable import count_once, require_some, require_tolerable
from mlsys.sources.base import Part, ReadRequest
from mlsys.spec import Spec
from mlsys.store import Store


@dataclass(frozen=True)
class SourceState:
    """What the source shows.

    Attributes:
        newest: the newest day that a run can be about, or None.
        content: fingerprint of each day in that run's window.
        unfinished, refused: why a day is not to be read yet, or can't be.
        beyond: whole days after `newest`, which wait for what is unfinished or refused.
        before: days in front of the window.
    """

    newest: date | None = None
    content: Mapping[date, str] = field(default_factory=dict)
    unfinished: Mapping[date, str] = field(default_factory=dict)
    refused: Mapping[date, str] = field(default_factory=dict)
    beyond: Collection[date] = ()
    before: Collection[date] = ()


@dataclass(frozen=True)
class Looker:
    """Looks at the source of a spec.

    Attributes:
        stored: partitions by day.
        store: holds them.
        judged: the newest day that was answered; its window and those before are compared as of its cutoff.
        announced: a day that somebody vouches for.
        is_whole: whether nobody writes to a part any more.
    """

    spec: Spec
    layout: Layout
    stored: Mapping[date, Partition]
    store: Store
    judged: date | None
    announced: date | None
    is_whole: Callable[[Part], bool]

    def look(self) -> SourceState:
        """Return what a run could read now.

        Raises:
            DataError, TransientError: as the source.
        """
        parts = self.spec.source.parts()
        unfinished = [part for part in parts if part.day != self.announced and not self.is_whole(part)]
        if parts and all(part.day is not None for part in parts):
            return self._by_parts(parts, unfinished)
        if unfinished:
            return SourceState(unfinished={clock.now().date(): _being_written(unfinished[0])})
        return self._as_one()

    def _last_day(self) -> date:
        """Return the last day whose rows are all there: it is over and settled, or announced."""
        over = clock.last_day_before(clock.now().replace(microsecond=0) - self.spec.ingest.settle)
        return over if self.announced is None else max(over, self.announced)

    def _as_one(self) -> SourceState:
        spec = self.spec
        if not spec.source.timed:
            today = clock.now().date()
            content = self._tolerable(request_of(spec, self.store), today)
            return SourceState(newest=today if content else None, content=content)
        newest = spec.source.newest(request_of(spec, self.store))
        if newest is None:
            return SourceState()
        last = min(newest.astimezone(UTC).date(), self._last_day())
        content = self._tolerable(self._request(self._since(last), last), last)
        return SourceState(newest=max(content, default=None), content=content)

    def _by_parts(self, parts: Sequence[Part], unfinished: Sequence[Part]) -> SourceState:
        last = self._last_day()
        days = sorted({part.day for part in parts if part.day is not None and part.day <= last})
        blocked = {part.day: _being_written(part) for part in unfinished if part.day is not None and part.day <= last}
        refused: dict[date, str] = {}
        content: dict[date, dict[date, str]] = {}
        usable, window = days, days
        while usable:
            window = self._window(usable)
            for day in window:
                if day not in content and day not in refused and day not in blocked:
                    try:
                        content[day] = self._content(self._request(day, day), last)
                    except DataError as error:
                        refused[day] = str(error)
            bad = [day for day in window if day in blocked or day in refused]
            if not bad:
                break
            usable = [day for day in usable if day < bad[0]]
        found = {day: print_ for day in window if usable for day, print_ in content[day].items()}
        newest = max(found, default=None)
        return SourceState(
            newest=newest,
            content=found,
            unfinished=blocked,
            refused=refused,
            beyond=[day for day in days if day not in usable and day not in blocked and day not in refused],
            before=[day for day in usable if day < window[0]],
        )

    def _window(self, days: Sequence[date]) -> list[date]:
        since = self._since(days[-1])
        return [day for day in days if since is None or day >= since]

    def _since(self, last: date) -> date | None:
        since = start_of_window(self.spec, clock.cutoff_of(last), self.stored)
        return None if since is None else since.date()

    def _request(self, first: date | None, last: date) -> ReadRequest:
        since = None if first is None else datetime.combine(first, time(), UTC)
        return request_of(self.spec, self.store, since, clock.cutoff_of(last))

    def _content(self, request: ReadRequest, last: date) -> dict[date, str]:
        reading = read(self.spec, request, last, self.layout)
        if not reading.days:
            require_some({last: reading.rejected}, last, self.spec)
        return self._fingerprints(reading, last)

    def _tolerable(self, request: ReadRequest, last: date) -> dict[date, str]:
        """Return the content of a whole window, refused as a run about its last day would refuse it."""
        reading = read(self.spec, request, last, self.layout)
        stored, timed = (self.stored, True) if self.spec.source.timed else ({}, False)
        new = [rows.day for rows in reading.changed(stored, timed=timed)]
        bad = count_once(reading.rejected, new=new, asked=last, before=stored.values(), store=self.store)
        require_tolerable(bad, reading.n_rows, new, self.spec)
        return self._fingerprints(reading, last)

    def _fingerprints(self, reading: Reading, last: date) -> dict[date, str]:
        return {rows.day: self._fingerprint(rows, last) for rows in reading.days}

    def _fingerprint(self, rows: DayRows, last: date) -> str:
        """Return the fingerprint that the manifest of the newest answer has for these rows, or that of the next."""
        cutoff = clock.cutoff_of(self.judged if self.judged is not None and rows.day <= self.judged else last)
        if rows.newest_arrival is None or rows.newest_arrival < cutoff:
            return rows.fingerprint
        known = masked(rows.table.select(list(self.layout.columns)), cutoff, self.layout.label_columns)
        return table_fingerprint(known)


def _being_written(part: Part) -> str:
    return f"{part.name} is still being written"
