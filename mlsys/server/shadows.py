"""Shadows score what was answered, after it was answered: in a thread of their own, several requests at once.

Where the server has too much to do they are what is left out first: requests that find no room are not scored, and
are counted.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mlsys.events import get_logger
from mlsys.server.answered import Answered, Watcher
from mlsys.server.arms import Arm, Arms
from mlsys.server.failing_arms import require_answers

log = get_logger(__name__)

MOST_WAITING = 5_000  # rows in memory
_AT_ONCE = 2_000  # rows that a model is asked about in one call
_GATHER_SECONDS = 0.05  # requests that come this near to each other are scored together


class Shadows:
    """Lets shadows score what it is told of, and tells `log` what they said. `tell` is a watcher of answers."""

    def __init__(self, arms: Arms, into: Watcher, *, most: int = MOST_WAITING) -> None:
        self._arms, self._into, self._most = arms, into, most
        self._waiting: deque[Answered] = deque()
        self._n_waiting = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ends = False
        self.shed = 0  # rows that no shadow scored for want of room
        self.unscored = 0  # rows that a shadow could not score
        self.seconds: dict[str, float] = {}  # newest time of a row, by candidate

    def tell(self, answered: Answered) -> None:
        """Let shadows score the rows of an answer later; returns at once."""
        if answered.silent or not self._arms.shadows(answered.pipeline):
            return
        n_rows = len(answered.rows)
        with self._lock:
            if self._n_waiting and self._n_waiting + n_rows > self._most:
                self.shed += n_rows
                return
            self._waiting.append(answered)
            self._n_waiting += n_rows
        self._wake.set()

    @contextmanager
    def scoring(self) -> Iterator[None]:
        """Score what was told for as long as the block lasts, and what waits when it ends."""
        thread = threading.Thread(target=self._score_on, name="shadows", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ends = True
            self._wake.set()
            thread.join()
            self.score()

    def score(self) -> None:
        """Score what waits now."""
        while self._waiting:
            some = self._taken()
            for arm in self._arms.shadows(some[0].pipeline):
                self._scored(arm, some)

    def _taken(self) -> list[Answered]:
        """Return requests of one pipeline that wait, the oldest first, as many as are scored in one call."""
        with self._lock:
            some = [self._waiting.popleft()]
            n_rows = len(some[0].rows)
            while self._waiting and self._waiting[0].pipeline == some[0].pipeline and n_rows < _AT_ONCE:
                some.append(self._waiting.popleft())
                n_rows += len(some[-1].rows)
            self._n_waiting -= n_rows
        return some

    def _scored(self, arm: Arm, some: Sequence[Answered]) -> None:
        from threadpoolctl import threadpool_limits

        features = arm.model.champion.features
        given = [each.given or each.rows for each in some]
        whole = [all(name in row for row in rows for name in features) for rows in given]
        asked = [(each, rows) for each, rows, can in zip(some, given, whole, strict=True) if can]
        self.unscored += sum(len(rows) for rows, can in zip(given, whole, strict=True) if not can)
        rows = [{name: row[name] for name in features} for _, of_one in asked for row in of_one]
        if not rows:
            return
        begun = time.perf_counter()
        try:
            with threadpool_limits(limits=1):
                answers = arm.model.answers(rows)
                require_answers(answers, len(rows))
        except Exception as error:  # noqa: BLE001 - whatever it raises, the others score on
            self.unscored += len(rows)
            self._arms.failing.failed(arm.trial, error)
            return
        self._arms.failing.answered(arm.trial)
        each_took = self.seconds[arm.trial.candidate_id] = (time.perf_counter() - begun) / len(rows)
        start = 0
        for answered, of_one in asked:
            said, start = answers[start : start + len(of_one)], start + len(of_one)
            self._into(
                replace(
                    answered,
                    model=arm.model,
                    arm=arm.trial.candidate_id,
                    answers=said,
                    seconds=each_took * len(of_one),
                    silent=True,
                )
            )

    def _score_on(self) -> None:
        while not self._ends:
            self._wake.wait()
            self._wake.clear()
            time.sleep(_GATHER_SECONDS)
            self.score()
