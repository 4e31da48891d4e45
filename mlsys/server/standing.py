"""`/health`, `/ready`, `/models`, `/model/info` and `/model/reload`: how the server stands, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsys.errors import MlsysError
from mlsys.server.choosing import TrialsStanding, nothing_tried
from mlsys.server.finding import as_json, asked_for
from mlsys.server.openapi import openapi
from mlsys.server.refusals import refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from mlsys.server.served import ServedModel
    from mlsys.server.shelf import Shelf


@dataclass(frozen=True)
class ServerState:
    """Says how the models of a shelf stand, and what is tried beside them."""

    shelf: Shelf
    tried: TrialsStanding

    async def health(self, _: Request) -> Response:
        """Say that the process lives, and what is not as it should be; this is open to everybody and tells no paths."""
        away = self.shelf.away
        ledger = {"status": "read"} if away is None else {"status": "away", "since": away.since.isoformat()}
        return as_json({"status": "live", "ledger": ledger, "broken": sorted(self.shelf.broken)})

    async def ready(self, _: Request) -> Response:
        """Say whether a verified model answers: 200, or 503."""
        versions = {name: model.champion.version for name, model in sorted(self.shelf.models.items())}
        broken = sorted(self.shelf.broken)
        return as_json({"ready": bool(versions), "models": versions, "broken": broken}, 200 if versions else 503)

    async def models(self, _: Request) -> Response:
        """List the models, and the champions that can't be served with the reason."""
        return as_json(listed(self.shelf, self.tried))

    async def described(self, _: Request) -> Response:
        """Describe all of this by OpenAPI."""
        from anyio.to_thread import run_sync

        return as_json(await run_sync(openapi, self.shelf))

    async def info(self, request: Request) -> Response:
        """Say what is known of one model."""
        name, model = asked_for(request, self.shelf)
        return as_json(info(name, model, self.tried))

    async def reload(self, _: Request) -> Response:
        """Look into the ledger now, at broken champions too, and list what came of it."""
        from anyio.to_thread import run_sync
        from sqlalchemy.exc import SQLAlchemyError

        try:
            await run_sync(lambda: self.shelf.refresh(retry=True))
        except (MlsysError, SQLAlchemyError, OSError) as error:
            self.shelf.note_away(error)
        if self.shelf.away is not None or self.shelf.work is None:
            raise refused(503, "The ledger can't be read; what answers goes on", allowed="try again later")
        return as_json(listed(self.shelf, self.tried))


def listed(shelf: Shelf, tried: TrialsStanding = nothing_tried) -> dict[str, Any]:
    """Return all models, and the champions that can't be served."""
    return {
        "models": [info(name, model, tried) for name, model in sorted(shelf.models.items())],
        "broken": [
            {"pipeline": name, "candidate": broken.candidate_id, "reason": broken.reason}
            for name, broken in sorted(shelf.broken.items())
        ],
    }


def info(pipeline: str, model: ServedModel, tried: TrialsStanding = nothing_tried) -> dict[str, Any]:
    """Return what is known of a model that answers, for people and programs."""
    champion = model.champion
    known: dict[str, Any] = {
        "pipeline": pipeline,
        "version": champion.version,
        "candidate": champion.candidate_id,
        "task": champion.task,
        "target": champion.target,
        "cutoff": champion.cutoff.isoformat(),
        "loaded_at": model.loaded_at.isoformat(),
        "answered_by": model.answered_by,
        "features": {name: column.type for name, column in champion.features.items()},
    }
    if champion.threshold is not None:
        known |= {"positive": champion.positive, "threshold": champion.threshold}
    if champion.classes:
        known["classes"] = list(champion.classes)
    if champion.actions:
        known["actions"] = list(champion.actions)
    return known | ({"tried": beside} if (beside := tried(pipeline)) else {})
