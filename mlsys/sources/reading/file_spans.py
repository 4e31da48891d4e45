"""First and last event time of data files, remembered, so that a night opens only files that are new or changed.

What is remembered lies below MLSYS_HOME/cache and may be deleted at any time: the next reading measures again, and
gives the same rows. A file counts as unchanged when its size and times of change are, or else its content is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlsys import clock
from mlsys.errors import DataError, MlsysError
from mlsys.store import canonical_json, recall, remember, sha256_of

log = logging.getLogger(__name__)

FORMAT = 1  # of an entry; a change forgets what older versions measured
_TICK_NS = 2_000_000_000  # file systems stamp so coarsely, at worst, that a second change looks like the first


@dataclass(frozen=True)
class Span:
    """First and last readable event time of a file's rows, UTC; both None when no row has one."""

    first: datetime | None
    last: datetime | None

    def may_touch(self, since: datetime, until: datetime | None) -> bool:
        """Return whether rows of the window may stand in the file; a file without a readable time always may."""
        if self.first is None or self.last is None:
            return True
        return self.last >= since and (until is None or self.first < until)


def measured_spans(paths: Sequence[Path], measure: Callable[[Path], Span], *, memory: Path) -> dict[Path, Span]:
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
        known = {"sha256": digest, "first": _text(span.first), "last": _text(span.last)}
    return {**known, "stamp": stamp if settled else None}


def _span(entry: Mapping[str, Any]) -> Span:
    first, last = (entry[name] and datetime.fromisoformat(entry[name]) for name in ("first", "last"))
    return Span(first, last)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _recall(memory: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(recall(memory) or b"{}")
    return found


def _remember(memory: Path, entries: Mapping[str, Any]) -> None:
    try:
        remember(memory, canonical_json(entries))
    except OSError as error:
        log.warning("file_spans_not_remembered path=%s error=%s", memory, error)
