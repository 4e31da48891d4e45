"""A real HTTP server on a port of this machine, for as long as a block lasts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlsys.polling import ask_until
from mlsys.server.asgi import ASGIApp
from mlsys.server.limits import ServerLimits
from mlsys.server.listening import Listening, server, socket_of


@contextmanager
def running(app: ASGIApp, limits: ServerLimits | None = None, **listening: Any) -> Iterator[tuple[str, int]]:
    """Let an application answer, and give the address at which it does."""
    at = Listening("127.0.0.1", 0, **listening)
    listens, made = socket_of(at), server(app, at, limits or ServerLimits())
    thread = threading.Thread(target=_serve, args=(made, listens), daemon=True)
    thread.start()
    try:
        assert ask_until(bool, lambda: made.started, seconds=20, pause=0.01)
        yield listens.getsockname()
    finally:
        made.should_exit = True
        thread.join(30)
        listens.close()
    assert not thread.is_alive()


def _serve(made: Any, listens: Any) -> None:
    with asyncio.Runner(loop_factory=made.config.get_loop_factory()) as runner:
        runner.run(made.serve([listens]))
