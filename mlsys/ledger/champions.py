"""Who serves: the compare-and-set that makes a champion, and the hold under which the gates promote nothing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from mlsys import clock
from mlsys.errors import MlsysError, UsageError
from mlsys.ledger import chain, engine, tables
from mlsys.ledger.rows import ChampionChange, Hold, RequestRow


class ChampionMovedError(MlsysError):
    """The champion is no longer the one that was judged against: judge again."""


class HeldError(MlsysError):
    """A person holds the pipeline: the gates promote nothing. `hold` says who, why and until when."""

    def __init__(self, hold: Hold) -> None:
        super().__init__(f"{hold.pipeline} is held: {hold.sentence}")
        self.hold = hold


def change(database: sa.Engine, wanted: ChampionChange) -> ChampionChange:
    """Make a candidate the champion if the champion is still the one of the generation before.

    Raises:
        ChampionMovedError: another change came first, or a promotion's cutoff lies before the champion's.
        HeldError: a promotion by the gates, and a person holds the pipeline.
    """
    with engine.writing(database, wanted.pipeline) as connection:
        table = tables.champion_changes
        newest = connection.execute(
            sa.select(table.c.record)
            .where(table.c.pipeline == wanted.pipeline)
            .order_by(table.c.generation.desc())
            .limit(1)
        ).scalar()
        now = None if newest is None else ChampionChange.load(from_json(newest))
        if (now.generation if now else 0) + 1 != wanted.generation:
            raise ChampionMovedError(
                f"The champion of {wanted.pipeline} changed to {now.candidate_id if now else 'none'} meanwhile"
            )
        if wanted.kind == "promote":
            _require_free(connection, wanted, now)
        named = {
            "generation": wanted.generation,
            "candidate_id": wanted.candidate_id,
            "version": wanted.version,
            "kind": wanted.kind,
        }
        try:
            chain.append(connection, table, wanted.pipeline, named, wanted.dump())
        except sa.exc.IntegrityError as error:
            raise ChampionMovedError(f"The champion of {wanted.pipeline} changed meanwhile") from error
    return wanted


def hold_in_force(database: sa.Engine, pipeline: str) -> Hold | None:
    """Return the hold under which a pipeline stands now, or None."""
    with engine.reading(database) as connection:
        return _in_force(connection, pipeline)


def holds(database: sa.Engine, pipeline: str) -> list[Hold]:
    """Return all holds and releases of a pipeline, oldest first."""
    table = tables.requests
    query = (
        sa.select(table.c.record, table.c.at)
        .where(table.c.request_id == Hold.id_of(pipeline), table.c.pipeline == pipeline)
        .order_by(table.c.seq)
    )
    with engine.reading(database) as connection:
        return [_hold(pipeline, row) for row in connection.execute(query)]


def put_hold(database: sa.Engine, wanted: Hold) -> Hold:
    """Write a hold, or with `held` false its end; a hold that is in force is replaced by a new one.

    Promotions wait for this transaction or come before it: a hold that was written holds.

    Raises:
        UsageError: there is no hold to end, or the new one would be over already.
    """
    with engine.writing(database, wanted.pipeline) as connection:
        present = _in_force(connection, wanted.pipeline)
        if not wanted.held and present is None:
            raise UsageError(f"{wanted.pipeline} is not held", remedy=f"See `mlsys why {wanted.pipeline}`")
        if wanted.held and wanted.until is not None and wanted.until <= clock.now():
            raise UsageError("A hold ends in the future", where="--until", got=wanted.until.isoformat())
        row = wanted.as_request()
        named = {"request_id": row.request_id, "run_id": None, "status": row.status, "reason": row.reason}
        chain.append(connection, tables.requests, wanted.pipeline, named, row.dump())
        written = _newest(connection, wanted.pipeline)
    return written or wanted


def _require_free(connection: sa.Connection, wanted: ChampionChange, now: ChampionChange | None) -> None:
    if now and wanted.cutoff < now.cutoff:
        raise ChampionMovedError(f"The champion of {wanted.pipeline} knows newer data ({now.cutoff})")
    hold = _in_force(connection, wanted.pipeline)
    if hold is not None:
        raise HeldError(hold)


def _in_force(connection: sa.Connection, pipeline: str) -> Hold | None:
    newest = _newest(connection, pipeline)
    return newest if newest is not None and newest.is_in_force(clock.now()) else None


def _newest(connection: sa.Connection, pipeline: str) -> Hold | None:
    table = tables.requests
    query = (
        sa.select(table.c.record, table.c.at)
        .where(table.c.request_id == Hold.id_of(pipeline), table.c.pipeline == pipeline)
        .order_by(table.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else _hold(pipeline, row)


def _hold(pipeline: str, row: Any) -> Hold:
    return Hold.of_request(pipeline, RequestRow.load({**from_json(row.record), "at": row.at}))
