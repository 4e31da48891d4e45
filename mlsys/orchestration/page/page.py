"""The Models page inside Airflow: in its navigation and on pages of DAGs; the app is built when it is first asked for.

Every process of Airflow loads plugins, and only the api-server serves pages: nothing of a web server is imported here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from mlsys.orchestration.page.addresses import ROUTE

# Inputs that come together in one answer, in the strokes of Airflow's own icons. The light rim shows where Airflow lays
# a dark ground below the page that is open.
_SHAPE = (
    "<circle cx='5' cy='4.5' r='2.5'/><circle cx='5' cy='12' r='2.5'/><circle cx='5' cy='19.5' r='2.5'/>"
    "<circle cx='19' cy='12' r='3'/><path d='M7.5 12H16M7.2 5.7l9.2 4.9M7.2 18.3l9.2-4.9'/>"
)
_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='-1 -1 26 26' fill='none'>"
    f"<g stroke='#dbe6f5' stroke-width='4.5'>{_SHAPE}</g><g stroke='{{colour}}' stroke-width='2'>{_SHAPE}</g></svg>"
)


def _icon(colour: str) -> str:
    return f"data:image/svg+xml,{quote(_ICON.format(colour=colour))}"


VIEW = {
    "name": "Models",
    "href": "mlsys/",  # without a slash in front, so that it also fits an Airflow below a path
    "destination": "nav",
    "url_route": ROUTE,
    "nav_top_level": True,
    "icon": _icon("#1d2433"),
    "icon_dark_mode": _icon("#f3f5f9"),
}

# A tab on the page of each DAG: the list of its runs shows neither notes nor what was decided.
OUTCOMES = {
    "name": "Outcomes",
    "href": "mlsys/dags/{DAG_ID}",
    "destination": "dag",
    "url_route": "mlsys_outcomes",
    "icon": VIEW["icon"],
    "icon_dark_mode": VIEW["icon_dark_mode"],
}

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
