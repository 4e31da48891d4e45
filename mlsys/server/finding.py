"""Which model a request is about: by the pipeline in its address, or the only one there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from mlsys.errors import UsageError
from mlsys.server.refusals import refused

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from mlsys.server.served import ServedModel
    from mlsys.server.shelf import Shelf

_OF_ONE = "/pipelines/{pipeline}"

Endpoint = Callable[["Request"], Awaitable["Response"]]


def add(app: Starlette, path: str, endpoint: Endpoint, method: str = "GET") -> None:
    """Let a path answer, alone and below the name of a pipeline; without one it means the only one.

    It is a bare route: what FastAPI works out for each request costs more than a small model.
    """
    app.router.add_route(path, endpoint, methods=[method])
    app.router.add_route(_OF_ONE + path, endpoint, methods=[method])


def asked_for(request: Request, shelf: Shelf) -> tuple[str, ServedModel]:
    """Return the pipeline that a request is about, and the model that answers for it.

    Raises:
        RefusedRequestError: 404 for an unknown pipeline, 409 where the address names none and several answer, 503 where
            the pipeline's model, or every model, can't be loaded.
    """
    name = request.path_params.get("pipeline")
    models = shelf.models
    if name is None and len(models) == 1 and not shelf.broken:
        return next(iter(models.items()))
    there = {*models, *shelf.broken}  # the rows for a model that can't be loaded are not for the only one that can
    if name is None and len(there) == 1:
        name = next(iter(there))
    if name is None and there:
        known = ", ".join(f"/pipelines/{each}{request.url.path}" for each in sorted(there)[:10])
        raise refused(409, "Several pipelines answer here, and the address names none", allowed=known)
    if name is None or (name in shelf.broken and name not in models):
        what = "No model answers yet" if name is None else f"The champion of '{name}' can't be loaded"
        raise refused(503, what, allowed="see /models")
    try:
        return name, shelf.model(name)
    except UsageError as error:
        raise refused(404, str(error)) from error


def as_json(content: Any, status: int = 200) -> Response:
    """Return a reply."""
    import orjson
    from starlette.responses import Response

    return Response(orjson.dumps(content), status_code=status, media_type="application/json")
