"""First and last event time of each day in data files, remembered: a night opens only files that are new or changed.

What is remembered (below MLSYS_HOME/cache) may be deleted at any time: the next reading measures again, and gives the
same rows. A file counts as unchanged when its size and times of change are, or else its content is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys import clock
from mlsys.errors import DataError, MlsysError
from mlsys.events import get_logger
from mlsys.schema import arrow_type
from mlsys.sources.reading.time_range import TimeRange
from mlsys.store import canonical_json, recall, remember, sha256_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

log = get_logger(__name__)

FORMAT = 2  # of an entry; a change forgets what older versions measured
_MICROS_PER_DAY = 86_400_000_000
_NO_DAY = -(2**40)
_TICK_NS = 2_000_000_000  # file systems stamp so coarsely, at worst, that a second change looks like the first


@dataclass(frozen=True)
class Span:
    """First and last readable event time (UTC) of each UTC day that a file holds rows of; empty when no row has one.

    Also times that no column may hold are kept: which ones that are depends on when it is asked.
    """

    days: Mapping[date, tuple[datetime, datetime]]

    def may_touch(self, since: datetime, until: datetime | None, times: TimeRange) -> bool:
        """Return whether rows of the window may stand in the file; one without a possible time always may."""
        possible = [ends for ends in self.days.values() if times.holds(ends[0]) or times.holds(ends[1])]
        return not possible or any(last >= since and (until is None or first < until) for first, last in possible)

    def newest(self, now: datetime, times: TimeRange) -> datetime | None:
        """Return the newest possible time that does not lie after `now`, or None."""
        found = [
            last if last <= now else first
            for first, last in self.days.values()
            if first <= now and (times.holds(first) or times.holds(last))
        ]
        return max(found, default=None)


def span_of(batches: Iterable[pa.Array]) -> Span:
    """Return the span of instants `(n,)`, given in parts; missing ones are passed over."""
    import numpy as np
    import pyarrow as pa

    days: dict[date, tuple[datetime, datetime]] = {}
    for instants in batches:
        times = np.sort(instants.drop_null().cast(pa.int64()).to_numpy())
        starts = np.flatnonzero(np.diff(np.floor_divide(times, _MICROS_PER_DAY), prepend=_NO_DAY))
        ends = np.append(starts[1:], len(times)) - 1
        for first, last in zip(*(_instants(times[chosen]) for chosen in (starts, ends[: len(starts)])), strict=True):
            before = days.get(first.date(), (first, last))
            days[first.date()] = min(first, before[0]), max(last, before[1])
    return Span(days)


def _instants(times: np.ndarray) -> list[datetime]:
    import pyarrow as pa

    found: list[datetime] = pa.array(times, pa.int64()).cast(arrow_type("timestamp")).to_pylist()
    return [instant.astimezone(UTC) for instant in found]


def measured_spans(paths: Sequence[Path], measure: Callable[[Path], Span], *, memory: Path | None) -> dict[Path, Span]:
    """Return the span of each file; `measure` reads those of which `memory`, a JSON file, does not know it.

    Raises:
        DataError: a file is gone or can't be read; as `measure`.
    """
    known = _recall(memory)
    entries: dict[str, dict[str, Any]] = {}
    try:
        for path in paths:
            entries[str(path.absolute())] = _entry(path, known.get(str(path.absolute()), {}), measure)
    except MlsysError:
        _remember(memory, {**known, **entries})  # what stands behind the bad file stays known
        raise
    if entries != known:
        _remember(memory, entries)
    return {path: _span(entries[str(path.absolute())]) for path in paths}


def _entry(path: Path, known: dict[str, Any], measure: Callable[[Path], Span]) -> dict[str, Any]:
    try:
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        if known.get("stamp") == stamp:
            return known
        # Before it is measured: if the file changes in between, the digest is of what nobody will find again.
        digest = sha256_of(path)
    except OSError as error:
        raise DataError(
            f"The file can't be read: {error.strerror}", where=str(path), remedy="Run again when the drop is complete"
        ) from error
    settled = clock.now().timestamp() * 1e9 - max(stamp[1:]) > _TICK_NS
    if known.get("sha256") != digest:
        span = measure(path)
        ends = sorted([first.isoformat(), last.isoformat()] for first, last in span.days.values())
        known = {"sha256": digest, "days": ends}
    return {**known, "stamp": stamp if settled else None}


def _span(entry: Mapping[str, Any]) -> Span:
    ends = [(datetime.fromisoformat(first), datetime.fromisoformat(last)) for first, last in entry["days"]]
    return Span({first.date(): (first, last) for first, last in ends})


def _recall(memory: Path | None) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((memory and recall(memory)) or b"{}")
    return found


def _remember(memory: Path | None, entries: Mapping[str, Any]) -> None:
    if memory is None:
        return
    try:
        remember(memory, canonical_json(entries))
    except OSError as error:
        log.warning("file_spans_not_remembered", path=memory, error=error)
