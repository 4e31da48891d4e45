"""What stands in for a server's models and routes where a test asks nothing of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from mlsys.server.asgi import Receive, Scope, Send, reply

_CHAMPION = SimpleNamespace(version="1.0.0", cutoff=datetime(2026, 3, 1, tzinfo=UTC))


@dataclass
class ShelfOfNames:
    """A shelf on which a champion of the shop stands by name alone."""

    models: Mapping[str, Any] = field(default_factory=lambda: {"shop": SimpleNamespace(champion=_CHAMPION)})
    failures: Mapping[str, int] = field(default_factory=dict)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer every request with its own body; a server's start and end with nothing."""
    if scope["type"] == "http":
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await reply(send, 200, body, b"text/plain")
