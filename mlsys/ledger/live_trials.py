"""Who is tried beside the champion while it serves: begun by somebody, for a time, and followed by every server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from pydantic_core import from_json

from mlsys import clock
from mlsys.errors import UsageError
from mlsys.ledger import chain, engine, tables
from mlsys.ledger.ledger import Ledger
from mlsys.ledger.rows import LiveTrial, RequestRow

MOST = 3  # models beside the champion in the memory of a server


def written(ledger: Ledger, pipeline: str) -> list[LiveTrial]:
    """Return all that was written of a pipeline's trials, oldest first."""
    with engine.reading(ledger.engine) as connection:
        return _rows(connection, pipeline)


def in_force(rows: Sequence[LiveTrial], now: datetime) -> list[LiveTrial]:
    """Return the trials that go on at an instant, oldest first, of all that was written."""
    newest = {trial.candidate_id: trial for trial in rows}
    return [trial for trial in newest.values() if trial.is_in_force(now)]


def put(ledger: Ledger, wanted: LiveTrial) -> LiveTrial:
    """Begin a trial, change one that goes on, or with `running` false end it.

    Raises:
        UsageError: there is none to end, it would be over already, or there are too many.
    """
    with engine.writing(ledger.engine, wanted.pipeline) as connection:
        now = clock.now()
        going = in_force(_rows(connection, wanted.pipeline), now)
        others = [trial for trial in going if trial.candidate_id != wanted.candidate_id]
        if not wanted.running and len(others) == len(going):
            raise UsageError(f"{wanted.candidate_id} is not tried", remedy=f"See `mlsys try {wanted.pipeline}`")
        if wanted.running:
            _require_room(wanted, others, now)
        row = wanted.as_request()
        named = {"request_id": row.request_id, "run_id": None, "status": row.status, "reason": row.reason}
        chain.append(connection, tables.requests, wanted.pipeline, named, row.dump())
        return _rows(connection, wanted.pipeline)[-1]


def _require_room(wanted: LiveTrial, others: list[LiveTrial], now: datetime) -> None:
    if wanted.until <= now:
        raise UsageError("A trial ends in the future", where="--for", got=wanted.until.isoformat())
    end = f"End one: `mlsys try {wanted.pipeline} {others[0].candidate_id} --end --reason '...'`" if others else ""
    if len(others) >= MOST:
        rule = f"{len(others)} models are tried already, and a server has room for {MOST} beside the champion"
        raise UsageError(rule, where=wanted.pipeline, got=[trial.candidate_id for trial in others], remedy=end)
    if wanted.role == "ab" and any(trial.role == "ab" for trial in others):
        raise UsageError("One model at a time answers beside the champion", where="--as", got="ab", remedy=end)


def _rows(connection: sa.Connection, pipeline: str) -> list[LiveTrial]:
    table = tables.requests
    query = (
        sa.select(table.c.record, table.c.at)
        .where(table.c.request_id == LiveTrial.id_of(pipeline), table.c.pipeline == pipeline)
        .order_by(table.c.seq)
    )
    found = connection.execute(query)
    return [LiveTrial.of_request(pipeline, RequestRow.load({**from_json(row.record), "at": row.at})) for row in found]
