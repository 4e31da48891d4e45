"""The application: what each address answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.server.answered import Watcher
from mlsys.server.choosing import Choose, the_champion
from mlsys.server.finding import add, as_json
from mlsys.server.following import following
from mlsys.server.predicting import MOST_AT_ONCE, MOST_ROWS, Answering
from mlsys.server.refusals import RefusedRequestError
from mlsys.server.standing import ServerState

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

    from mlsys.server.shelf import Shelf
    from mlsys.settings import Settings

log = get_logger(__name__)


def make_app(
    shelf: Shelf,
    watchers: Sequence[Watcher] = (),
    *,
    choose: Choose = the_champion,
    settings: Settings | None = None,
    most_rows: int = MOST_ROWS,
) -> FastAPI:
    """Return the application that answers with the models of a shelf, which it keeps up to date while it runs.

    Args:
        shelf: the models.
        watchers: are told of each answer.
        choose: says which model answers a request.
        settings: of the installation, where its ledger may have been away when the shelf was filled.
        most_rows: of one request.
    """
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with following(shelf, settings=settings):
            yield

    # Their pages of documentation load scripts from elsewhere; ours stands in docs/ and behind each form.
    app = FastAPI(title="mlsys", lifespan=lifespan, docs_url=None, redoc_url=None)
    _add_routes(app, ServerState(shelf), Answering(shelf, watchers, choose, (min(MOST_AT_ONCE, most_rows), most_rows)))
    app.add_exception_handler(RefusedRequestError, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(MlsysError, _failed)
    app.add_exception_handler(HTTPException, _no_such_address)  # type: ignore[arg-type]
    return app


def _add_routes(app: FastAPI, standing: ServerState, predictions: Answering) -> None:
    app.router.add_route("/health", standing.health)
    app.router.add_route("/ready", standing.ready)
    app.router.add_route("/models", standing.models)
    add(app, "/predict", predictions.predict, "POST")
    add(app, "/predict/batch", predictions.batch, "POST")
    add(app, "/model/info", standing.info)
    add(app, "/model/reload", standing.reload, "POST")


async def _refused(_: Request, error: RefusedRequestError) -> Response:
    return as_json({"problems": error.problems}, error.status)


async def _failed(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, reason=str(error))
    return as_json({"problems": [{"problem": "The model could not answer; the server's log says why"}]}, 500)


async def _no_such_address(_: Request, error: HTTPException) -> Response:
    reply = as_json({"problems": [{"problem": str(error.detail)}]}, error.status_code)
    reply.headers.update(error.headers or {})
    return reply
