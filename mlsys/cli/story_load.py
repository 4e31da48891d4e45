"""Requests to a server, one after another without a pause, and what became of each: the load below the story."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A row to ask about: the body of its request, and the truth, which the server is not told."""

    body: bytes
    positive: bool


@dataclass
class Day:
    """What was answered about the rows of a day.

    Attributes:
        counts: answers by version, truth and prediction.
        failed: requests without an answer, by what happened.
    """

    counts: Counter[tuple[str, bool, bool]] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def error_rate(self, *, positive: bool) -> float:
        """Return the share of the rows of one truth that were taken for the other: FNR, or with False FPR."""
        wrong = sum(n for (_, truth, said), n in self.counts.items() if truth is positive and said is not positive)
        return wrong / max(1, sum(n for (_, truth, _), n in self.counts.items() if truth is positive))

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that answered, in order."""
        return tuple(sorted({version for version, _, _ in self.counts}))


class Load:
    """Asks about the rows of the present day again and again, until the next day begins."""

    def __init__(self, port: int, path: str, *, pause: float = 0.004) -> None:
        self._port, self._path, self._pause = port, path, pause
        self._rows: Sequence[Asked] = ()
        self._present = Day()
        self.days: list[Day] = []
        self.n_requests = 0

    def begin(self, rows: Sequence[Asked]) -> Day:
        """Let a day begin; returns what will be counted of it."""
        day = Day()
        self.days.append(day)
        self._rows, self._present = rows, day
        return day

    @property
    def n_failed(self) -> int:
        """Requests without an answer so far."""
        return sum(sum(day.failed.values()) for day in self.days)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask for as long as the block lasts."""
        ends = threading.Event()
        thread = threading.Thread(target=self._ask, args=(ends,), name="load", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()

    def _ask(self, ends: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        for number in count():
            if ends.is_set():
                return
            rows, day = self._rows, self._present
            if rows:
                self._one(connection, rows[number % len(rows)], day)
            time.sleep(self._pause)

    def _one(self, connection: http.client.HTTPConnection, row: Asked, day: Day) -> None:
        self.n_requests += 1
        try:
            connection.request("POST", self._path, row.body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said: dict[str, Any] = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            day.failed[type(error).__name__] += 1
            connection.close()
            return
        if answer.status != 200:
            day.failed[f"status {answer.status}"] += 1
            return
        day.counts[said["version"], row.positive, said["predictions"][0]["positive"]] += 1


def bodies(rows: Sequence[Mapping[str, Any]], *, target: str, positive: str, hidden: Sequence[str]) -> list[Asked]:
    """Return requests about rows: what is missing is null, and what is not known when one asks is left out."""
    found = []
    for row in rows:
        known = {name: None if value != value else value for name, value in row.items() if name not in hidden}
        found.append(Asked(json.dumps(known).encode(), row[target] == positive))
    return found
