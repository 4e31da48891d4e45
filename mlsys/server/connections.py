"""Connections that can't be held by being slow: a head that does not come, or too many of them at once.

uvicorn itself waits for ever for the first byte of a request, and for the rest of its head.
"""

from __future__ import annotations

import asyncio
import resource
from collections import OrderedDict
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from mlsys.server.limits import ServerLimits

HEAD_BYTES = 64 * 1024
_SPARE_FILES = 200  # of this process, for models, ledger and logs
_FEWEST = 16


def connections_within(limits: ServerLimits) -> type[Connection]:
    """Return the protocol of one server's connections."""
    kept = {"limits": limits, "most": max(_FEWEST, min(limits.connections, most_files() - _SPARE_FILES))}
    return type("BoundedConnection", (Connection,), {**kept, "silent": OrderedDict()})


def most_files() -> int:
    """Let this process open as many files as it may, and return how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 1 << 16
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class Connection(HttpToolsProtocol):
    """A connection of uvicorn whose requests have to begin in time.

    Attributes:
        most: open at once.
        silent: those on which no request is being answered, the longest silent first.
    """

    limits: ServerLimits
    most: int
    silent: OrderedDict[Connection, None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head; where there are too many connections, the longest silent one makes room."""
        super().connection_made(transport)
        self.silent[self] = None
        self._wait_for_head()
        if len(self.connections) > self.most and self.silent:
            next(iter(self.silent))._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_waiting()
        self.silent.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request; a head that is not whole yet is timed and measured."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._leave(431, f"The head of a request has at most {HEAD_BYTES // 1024} KiB.")
            elif self._deadline is None:
                self._wait_for_head()

    def on_message_begin(self) -> None:
        """The first byte of a head has come."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._in_head = False
        self._stop_waiting()
        self.silent.pop(self, None)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Silent again, unless another request waits already."""
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self.silent[self] = None

    def _wait_for_head(self) -> None:
        self._deadline = self.loop.call_later(self.limits.header_seconds, self._leave)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _leave(self, status: int = 408, why: str = "The head of the request did not come in time.") -> None:
        """Close the connection; who has begun to ask is told why."""
        self.silent.pop(self, None)
        if self.transport.is_closing():
            return
        if self._in_head and (self.cycle is None or self.cycle.response_complete):
            length = str(len(why)).encode()
            kind = b"content-type: text/plain; charset=utf-8\r\ncontent-length: " + length
            self.transport.write(STATUS_LINE[status] + kind + b"\r\nconnection: close\r\n\r\n" + why.encode())
        self.transport.close()
