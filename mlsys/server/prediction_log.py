"""Answered requests are kept, off the request's path: told in memory, written once a second by a thread of its own.

What waits is bounded. A full disk, or a thread that does not keep up, costs rows of the log and no answer: rows that
find no room are dropped and counted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.live import kept_rows
from mlsys.live.rules import LiveRules
from mlsys.server.answered import Answered
from mlsys.server.log_counter import LogCounter
from mlsys.server.log_rows import table_of
from mlsys.serving.column_rows import ColumnRows, column_of

if TYPE_CHECKING:
    import pyarrow as pa

log = get_logger(__name__)

EVERY_SECONDS = 1.0
MOST_WAITING = 20_000  # rows in memory
_SOON = MOST_WAITING // 4  # so many waiting rows are written before the second is over
_REMIND_SECONDS = 60.0  # between two lines of the log that say that nothing can be written

RulesOf = Callable[[str], LiveRules | None]  # of a pipeline; None where it is not known


class KeptAnswers:
    """The log of a server's answers. `tell` is a watcher of answers; `keeping` writes while its block lasts."""

    def __init__(self, home: Path, rules: RulesOf, *, most: int = MOST_WAITING) -> None:
        self._home, self._rules, self._most = home, rules, most
        self._counter = LogCounter(home)
        self._waiting: deque[Answered] = deque()
        self._n_waiting = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ends = False
        self._day: date | None = None
        self._said: float | None = None

    @property
    def dropped(self) -> int:
        """Rows that found no room, of this process."""
        return self._counter.now.dropped

    @property
    def lost(self) -> int:
        """Rows that killed servers took with them, ever."""
        return self._counter.lost

    @property
    def kept(self) -> int:
        """Rows written by this process."""
        return self._counter.now.kept

    @property
    def failing(self) -> bool:
        """Whether what was to be written last could not be."""
        return self._said is not None

    def tell(self, answered: Answered) -> None:
        """Keep an answer; returns at once."""
        rules = self._rules(answered.pipeline)
        if rules is None or not rules.kept:
            return
        n_rows, counts = len(answered.rows), self._counter.now
        with self._lock:
            counts.told += n_rows
            # A request is kept whole or not at all; one that is larger than all the room finds it when nothing waits.
            if self._n_waiting and self._n_waiting + n_rows > self._most:
                counts.dropped += n_rows
            else:
                self._waiting.append(replace(answered, given=_keys_alone(answered, rules)))
                self._n_waiting += n_rows
            self._counter.write()
            soon = self._n_waiting >= min(_SOON, self._most)
        if soon:
            self._wake.set()

    @contextmanager
    def keeping(self, *, every: float = EVERY_SECONDS) -> Iterator[None]:
        """Write what was told at least every so many seconds, and the rest when the block ends."""
        thread = threading.Thread(target=self._write_on, args=(every,), name="prediction-log", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ends = True
            self._wake.set()
            thread.join()
            self.write()
            self._counter.close()

    def write(self) -> None:
        """Write what waits now, a file for each pipeline and day; what can't be written goes on waiting."""
        with self._lock:
            told, self._waiting = list(self._waiting), deque()
        groups: dict[tuple[str, date], list[Answered]] = {}
        for each in told:
            groups.setdefault((each.pipeline, each.at.date()), []).append(each)
        for (pipeline, day), answers in groups.items():
            try:
                self._write(pipeline, day, answers)
            except (MlsysError, OSError) as error:
                self._back(answers, error)
            else:
                self._said = None

    def _write(self, pipeline: str, day: date, answers: Sequence[Answered]) -> None:
        rules = self._rules(pipeline)
        rows, n_told = self._rows(answers, rules), sum(len(each.rows) for each in answers)
        n_kept = 0 if rows is None else rows.num_rows
        folder, counts = kept_rows.day_folder(self._home, pipeline, day), self._counter.now
        if rows is not None:
            number = counts.number + 1
            kept_rows.write_rows(folder, f"{self._counter.process}_{number:08d}_{n_kept}", rows)
        with self._lock:
            counts.number += rows is not None
            counts.kept += n_kept
            counts.dropped += n_told - n_kept
            self._n_waiting -= n_told
            self._counter.write()
        if rows is not None:
            kept_rows.merge_if_many(folder)

    def _rows(self, answers: Sequence[Answered], rules: LiveRules | None) -> pa.Table | None:
        import pyarrow as pa

        if rules is None:
            return None
        alike: dict[tuple[int, str], list[Answered]] = {}
        for each in answers:
            alike.setdefault((id(each.model), each.arm), []).append(each)
        tables = []
        for some in alike.values():
            try:
                tables.append(table_of(some, rules))
            except (MlsysError, ValueError, TypeError, pa.ArrowException) as error:  # no answer is lost by it
                log.warning("predictions_not_kept", pipeline=some[0].pipeline, reason=str(error))
        return pa.concat_tables(tables, promote_options="permissive") if tables else None

    def _back(self, answers: Sequence[Answered], error: Exception) -> None:
        with self._lock:
            self._waiting.extendleft(reversed(answers))
        now = time.monotonic()
        if self._said is None or now - self._said >= _REMIND_SECONDS:
            self._said = now
            log.error("prediction_log_fails", reason=str(error), waiting=self._n_waiting, dropped=self.dropped)

    def _write_on(self, every: float) -> None:
        while not self._ends:
            self._wake.wait(every)
            self._wake.clear()
            self.write()
            self._merge_past()

    def _merge_past(self) -> None:
        today = clock.now().date()
        if self._day == today:
            return
        self._day = today
        for folder in (self._home / kept_rows.FOLDER).glob("[a-z]*/"):
            try:
                kept_rows.merge_past(self._home, folder.name, before=today)
            except (MlsysError, OSError) as error:
                log.warning("live_rows_not_merged", pipeline=folder.name, reason=str(error))


def _keys_alone(answered: Answered, rules: LiveRules) -> ColumnRows:
    """Return what names the rows of a request, which is all that is kept of what is no feature."""
    columns = {name: column_of(answered.given, name) for name in rules.key}
    return ColumnRows(columns, len(answered.given))
