"""What stands before the routes: who asks, how much, and what is noted of it."""

from __future__ import annotations

import asyncio

from mlsys.server.access import Admitted, Rule
from mlsys.server.asgi import ASGIApp, Receive, Scope, Send, reply
from mlsys.server.bounded import WithinLimits
from mlsys.server.guesses import Guesses
from mlsys.server.keys import KeyFile
from mlsys.server.limits import ServerLimits
from mlsys.server.metrics import KIND, Metrics
from mlsys.server.recorded import Recorded


def guarded(app: ASGIApp, *, metrics: Metrics, keys: KeyFile, rule: Rule, limits: ServerLimits) -> ASGIApp:
    """Return an application behind its door: recorded, then admitted, then kept within limits; `/metrics` beside it."""
    within = WithinLimits(_with_metrics(app, metrics), limits)
    recorded = Recorded(Admitted(within, keys, rule, Guesses(limits.wrong_keys_per_minute)), metrics)

    async def through(scope: Scope, receive: Receive, send: Send) -> None:
        # A server's start and end pass by the door.
        await (recorded if scope["type"] == "http" else app)(scope, receive, send)

    return through


def _with_metrics(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/metrics" and scope["method"] in ("GET", "HEAD"):
            await reply(send, 200, await asyncio.to_thread(metrics.page), KIND)
        else:
            await app(scope, receive, send)

    return routed
