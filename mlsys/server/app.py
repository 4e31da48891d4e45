"""The application: what each address answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.server.answered import Watcher
from mlsys.server.choosing import NOTHING_BESIDE, Beside
from mlsys.server.explaining import Explaining
from mlsys.server.finding import add, as_json
from mlsys.server.following import following
from mlsys.server.page import Pages
from mlsys.server.predicting import Answering
from mlsys.server.refusals import RefusedRequestError
from mlsys.server.scoring import MOST_BYTES, FileScoring
from mlsys.server.standing import ServerState

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response

    from mlsys.server.shelf import Shelf
    from mlsys.settings import Settings

log = get_logger(__name__)

MOST_ROWS, MOST_IN_BATCH = 1000, 10_000  # of `/predict`, and of `/predict/batch`


def make_app(
    shelf: Shelf,
    watchers: Sequence[Watcher] = (),
    *,
    beside: Beside = NOTHING_BESIDE,
    most_rows: int = MOST_IN_BATCH,
    settings: Settings | None = None,
) -> FastAPI:
    """Return the application that answers with the models of a shelf, which it keeps up to date while it runs.

    Args:
        shelf: the models.
        watchers: are told of each answer.
        beside: what is tried beside the champions.
        most_rows: of a batch.
        settings: of the installation, where its ledger may have been away when the shelf was filled.
    """
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with following(shelf, settings=settings):
            yield

    # Their pages of documentation load scripts from elsewhere; ours stands in docs/ and behind each form.
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    answering = Answering(shelf, watchers, beside, (min(MOST_ROWS, most_rows), most_rows))
    _add_state(app, ServerState(shelf, beside.standing))
    _add_answers(app, answering, Explaining(shelf))
    _add_pages(app, Pages(shelf, MOST_BYTES), FileScoring(shelf, watchers))
    app.add_exception_handler(RefusedRequestError, _refused)  # type: ignore[arg-type]
    app.add_exception_handler(MlsysError, _failed)
    app.add_exception_handler(HTTPException, _no_such_address)  # type: ignore[arg-type]
    return app


def _add_state(app: FastAPI, state: ServerState) -> None:
    app.router.add_route("/health", state.health)
    app.router.add_route("/ready", state.ready)
    app.router.add_route("/models", state.models)
    app.router.add_route("/openapi.json", state.described)
    add(app, "/model/info", state.info)
    add(app, "/model/reload", state.reload, "POST")


def _add_answers(app: FastAPI, answering: Answering, explaining: Explaining) -> None:
    add(app, "/predict", answering.predict, "POST")
    add(app, "/predict/batch", answering.batch, "POST")
    add(app, "/explain", explaining.explain, "POST")


def _add_pages(app: FastAPI, pages: Pages, scoring: FileScoring) -> None:
    app.router.add_route("/", pages.first)
    app.router.add_route("/pipelines/{pipeline}", pages.form)
    app.router.add_route("/static/{name}", pages.static)
    add(app, "/score", scoring.score, "POST")


async def _refused(_: Request, error: RefusedRequestError) -> Response:
    return as_json({"problems": error.problems}, error.status)


async def _failed(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, reason=str(error))
    return as_json({"problems": [{"problem": "The model could not answer; the server's log says why"}]}, 500)


async def _no_such_address(_: Request, error: HTTPException) -> Response:
    reply = as_json({"problems": [{"problem": str(error.detail)}]}, error.status_code)
    reply.headers.update(error.headers or {})
    return reply
