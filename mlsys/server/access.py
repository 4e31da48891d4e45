"""Who may ask for what: open addresses, those of every client, and those of an administrator or of this machine."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from mlsys.server.asgi import ASGIApp, Receive, Scope, Send, TurnedAwayError, header
from mlsys.server.bounded import limited
from mlsys.server.guesses import Guesses, place_of
from mlsys.server.keys import KeyFile

OPEN = frozenset({"/health", "/ready", "/static/server.css", "/static/server.js"})  # what holds nobody's data
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

Rule = Literal["keys", "local", "open"]


def for_admin(path: str) -> bool:
    """Whether an address changes or tells what only an administrator, or whoever is on this machine, may."""
    return path == "/metrics" or path.endswith("/model/reload")


@dataclass(frozen=True)
class Admitted:
    """Lets through who may, and says by name who it is.

    Attributes:
        rule: who may ask without a key while there is none: nobody (`keys`), this machine (`local`), all (`open`).
        guesses: counts wrong keys by address. A right key is let in whatever else came from there: it has 256 bits, so
            no limit is needed to keep it from being found, and a proxy stands for many clients.
    """

    app: ASGIApp
    keys: KeyFile
    rule: Rule
    guesses: Guesses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or raise `TurnedAwayError`."""
        path = scope["path"]
        if path not in OPEN:
            scope["state"]["client"] = self._client(scope, path)
        await self.app(scope, receive, send)

    def _client(self, scope: Scope, path: str) -> str:
        _require_own_origin(scope)
        text = _presented(scope)
        if text is not None:
            return self._by_key(text, path, scope)
        if for_admin(path):
            if not _is_local(scope):
                raise _unknown(scope, "This address wants an API key of the scope `admin`")
        elif self.rule == "keys" or (self.rule == "local" and self.keys.any):
            raise _unknown(scope, "This address wants an API key")
        elif self.rule == "local" and not _is_local(scope):
            raise _unknown(scope, "Without API keys the server answers this machine alone, and a proxy asks here")
        if self.rule != "open":
            _require_own_name(scope)
        peer = scope.get("client")
        return str(peer[0]) if peer else "local"

    def _by_key(self, text: str, path: str, scope: Scope) -> str:
        address = place_of(scope.get("client"))
        key = self.keys.find(text, fresh=not self.guesses.limited(address))
        if key is None:
            wait = self.guesses.note(address)
            if wait:
                raise limited(f"Too many wrong API keys from `{address}`", wait)
            raise _unknown(scope, "The API key is unknown, revoked or ended")
        if for_admin(path) and key.scope != "admin":
            raise TurnedAwayError(403, f"The key {key.id} has the scope `{key.scope}`; this address wants `admin`")
        if key.per_second is not None:
            scope["state"]["own_rate"] = (f"key {key.id}", key.per_second)
        return key.client


def _presented(scope: Scope) -> str | None:
    """Return the key that a request brings: as a bearer, in a header of its own, or as a browser's password."""
    found = header(scope, b"authorization")
    if found is None:
        return header(scope, b"x-api-key")
    kind, _, text = found.partition(" ")
    if kind.lower() != "basic":
        return text.strip()
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _unknown(scope: Scope, problem: str) -> TurnedAwayError:
    # A browser that is told "Basic" asks its user; the key is the password, whatever the name.
    browser = (header(scope, b"user-agent") or "").startswith("Mozilla/")
    way = b'Basic realm="mlsys: the key is the password"' if browser else b'Bearer realm="mlsys"'
    return TurnedAwayError(401, problem, headers=[(b"www-authenticate", way)])


def _is_local(scope: Scope) -> bool:
    """Whether a request comes from this machine itself and not through a proxy that runs here."""
    peer = scope.get("client")
    local = peer is None or peer[0] in _LOOPBACK  # no peer: a socket of this machine's file system
    return local and not any(name in _FORWARDED for name, _ in scope["headers"])


def _require_own_name(scope: Scope) -> None:
    """Refuse a request without a key whose `Host` is no name of this machine.

    A page elsewhere can let its own name point to 127.0.0.1 and have its reader's browser ask here.
    """
    host = header(scope, b"host")
    if host is not None and _parts(f"//{host}")[1] not in _LOOPBACK:
        raise TurnedAwayError(403, f"Without an API key the server answers as `localhost` alone, not as `{host[:80]}`")


def _require_own_origin(scope: Scope) -> None:
    """Refuse what a page of another site lets its reader's browser send, which may know the reader's key."""
    origin = None if scope["method"] in _READING else header(scope, b"origin")
    if origin is not None and _parts(origin)[0] != header(scope, b"host"):
        raise TurnedAwayError(403, f"A page of another site sent this: `{origin[:80]}`")


def _parts(address: str) -> tuple[str, str | None]:
    """Return host and port of an address as they stand there, and the host's bare name."""
    try:
        found = urlsplit(address)
        return found.netloc, found.hostname
    except ValueError:
        return "", None
