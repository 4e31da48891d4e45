"""`/explain`: a row's answer, what its columns add to it, and what would change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsys.server.answers import as_json
from mlsys.server.bodies import body_of
from mlsys.server.changes import changes
from mlsys.server.finding import as_json as reply
from mlsys.server.finding import asked_for
from mlsys.server.predicting import answers_of
from mlsys.server.reasons import reasons
from mlsys.server.rows import GivenRow, feature_rows, given_rows

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mlsys.server.served import ServedModel
    from mlsys.server.shelf import Shelf


@dataclass(frozen=True)
class Explaining:
    """Explains answers of the models of a shelf; nobody is told of them, for nobody acts by them."""

    shelf: Shelf

    async def explain(self, request: Request) -> Response:
        """Explain the answer to one row."""
        from anyio.to_thread import run_sync

        pipeline, model = asked_for(request, self.shelf)
        body = body_of(await request.body(), request.headers.get("content-type"))
        given = given_rows(body, model.champion.features, most=1)
        (row,) = feature_rows(given, model.champion.features)
        return reply({"pipeline": pipeline, **await run_sync(explained, model, row)})


def explained(model: ServedModel, row: GivenRow) -> dict[str, Any]:
    """Return the answer to a row with its reasons.

    Raises:
        RefusedRequestError: 422, with the values that can't be read.
    """
    answers = answers_of(model, [row])
    return {
        "version": model.champion.version,
        "prediction": as_json(model.champion, answers)[0],
        "reasons": reasons(model, row),
        "changes": changes(model, row),
        "noticed": model.watch.noticed([row]),
    }
