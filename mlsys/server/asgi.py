"""The shapes of ASGI: what a server gives to an application, and what an application gives back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = list[tuple[bytes, bytes]]


class TurnedAwayError(Exception):
    """A request that never reaches a route: an HTTP status, why in a sentence, and headers that say what to do.

    Args:
        closes: the connection can't be used again, for a part of the request was never read.
    """

    def __init__(self, status: int, problem: str, *, headers: Headers | None = None, closes: bool = False) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem
        self.headers = [*(headers or []), *([(b"connection", b"close")] if closes else [])]


def header(scope: Scope, name: bytes) -> str | None:
    """Return the value of a request's header (its name in lower case), the first one where there are several."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


async def reply(send: Send, status: int, body: bytes, kind: bytes, headers: Headers | None = None) -> None:
    """Send a whole answer."""
    said = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": said})
    await send({"type": "http.response.body", "body": body, "more_body": False})
