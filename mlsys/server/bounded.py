"""A request stays within its limits before a route sees it: its rate, the size of its body, and its time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from mlsys.server.asgi import ASGIApp, Message, Receive, Scope, Send, TurnedAwayError, header
from mlsys.server.limits import Budgets, ServerLimits
from mlsys.wording import counted, number

_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_RETRY_LATER: Final = [(b"retry-after", b"1")]


class WithinLimits:
    """Reads a request's body whole and in time, and gives it to the application, which has to answer in time.

    Who asks stands in `scope["state"]["client"]`, and in `own_rate` name and rate of a key that has its own; requests
    without a client (`/health`, `/ready`) have no rate.
    """

    def __init__(self, app: ASGIApp, limits: ServerLimits) -> None:
        self.app = app
        self.limits = limits
        self._budgets = Budgets(limits.requests_per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or raise `TurnedAwayError`."""
        self._require_rate(scope["state"])
        answer = _Begun(send)
        try:
            async with asyncio.timeout(self.limits.body_seconds) as timeout:
                if scope["method"] not in _BODILESS:
                    receive = _given_once(await self._body(scope, receive), receive)
                answer.waited_for = True
                timeout.reschedule(asyncio.get_running_loop().time() + self.limits.answer_seconds)
                await self.app(scope, receive, answer.send)
        except TimeoutError:
            if not timeout.expired() or answer.begun:
                raise
            raise self._late(answer) from None

    def _require_rate(self, state: Mapping[str, Any]) -> None:
        client, own = state.get("client"), state.get("own_rate")
        if client is None:
            return
        bucket, rate = own or (client, self.limits.requests_per_second)
        wait = self._budgets.spend(bucket, rate)
        if wait:
            raise limited(f"More than {counted_per_second(rate)} from `{client}`", wait)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Return the whole body."""
        most = self.limits.body_bytes
        told = header(scope, b"content-length")
        if told is not None and told.isdecimal() and int(told[:20]) > most:
            raise _too_large(most)
        parts: list[bytes] = []
        n_bytes = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise TurnedAwayError(400, "The client went before the body had come")
            part = message.get("body", b"")
            n_bytes += len(part)
            if n_bytes > most:
                raise _too_large(most)
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)

    def _late(self, answer: _Begun) -> TurnedAwayError:
        if not answer.waited_for:
            problem = f"The body did not come within {counted_seconds(self.limits.body_seconds)}"
            return TurnedAwayError(408, problem, closes=True)
        problem = f"No answer within {counted_seconds(self.limits.answer_seconds)}; ask with fewer rows, or later"
        return TurnedAwayError(503, problem, headers=_RETRY_LATER)


class _Begun:
    """Whether an answer is waited for, and whether it has begun."""

    __slots__ = ("_send", "begun", "waited_for")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = self.waited_for = False

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        self.begun = True
        await self._send(message)


def limited(problem: str, wait: int) -> TurnedAwayError:
    """Return what is said to whoever asks for more than is granted, and may ask again after so many seconds."""
    return TurnedAwayError(429, problem, headers=[(b"retry-after", str(wait).encode())])


def counted_seconds(seconds: float) -> str:
    """Return a limit in words: `1 second`, `0.5 seconds`."""
    return f"{number(seconds)} second{'' if seconds == 1 else 's'}"


def counted_per_second(rate: float) -> str:
    """Return a rate in words: `1 request a second`, `0.5 requests a second`."""
    return f"{number(rate)} request{'' if rate == 1 else 's'} a second"


def _too_large(most: int) -> TurnedAwayError:
    remedy = "send it in parts, or let the operator raise MLSYS_SERVER_BODY_BYTES"
    return TurnedAwayError(413, f"The body is larger than {counted(most, 'byte')}; {remedy}", closes=True)


def _given_once(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
