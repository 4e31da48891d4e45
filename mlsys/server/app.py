"""The application: what each address answers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlsys import clock
from mlsys.errors import DataError, UsageError
from mlsys.server.answered import CHAMPION, Answered, Watcher
from mlsys.server.answers import as_json
from mlsys.server.following import following
from mlsys.server.rows import RefusedRequestError, rows_of

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

    from mlsys.server.served import ServedModel
    from mlsys.server.shelf import Shelf

MOST_ROWS = 10_000


def make_app(shelf: Shelf, watchers: Sequence[Watcher] = ()) -> FastAPI:
    """Return the application that answers with the models of a shelf, which it keeps up to date while it runs.

    Each of the watchers is told of each answer.
    """
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with following(shelf):
            yield

    app = FastAPI(title="mlsys", lifespan=lifespan)
    _add_state(app, shelf)
    _add_predictions(app, shelf, watchers)
    app.add_exception_handler(RefusedRequestError, _refused)  # type: ignore[arg-type]
    return app


def _add_state(app: FastAPI, shelf: Shelf) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/ready")
    async def ready() -> Any:
        from fastapi.responses import JSONResponse

        return JSONResponse({"ready": bool(shelf.models)}, status_code=200 if shelf.models else 503)

    @app.get("/models")
    async def models() -> dict[str, Any]:
        return {"models": [info(name, model) for name, model in sorted(shelf.models.items())]}

    @app.get("/pipelines/{pipeline}/model/info")
    async def model_info(pipeline: str) -> dict[str, Any]:
        return info(pipeline, _model(shelf, pipeline))


def _add_predictions(app: FastAPI, shelf: Shelf, watchers: Sequence[Watcher]) -> None:

    async def predict(request: Request) -> Response:
        import orjson
        from starlette.responses import Response

        pipeline = request.path_params["pipeline"]
        model = _model(shelf, pipeline)
        try:
            body = orjson.loads(await request.body())
        except orjson.JSONDecodeError as error:
            raise RefusedRequestError(422, [{"problem": f"The body is no JSON: {error}"}]) from error
        rows = rows_of(body, model.champion.features, most=MOST_ROWS)
        begun = time.perf_counter()
        try:
            answers = model.answers(rows)
        except DataError as error:
            raise RefusedRequestError(422, [{"problem": str(error)}]) from error
        took, at = time.perf_counter() - begun, clock.now()
        for tell in watchers:
            tell(Answered(pipeline, model, CHAMPION, uuid4().hex, rows, answers, at, took))
        said = {"version": model.champion.version, "predictions": as_json(model.champion, answers)}
        return Response(orjson.dumps(said), media_type="application/json")

    app.router.add_route("/pipelines/{pipeline}/predict", predict, methods=["POST"])


def info(pipeline: str, model: ServedModel) -> dict[str, Any]:
    """Return what is known of a model that answers, for people and programs."""
    champion = model.champion
    return {
        "pipeline": pipeline,
        "version": champion.version,
        "candidate": champion.candidate_id,
        "task": champion.task,
        "cutoff": champion.cutoff.isoformat(),
        "loaded_at": model.loaded_at.isoformat(),
        "path": "plain" if model.fast is None else model.fast.name,
        "path_compared": model.compared,
        "features": {name: column.type for name, column in champion.features.items()},
    }


def _model(shelf: Shelf, pipeline: str) -> ServedModel:
    try:
        return shelf.model(pipeline)
    except UsageError as error:
        raise RefusedRequestError(404, [{"problem": str(error)}]) from error


async def _refused(_: Request, error: RefusedRequestError) -> Response:
    from fastapi.responses import JSONResponse

    return JSONResponse({"problems": error.problems}, status_code=error.status)
