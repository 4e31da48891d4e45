"""Troubles that somebody knows of and lets be for a while: with a reason, a name and an end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mlsys import clock
from mlsys.errors import UsageError
from mlsys.records import Record
from mlsys.store import canonical_json, write_atomically
from mlsys.watchdog.sign import CAUSES, Cause, Sign


class Acknowledgement(Record):
    """Somebody knows: until then the trouble is shown, and alarms nobody.

    Attributes:
        pipeline: whose trouble, or empty for the installation's.
    """

    cause: Cause
    pipeline: str = ""
    who: str
    reason: str
    until: datetime

    @property
    def sentence(self) -> str:
        """Who, why, and until when."""
        return f"{self.who} knows until {self.until:%Y-%m-%d %H:%M} UTC: {self.reason.rstrip('.')}."


def acknowledge(home: Path, given: Acknowledgement) -> None:
    """Keep an acknowledgement in place of an earlier one of the same trouble.

    Raises:
        UsageError: no such cause, no reason, or its end is not ahead.
    """
    if not given.reason.strip():
        raise UsageError("A reason says something", where="--reason")
    if given.until <= clock.now():
        raise UsageError("An acknowledgement ends in the future", where="--until", got=str(given.until))
    _write(home, [*(old for old in acknowledged(home) if not _same(old, given.cause, given.pipeline)), given])


def withdraw(home: Path, cause: str, pipeline: str) -> None:
    """Let a trouble alarm again.

    Raises:
        UsageError: nobody has acknowledged it.
    """
    before = acknowledged(home)
    left = [one for one in before if not _same(one, cause, pipeline)]
    if len(left) == len(before):
        raise UsageError("Nobody has acknowledged this", got=f"{cause} {pipeline}".rstrip())
    _write(home, left)


def acknowledged(home: Path, *, at: datetime | None = None) -> list[Acknowledgement]:
    """Return those whose end is not over; `at` is the present, for tests.

    Raises:
        NotUnderstoodError: a newer mlsys wrote them.
    """
    path = _path(home)
    found = json.loads(path.read_bytes()) if path.exists() else []
    return [one for one in map(Acknowledgement.load, found) if one.until > (at or clock.now())]


def with_acknowledgements(signs: Sequence[Sign], known: Sequence[Acknowledgement]) -> list[Sign]:
    """Return the signs, troubles that somebody acknowledged with the sentence about that."""
    said = {(one.cause, one.pipeline): one.sentence for one in known}
    return [
        sign if sign.ok else sign.model_copy(update={"acknowledged": said.get((sign.cause, sign.pipeline))})
        for sign in signs
    ]


def require_cause(text: str) -> Cause:
    """Return a cause by its word.

    Raises:
        UsageError: there is no such cause.
    """
    for cause in CAUSES:
        if cause == text:
            return cause
    raise UsageError(f"There is no such cause: {', '.join(CAUSES)}", got=text)


def _same(one: Acknowledgement, cause: str, pipeline: str) -> bool:
    return (one.cause, one.pipeline) == (cause, pipeline)


def _write(home: Path, kept: Sequence[Acknowledgement]) -> None:
    write_atomically(_path(home), canonical_json([one.dump() for one in kept]))


def _path(home: Path) -> Path:
    return home / "watchdog" / "acknowledged.json"
