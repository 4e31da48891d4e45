"""The first reader after a start waits no longer than the others: the api-server looks at all pipelines as it starts.
From then on until it ends it looks twice a minute whether registries still show what the ledger says.

Airflow gives a plugin's apps no sign of its start; middleware sees it, as the first scope of the ASGI protocol. The
import of this module costs nothing, since every process of Airflow loads plugins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_Scope = MutableMapping[str, Any]
_App = Callable[[_Scope, Any, Any], Awaitable[None]]


class Warming:
    """ASGI middleware that changes no answer."""

    def __init__(self, app: _App) -> None:
        self.app = app

    async def __call__(self, scope: _Scope, receive: Any, send: Any) -> None:
        """Pass everything on; from the server's start to its end look at the pipelines, in threads beside it."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        from threading import Event, Thread

        stop = Event()
        Thread(target=warm, name="mlsys-warm", daemon=True).start()
        Thread(target=_watch, args=(stop,), name="mlsys-watch", daemon=True).start()
        try:
            await self.app(scope, receive, send)
        finally:
            stop.set()


def _watch(stop: Any) -> None:
    from mlsys.orchestration.page.watching import watch

    watch(stop)


def warm() -> None:
    """Look at all pipelines once, where there is a home already: a start of the api-server makes none.

    What is wrong with the home is said on the page, to whoever opens it.
    """
    from mlsys.errors import MlsysError
    from mlsys.events import get_logger
    from mlsys.orchestration.page import overview
    from mlsys.orchestration.page.glances import glances
    from mlsys.settings import load_settings
    from mlsys.workspace import open_workspace

    try:
        settings = load_settings()
        if not settings.root.is_dir():
            return
        with open_workspace(settings) as work:
            glances(work, overview.pipelines(work))
    except MlsysError as error:
        get_logger(__name__).debug("models_page_not_warmed", error=error)
