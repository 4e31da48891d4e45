"""API keys: who may ask the server. Only digests are kept, so whoever reads the file can't ask with it.

A key is 256 random bits, which nobody finds by trying: one SHA-256 keeps it as well as a slow hash would, and costs a
request half a microsecond. A client may have several keys at once, which is how they are exchanged without a pause.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import math
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlsys import clock
from mlsys.errors import IntegrityError, UsageError, near_match
from mlsys.events import get_logger
from mlsys.store import canonical_json, write_atomically

log = get_logger(__name__)

KeyScope = Literal["predict", "admin"]
LOOK_EVERY_SECONDS = 1.0
_SPELLING = re.compile(r"mlsys_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_CLIENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Key(BaseModel):
    """What is kept of a key.

    Attributes:
        id: its public part, by which it is named and revoked.
        client: who asks with it; limits and logs go by this name.
        scope: `predict` asks for answers; `admin` also reloads models and reads metrics.
        sha256: of the whole key.
        until: the first instant at which it is no longer taken, UTC; None where it has no end.
        per_second: how many requests it is good for, where that is not what the server grants each client; 0: any
            number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    client: str
    scope: KeyScope
    sha256: str
    made_at: datetime
    until: datetime | None = None
    per_second: float | None = Field(default=None, ge=0, allow_inf_nan=False, exclude_if=lambda value: value is None)

    @property
    def ended(self) -> bool:
        """Whether its time is over."""
        return self.until is not None and clock.now() >= self.until


class KeyRing(BaseModel):
    """The content of a file of keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[Key, ...] = ()


def keys_in(path: Path) -> tuple[Key, ...]:
    """Return the keys of a file, the oldest first; none where there is no file.

    Raises:
        IntegrityError: it is no file of keys, or can't be read.
    """
    try:
        return KeyRing.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no file of keys"
        remedy = "Restore it from a backup, or remove it and make new keys with `mlsys keys add`"
        raise IntegrityError(f"The keys of the server can't be read: {why}", where=str(path), remedy=remedy) from None


def add(
    path: Path, client: str, *, scope: KeyScope, until: datetime | None = None, per_second: float | None = None
) -> tuple[Key, str]:
    """Make a key for a client, and return it with its text, which is nowhere else and can't be shown again.

    Raises:
        UsageError: the client's name has other letters than a log line and a metric take, the end is past, or the rate
            is none.
    """
    if not _CLIENT.fullmatch(client):
        allowed = "Letters, digits, `.`, `_` and `-`, at most 63"
        raise UsageError("A client can't be called that", where="CLIENT", got=client, remedy=allowed)
    at = clock.now()
    if until is not None and until <= at:
        raise UsageError("The key would have ended already", where="--until", got=until.isoformat())
    if per_second is not None and not 0 <= per_second < math.inf:
        raise UsageError("A key has a rate of 0 (no limit) or more", where="--per-second", got=per_second)
    name = secrets.token_hex(4)
    text = f"mlsys_{name}_{secrets.token_urlsafe(32)}"
    own = {"until": until, "per_second": per_second}
    made = Key(id=name, client=client, scope=scope, sha256=_digest(text), made_at=at, **own)
    with _alone(path):
        _write(path, (*keys_in(path), made))
    return made, text


def revoke(path: Path, name: str) -> Key:
    """Take a key away, by its id; a running server refuses it within a second or two.

    Raises:
        UsageError: there is no such key.
    """
    with _alone(path):
        known = keys_in(path)
        gone = next((key for key in known if key.id == name), None)
        if gone is None:
            hint = near_match(name, [key.id for key in known]) if known else "There are no keys"
            raise UsageError(f"There is no key '{name}'. {hint}", where=str(path), remedy="See `mlsys keys list`")
        _write(path, tuple(key for key in known if key is not gone))
    return gone


class KeyFile:
    """The keys of a running server: a file that is looked at again while it may have changed.

    A file that is gone or damaged changes nothing: the keys that were known go on, and no door opens by it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = _stamp(path)
        self._by_id = {key.id: key for key in keys_in(path)}
        self._looked = time.monotonic()

    @property
    def clients(self) -> frozenset[str]:
        """Names of those who have a key, ended or not."""
        self._look()
        return frozenset(key.client for key in self._by_id.values())

    @property
    def any(self) -> bool:
        """Whether there are keys, or were since the server began: revoking the last one lets nobody in."""
        self._look()
        return bool(self._by_id) or self._seen is not None

    def find(self, text: str, *, fresh: bool = True) -> Key | None:
        """Return the key that a text is, or None where it is none, revoked, or ended.

        With `fresh` one that was just made works at once, for which the disk is asked; else within a second.
        """
        self._look()
        match = _SPELLING.fullmatch(text)
        if fresh and match and match[1] not in self._by_id:
            self._look(at_least_every=0.0)
        key = self._by_id.get(match[1]) if match else None
        if key is None or not hmac.compare_digest(key.sha256, _digest(text)) or key.ended:
            return None
        return key

    def _look(self, *, at_least_every: float = LOOK_EVERY_SECONDS) -> None:
        now = time.monotonic()
        if now - self._looked < at_least_every:
            return
        self._looked = now
        stamp = _stamp(self.path)
        if stamp is None or stamp == self._seen:
            return
        try:
            self._by_id = {key.id: key for key in keys_in(self.path)}
        except IntegrityError:
            log.exception("keys_unreadable", path=self.path)
        else:
            log.info("keys_read", keys=len(self._by_id))
        self._seen = stamp


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, keys: tuple[Key, ...]) -> None:
    write_atomically(path, canonical_json(KeyRing(keys=keys).model_dump(mode="json")), mode=0o600)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time change the keys, so that none is lost."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
