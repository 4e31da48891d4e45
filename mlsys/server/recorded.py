"""The outermost layer: a request has an id, an answer its headers, a line in the log and its place in the metrics.

Whatever goes wrong below, a client is told no more than that it did, and by which id the log has the rest.
"""

from __future__ import annotations

import os
import re
import time
from logging import INFO

import orjson

from mlsys.events import get_logger
from mlsys.server.asgi import ASGIApp, Headers, Message, Receive, Scope, Send, TurnedAwayError, header
from mlsys.server.metrics import Metrics

log = get_logger(__name__)

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_JSON = b"application/json"
_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
_NOT_KEPT: Headers = [(b"cache-control", b"no-store")]
_HTTPS: Headers = [(b"strict-transport-security", b"max-age=31536000")]
_END = b"base-uri 'none'; frame-ancestors 'none'"
_DATA: Headers = [(b"content-security-policy", b"default-src 'none'; " + _END)]
_PAGE = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; "
)


class Recorded:
    """Gives each request an id in `scope["state"]["request_id"]`, and a page's scripts `scope["state"]["nonce"]`.

    An id that the client sends (`X-Request-ID`) is taken where it is short and plain.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; nothing is raised that came from a request."""
        begun = time.perf_counter()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = _id_of(scope)
        state["nonce"] = os.urandom(16).hex()
        answer = _Answer(scope, send)
        try:
            await self.app(scope, receive, answer.send)
        except TurnedAwayError as error:
            await answer.refuse(error)
        except Exception:
            log.exception("request_failed", request_id=request_id, method=scope["method"], path=scope["path"][:200])
            await answer.fail()
        finally:
            took = time.perf_counter() - begun
            self.metrics.request(scope["path"], answer.status, took)
            if log.isEnabledFor(INFO):
                place = {"method": scope["method"], "path": scope["path"][:200], "client": state.get("client")}
                took = round(took * 1000, 2)
                log.info("request", request_id=request_id, status=answer.status, milliseconds=took, **place)


class _Answer:
    """The answer on its way out."""

    __slots__ = ("_replaced", "_scope", "_send", "status")

    def __init__(self, scope: Scope, send: Send) -> None:
        self.status: int | None = None  # until it has begun
        self._scope = scope
        self._send = send
        self._replaced = False

    async def send(self, message: Message) -> None:
        """Pass a message on, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            if message["status"] == 500:
                await self.fail()
                return
            self.status = message["status"]
            message["headers"] = self._with_headers(list(message.get("headers", ())))
        if not self._replaced:
            await self._send(message)

    async def refuse(self, error: TurnedAwayError) -> None:
        """Say why a request was turned away."""
        if self.status is None:
            await self._whole(error.status, error.problem, error.headers)

    async def fail(self) -> None:
        """Say that something went wrong here; once an answer has begun it stays unfinished, and so is no answer."""
        if self.status is None:
            self._replaced = True
            await self._whole(500, "Something went wrong in the server; its log has more under the request's id", [])

    async def _whole(self, status: int, problem: str, headers: Headers) -> None:
        self.status = status
        told = {"problems": [{"problem": problem}], "request_id": self._scope["state"]["request_id"]}
        body = orjson.dumps(told)
        said = [(b"content-type", _JSON), (b"content-length", str(len(body)).encode()), *headers]
        await self._send({"type": "http.response.start", "status": status, "headers": self._with_headers(said)})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def _with_headers(self, headers: Headers) -> Headers:
        names = {name.lower(): value for name, value in headers}
        headers.append((b"x-request-id", self._scope["state"]["request_id"].encode()))
        headers += _ALWAYS
        if b"cache-control" not in names:
            headers += _NOT_KEPT
        if b"content-security-policy" not in names:
            headers += self._policy() if names.get(b"content-type", b"").startswith(b"text/html") else _DATA
        if self._scope.get("scheme") == "https":
            headers += _HTTPS
        return headers

    def _policy(self) -> Headers:
        return [(b"content-security-policy", _PAGE.format(nonce=self._scope["state"]["nonce"]).encode() + _END)]


def _id_of(scope: Scope) -> str:
    given = header(scope, b"x-request-id")
    return given if given is not None and _SANE_ID.fullmatch(given) else os.urandom(16).hex()
