"""What the door costs a request: an application that does nothing, alone and behind each layer; CPU microseconds.

    make bench-door

Time is that of this process's CPU, so other processes of the machine count little; the least of several rounds is told.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mlsys.cli.logs import set_up
from mlsys.server.access import Admitted
from mlsys.server.answered import CHAMPION, Answered
from mlsys.server.asgi import ASGIApp, Message, Receive, Scope, Send, reply
from mlsys.server.bounded import WithinLimits
from mlsys.server.door import guarded
from mlsys.server.guesses import Guesses
from mlsys.server.keys import KeyFile, add
from mlsys.server.limits import ServerLimits
from mlsys.server.metrics import Metrics

N_REQUESTS = 5000
ROUNDS = 7
BODY = json.dumps({f"feature_{i}": 0.5 for i in range(30)}).encode()
CHAMPION_OF = SimpleNamespace(champion=SimpleNamespace(version="1.0.0", cutoff=datetime(2026, 3, 1, tzinfo=UTC)))


class Shelf:
    models: Mapping[str, Any] = {"phishing": CHAMPION_OF}
    failures: Mapping[str, int] = {}


async def nothing(_: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await reply(send, 200, b"{}", b"application/json")


def with_state(app: ASGIApp) -> ASGIApp:
    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["client"] = "shop"
        await app(scope, receive, send)

    return called


def counting(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """Return an application whose requests are counted, and whose answers are told to the watcher."""
    told = Answered("phishing", CHAMPION_OF, CHAMPION, "1", [{}], None, datetime.now(UTC), 0.001)  # type: ignore[arg-type]

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        metrics.answered(told)
        metrics.request(scope["path"], 200, 0.001)

    return called


def microseconds(app: ASGIApp, key: str) -> float:
    """Return CPU microseconds of one request."""
    headers = [(b"host", b"localhost:8000"), (b"content-type", b"application/json"), (b"accept", b"*/*")]
    headers += [(b"content-length", str(len(BODY)).encode()), (b"authorization", f"Bearer {key}".encode())]

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(_: Message) -> None:
        return None

    async def many() -> float:
        begun = time.process_time()
        for _ in range(N_REQUESTS):
            scope = {
                "type": "http", "method": "POST", "path": "/pipelines/phishing/predict", "headers": headers,
                "client": ("10.0.0.7", 5), "scheme": "http", "state": {},
            }  # fmt: skip
            await app(scope, receive, send)
        return (time.process_time() - begun) / N_REQUESTS * 1e6

    return min(asyncio.run(many()) for _ in range(ROUNDS))


def log_to(form: str) -> Callable[[], None]:
    set_up(form, "INFO")  # type: ignore[arg-type]
    logging.getLogger().handlers[0].setStream(io.StringIO())  # type: ignore[attr-defined]
    return lambda: logging.getLogger("mlsys").setLevel("WARNING")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys.json"
        key = add(path, "shop", scope="predict")[1]
        keys, metrics, limits = KeyFile(path), Metrics(Shelf()), ServerLimits(requests_per_second=1e9)  # type: ignore[arg-type]
        whole = guarded(nothing, metrics=metrics, keys=keys, rule="keys", limits=limits)
        alone = microseconds(nothing, key)
        rows = {
            "metrics": microseconds(counting(nothing, metrics), key),
            "keys": microseconds(Admitted(nothing, keys, "keys", Guesses(0)), key),
            "limits": microseconds(with_state(WithinLimits(nothing, limits)), key),
        }
        stop = log_to("json")
        rows["whole door, logged as JSON"] = microseconds(whole, key)
        stop()
        rows["whole door, requests not logged"] = microseconds(whole, key)
    sys.stdout.write(f"{'an application that does nothing':<34} {alone:7.1f} us\n")
    for name, took in rows.items():
        sys.stdout.write(f"{name:<34} {took - alone:+7.1f} us\n")


if __name__ == "__main__":
    main()
