"""The first reader after a start waits no longer than the others: the api-server looks at all pipelines as it starts.

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
        """Pass everything on; at the server's start look at the pipelines, in a thread beside it."""
        if scope["type"] == "lifespan":
            from threading import Thread

            Thread(target=warm, name="mlsys-warm", daemon=True).start()
        await self.app(scope, receive, send)


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
