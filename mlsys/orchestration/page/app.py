"""The routes of the Models page: all of them read, none writes, and each one asks Airflow who is there.

What changes anything is sent by the page's script to Airflow's own REST API, with the reader's own session: login,
permissions, audit and the defence against forged requests are Airflow's.
"""

from __future__ import annotations

import secrets
from functools import cache
from typing import Any
from urllib.parse import quote

from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHttpError

from mlsys import clock
from mlsys.errors import MlsysError, UsageError
from mlsys.events import get_logger
from mlsys.orchestration.page import overview
from mlsys.orchestration.page.access import RETRAIN, Reader, ReaderDep
from mlsys.orchestration.page.addresses import PREFIX, Places
from mlsys.orchestration.page.glances import glances
from mlsys.orchestration.page.rendering import (
    TEMPLATES,
    asset,
    list_page,
    message_page,
    outcomes_page,
    pipeline_page,
    with_way_back,
)
from mlsys.orchestration.stack.environment import mlflow_page
from mlsys.settings import load_settings
from mlsys.workspace import open_workspace

log = get_logger(__name__)

_OWN = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; "
)
# Pages made of data: whatever stands in them, no script runs but the one that has the nonce, and nothing is loaded.
_FILED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'nonce-{nonce}'; "
_FRAME = "base-uri 'none'; frame-ancestors 'self'"
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
_NO_RETRAINING = "This DAG retrains no pipeline, so none of its runs has a decision."
_MEDIA = {"models.css": "text/css; charset=utf-8", "models.js": "text/javascript; charset=utf-8"}


@cache
def app() -> FastAPI:
    """Return the app; there is no route, not even of its own documentation, without a logged-in user."""
    made = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(get_user)])
    made.get("/")(show_all)
    made.get("/pipelines/{pipeline}")(show_one)
    made.get("/dags/{dag}")(show_outcomes)
    made.get("/reports/{pipeline}/{name}.html")(show_report)
    made.get("/data_docs/{pipeline}/{path:path}")(show_data_docs)
    made.get("/static/{name}")(show_asset)
    made.exception_handler(AnyHttpError)(_refused)
    made.exception_handler(MlsysError)(_unreadable)
    return made


def show_all(request: Request, reader: ReaderDep) -> Response:
    """All pipelines that the reader may see."""
    with open_workspace() as work:
        names = reader.readable(overview.pipelines(work))
        may = {name: reader.may(name) for name in names}
        return _page(list_page(work, glances(work, names), may, _places(request)))


def show_one(request: Request, reader: ReaderDep, pipeline: str, on: str | None = None) -> Response:
    """One pipeline; `on` is a UTC day, YYYY-MM-DD."""
    reader.require(pipeline)
    try:
        day = clock.parse_day(on, where="on") if on else None
    except UsageError as error:
        raise HTTPException(400, str(error)) from None
    with open_workspace() as work:
        if pipeline not in overview.pipelines(work):
            raise HTTPException(404, f"There is no pipeline `{pipeline}`")
        detail = overview.detail(work, pipeline)
        return _page(pipeline_page(work, detail, reader.may(pipeline), _places(request), on=day))


def show_outcomes(request: Request, reader: ReaderDep, dag: str) -> Response:
    """What became of the runs of a DAG that retrains; of another DAG, that it is none."""
    pipeline = dag.removeprefix(RETRAIN)
    with open_workspace() as work:
        if pipeline == dag or pipeline not in overview.pipelines(work):
            link = ("All models", f"{_places(request).page}/")
            return _page(message_page(_places(request), "Nothing is decided here", [_NO_RETRAINING], link=link))
        reader.require(pipeline)
        return _page(outcomes_page(work, pipeline, _places(request)))


def show_report(request: Request, reader: ReaderDep, pipeline: str, name: str) -> Response:
    """The report card of a run, or the walk-forward report."""
    return _filed_page(request, pipeline, _filed(reader, pipeline, "reports", f"{name}.html"))


def show_data_docs(request: Request, reader: ReaderDep, pipeline: str, path: str) -> Response:
    """A page of a pipeline's Data Docs, made legible without the style sheets that it wants from elsewhere."""
    html = _filed(reader, pipeline, "data_docs", path)
    style = (TEMPLATES / "data_docs.css").read_text(encoding="utf-8")
    return _filed_page(request, pipeline, html.replace("</head>", f"<style>{style}</style></head>", 1))


def show_asset(name: str) -> Response:
    """The page's own style sheet or script."""
    try:
        content, tag = asset(name)
    except LookupError:
        raise HTTPException(404, "There is no such file") from None
    # Its address holds the tag and changes with it.
    headers = {**_HEADERS, "Cache-Control": "private, max-age=86400", "ETag": f'"{tag}"'}
    return Response(content, media_type=_MEDIA[name], headers=headers)


def _filed(reader: Reader, pipeline: str, folder: str, path: str) -> str:
    """Return a page that lies below MLSYS_HOME, in the pipeline's part of a folder."""
    reader.require(pipeline)
    shelf = (load_settings().root / folder / pipeline).resolve()
    wanted = (shelf / path).resolve()
    within = shelf.parent == (load_settings().root / folder).resolve() and wanted.is_relative_to(shelf)
    if not within or wanted.suffix != ".html" or not wanted.is_file():
        raise HTTPException(404, "There is no such page; `mlsys report RUN` writes the report card of a run again")
    return wanted.read_text(encoding="utf-8")


def _filed_page(request: Request, pipeline: str, html: str) -> Response:
    nonce = secrets.token_urlsafe(16)
    return _page(with_way_back(html, pipeline, _places(request), nonce=nonce), policy=_FILED.format(nonce=nonce))


def _page(html: str, status: int = 200, *, policy: str = _OWN) -> Response:
    return HTMLResponse(html, status_code=status, headers={**_HEADERS, "Content-Security-Policy": policy + _FRAME})


def _places(request: Request) -> Places:
    page: str = request.scope.get("root_path", "")
    return Places(airflow=page.removesuffix(PREFIX), page=page, mlflow=mlflow_page(load_settings()))


def _refused(request: Request, error: Any) -> Response:
    places = _places(request)
    here = quote(f"{request.url.path}?{request.url.query}".rstrip("?"), safe="")
    login = f"{places.airflow}/api/v2/auth/login?next={here}"
    if error.status_code == 401 and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(login, status_code=303, headers=_HEADERS)
    title = {401: "Log in first", 403: "Not allowed", 404: "Not found"}.get(error.status_code, "This did not work")
    link = ("Log in to Airflow", login) if error.status_code in (401, 403) else ("All models", f"{places.page}/")
    sentence = f"{error.detail}".rstrip(".") + "."
    return _page(message_page(places, title, [sentence], link=link), error.status_code)


def _unreadable(request: Request, error: Any) -> Response:
    log.warning("models_page_failed", path=request.url.path, error=error)
    link = ("Try again", str(request.url))
    return _page(message_page(_places(request), "The ledger can't be read", str(error).splitlines(), link=link), 503)
