"""What people are told of a pipeline without asking: the notice, and the outbox that keeps it until it was delivered.

A notice is delivered at least once on every channel: it is written down before the first attempt and forgotten after
the first success. Its key stays the same, so that a receiver can tell a repetition.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from mlsys import clock
from mlsys.errors import MlsysError, NotUnderstoodError
from mlsys.events import get_logger
from mlsys.records import Record
from mlsys.store import write_atomically

RunEvent = Literal["data_refused", "run_failed", "deadline_missed", "rejected", "promoted", "approval_wanted"]
ServingEvent = Literal["champion_not_served", "champion_demoted"]
Event = Literal[RunEvent, ServingEvent]

KEPT = timedelta(days=7)  # so long a notice waits for a channel that is down, and a delivered one is remembered

log = get_logger(__name__)


class Notice(Record):
    """Something happened that somebody wants to know. This is also the body of a webhook's request.

    Attributes:
        key: the same for every repetition of the notice.
        sentence: what happened, complete, for people.
        day: of data; run: in the ledger; outcome: of the decision, where there was one.
        links: name of a page -> its address: `airflow`, `report`, `approve`.
    """

    key: str
    event: Event
    pipeline: str
    sentence: str
    at: datetime
    day: str | None = None
    run: str | None = None
    dag_run: str | None = None
    version: str | None = None
    outcome: str | None = None
    links: dict[str, str] = Field(default_factory=dict)

    @property
    def subject(self) -> str:
        """One line."""
        return f"[mlsys] {self.pipeline}: {self.event.replace('_', ' ')}"

    @property
    def text(self) -> str:
        """The notice as a letter."""
        facts = {"Day": self.day, "Run": self.run, "Airflow run": self.dag_run, "Version": self.version}
        lines = [f"{name}: {value}" for name, value in facts.items() if value]
        links = [f"{name.capitalize()}: {address}" for name, address in self.links.items()]
        return "\n".join([self.sentence, "", *lines, *links, ""])


class Channel(Record):
    """One way to one receiver.

    Attributes:
        to: mail address, or name of the Airflow connection of a webhook.
    """

    kind: Literal["email", "webhook"]
    to: str


Deliver = Callable[[Channel, Notice], None]


def key_of(*parts: str) -> str:
    """Return the key of a notice from what makes it one of its own."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


class Outbox:
    """Notices on their way, one file per notice and channel below `home/notices/`."""

    def __init__(self, home: Path) -> None:
        self._waiting = home / "notices" / "waiting"
        self._sent = home / "notices" / "sent"

    def put(self, notice: Notice, channels: Sequence[Channel]) -> None:
        """Keep a notice until it is delivered; one that is kept or was delivered before changes nothing."""
        for channel in channels:
            name = f"{notice.key}-{key_of(channel.kind, channel.to)[:8]}.json"
            if not (self._sent / name).exists() and not (self._waiting / name).exists():
                content = {"notice": notice.dump(), "channel": channel.dump()}
                write_atomically(self._waiting / name, json.dumps(content, ensure_ascii=False).encode(), mode=0o600)

    def waiting(self) -> list[tuple[Path, Notice, Channel]]:
        """Return what is still to be delivered, oldest first."""
        found = []
        for path in self._waiting.glob("[!.]*.json"):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                found.append((path, Notice.load(content["notice"]), Channel.load(content["channel"])))
            except (ValueError, KeyError, NotUnderstoodError) as error:  # of another version of mlsys, perhaps
                path.replace(path.with_suffix(".unreadable"))
                log.warning("notice_unreadable", path=path, reason=str(error))
        return sorted(found, key=lambda item: (item[1].at, item[0].name))

    def deliver(self, deliver: Deliver) -> int:
        """Deliver what waits and return how much still does; a channel that fails is tried again at the next call."""
        with self._alone():
            down: set[Channel] = set()
            waiting = self.waiting()
            for path, notice, channel in waiting:
                if channel in down:
                    continue
                try:
                    deliver(channel, notice)
                except MlsysError as error:
                    down.add(channel)
                    self._failed(path, notice, channel, error)
                    continue
                self._sent.mkdir(parents=True, exist_ok=True)
                path.replace(self._sent / path.name)
                log.info("notice_delivered", key=notice.key, kind=notice.event, channel=channel.kind)
            self._forget()
            return len(list(self._waiting.glob("[!.]*.json")))

    def _failed(self, path: Path, notice: Notice, channel: Channel, error: MlsysError) -> None:
        if clock.now() - notice.at > KEPT:
            path.unlink()
            log.error("notice_given_up", key=notice.key, kind=notice.event, channel=channel.kind)
        else:
            log.warning("notice_waits", kind=notice.event, channel=channel.kind, reason=str(error))

    def _forget(self) -> None:
        before = (clock.now() - KEPT).timestamp()
        for path in self._sent.glob("*.json"):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time deliver, so that a notice is as a rule sent once."""
        self._waiting.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._waiting.parent / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
