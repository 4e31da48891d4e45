"""`/predict` and `/predict/batch`: from a request to its answer, and who is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlsys import clock
from mlsys.errors import DataError
from mlsys.server.answered import CHAMPION, Answered, Watcher
from mlsys.server.answers import as_json
from mlsys.server.bodies import body_of
from mlsys.server.choosing import Beside, Incoming
from mlsys.server.failing_arms import require_answers
from mlsys.server.finding import as_json as reply
from mlsys.server.finding import asked_for
from mlsys.server.refusals import RefusedRequestError
from mlsys.server.rows import GivenRow, feature_rows, given_rows, problem

if TYPE_CHECKING:
    import numpy as np
    from anyio import CapacityLimiter
    from starlette.requests import Request
    from starlette.responses import Response

    from mlsys.server.served import ServedModel
    from mlsys.server.shelf import Shelf

_AT_ONCE = 20  # rows that are answered between two other requests, where the model is fast
_BATCHES = 2  # side by side; more would only take the processor from small requests


@dataclass
class Answering:
    """Answers requests with the models of a shelf.

    Attributes:
        most_rows: of `/predict`, and of a batch.
    """

    shelf: Shelf
    watchers: Sequence[Watcher]
    beside: Beside
    most_rows: tuple[int, int]
    _threads: list[CapacityLimiter] = field(default_factory=list)

    async def predict(self, request: Request) -> Response:
        """Answer a row, or a few."""
        return await self._answer(request, self.most_rows[0])

    async def batch(self, request: Request) -> Response:
        """Answer many rows; as many batches are under way as the machine can bear."""
        return await self._answer(request, self.most_rows[1])

    async def _answer(self, request: Request, most: int) -> Response:
        pipeline, champion = asked_for(request, self.shelf)
        body = body_of(await request.body(), request.headers.get("content-type"))
        given = given_rows(body, champion.champion.features, most=most)
        asked = Incoming(pipeline, champion, given, request.headers)
        told = await self._chosen(asked, request_id(request))
        for tell in self.watchers:
            tell(told)
        return reply(said(told))

    async def _chosen(self, asked: Incoming, request: str) -> Answered:
        """Return the answer of who is chosen; the champion's where one that is tried in its place can't give it.

        What the champion refuses, too, is the client's mistake and nobody's failure.
        """
        arm, model = self.beside.choose(asked)
        if arm == CHAMPION:
            return await self._told(asked, CHAMPION, model, request)
        try:
            told = await self._told(asked, arm, model, request)
            require_answers(told.answers, len(told.rows))
            said(told)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the client is answered
            told = await self._told(asked, CHAMPION, asked.champion, request)
            self.beside.note(asked.pipeline, arm, error)
            return told
        self.beside.note(asked.pipeline, arm, None)
        return told

    async def _told(self, asked: Incoming, arm: str, model: ServedModel, request: str) -> Answered:
        rows = feature_rows(asked.given, model.champion.features)
        begun = time.perf_counter()
        answers, noticed = await self.in_turn(
            model, len(rows), lambda: (answers_of(model, rows), model.watch.noticed(rows))
        )
        took = time.perf_counter() - begun
        return Answered(asked.pipeline, model, arm, request, rows, answers, clock.now(), took, asked.given, noticed)

    async def in_turn(self, model: ServedModel, n_rows: int, ask: Callable[[], Any]) -> Any:
        """Return what a question gives: at once where it takes no time, else from a thread beside other requests."""
        if model.fast is not None and n_rows <= _AT_ONCE:
            return ask()
        from anyio import CapacityLimiter
        from anyio.to_thread import run_sync

        if not self._threads:  # a limiter belongs to the loop that runs
            self._threads += [CapacityLimiter(8), CapacityLimiter(_BATCHES)]
        return await run_sync(ask, limiter=self._threads[n_rows > _AT_ONCE])


def answers_of(model: ServedModel, rows: Sequence[GivenRow]) -> np.ndarray:
    """Return what a model says of rows.

    Raises:
        RefusedRequestError: 422, with the values that can't be read.
    """
    try:
        return model.answers(rows)
    except DataError as error:
        features = model.champion.features
        problems = [
            problem(row, name, "The value can't be read", features[name]) | {"value": value}
            for row, name, value in model.unreadable(rows)
        ]
        raise RefusedRequestError(422, problems or [{"problem": str(error)}]) from error


def said(told: Answered) -> dict[str, Any]:
    """Return the reply to a request."""
    champion = told.model.champion
    found: dict[str, Any] = {
        "pipeline": told.pipeline,
        "version": champion.version,
        "arm": told.arm,
        "predictions": as_json(champion, told.answers),
    }
    return found | ({"noticed": told.noticed} if told.noticed else {})


def request_id(request: Request) -> str:
    """Return the id that was given to a request on its way here, or one of its own."""
    state: Mapping[str, Any] = request.scope.get("state") or {}
    return str(state.get("request_id") or uuid4().hex)
