"""The Models page inside Airflow: its place in the navigation, and the app behind it, built when it is first asked for.

Every process of Airflow loads plugins, and only the api-server serves pages: nothing of a web server is imported here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mlsys.orchestration.page.addresses import ROUTE

# Without a slash in front, so that it also fits an Airflow below a path.
VIEW = {"name": "Models", "href": "mlsys/", "destination": "nav", "url_route": ROUTE, "nav_top_level": True}

_Message = MutableMapping[str, Any]


class ModelsPage:
    """The page as an ASGI app."""

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        from mlsys.orchestration.page.app import app

        await app()(scope, receive, send)
