"""Requests to the shop's models as a server answers them, without a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from mlsys import clock
from mlsys.ledger import ChampionChange
from mlsys.server.answered import CHAMPION, Answered
from mlsys.server.served import ServedModel
from mlsys.serving.stored import stored_candidate
from mlsys.workspace import Workspace

ROW = {"basket_value": 40.0, "n_items": 2, "channel": "app", "gift": True}


def champion_of(work: Workspace, pipeline: str = "shop") -> ChampionChange:
    """Return the champion of a pipeline that has one."""
    champion = work.ledger.champion(pipeline)
    assert champion is not None
    return champion


def other_candidate(work: Workspace) -> str:
    """Return a candidate of the shop that does not serve: that of its run for the record."""
    served = champion_of(work).candidate_id
    found = [d.challenger for d in work.ledger.decisions("shop") if d.challenger not in (None, served)]
    return str(found[-1])


def model(work: Workspace, candidate_id: str | None = None) -> ServedModel:
    """Return a candidate of the shop, default its champion, as a server holds it."""
    wanted = candidate_id or champion_of(work).candidate_id
    return ServedModel(stored_candidate(work, "shop", wanted), 1, clock.now())


def answered(
    served: ServedModel,
    n_rows: int = 1,
    *,
    at: datetime | None = None,
    request: str = "r1",
    arm: str = CHAMPION,
    given: Sequence[Mapping[str, Any]] = (),
    silent: bool = False,
) -> Answered:
    """Return a request of so many rows, answered with made-up scores."""
    rows = [dict(row) for row in given] or [{**ROW, "n_items": place} for place in range(n_rows)]
    features = [{name: row[name] for name in served.champion.features} for row in rows]
    scores = np.linspace(0.1, 0.9, len(rows))
    when = at or datetime(2026, 5, 20, 12, tzinfo=UTC) + timedelta(seconds=1)
    return Answered("shop", served, arm, request, features, scores, when, 0.001, given, silent=silent)
