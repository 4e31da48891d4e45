"""What is remembered of a chain outside the ledger, and whether the chain still says the same.

A chain shows a changed row as long as not all rows after it are made anew. Whoever may write to the database can make
them anew; the hashes that releases, MLflow and report cards carry can then not be made to fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from mlsys.ledger import chain, engine, tables
from mlsys.ledger.ledger import Ledger
from mlsys.ledger.rows import Entry
from mlsys.records import ChainAnchor

_AT_ONCE = 500  # rows of the chain that are held in memory


@dataclass(frozen=True)
class Rewritten:
    """A row that is not what an anchor remembers: `found` is its hash now, or None where the chain is shorter.

    Attributes:
        decision: the first decision at or after the last row that is known to be right; None where there is none.
    """

    anchor: ChainAnchor
    found: str | None
    after: int
    decision: Entry | None


def anchor_of(ledger: Ledger, pipeline: str, decision_key: str, *, generation: int | None = None) -> ChainAnchor | None:
    """Return the row that made a decision, or with a `generation` that of the change of champions it led to."""
    decided, changed = tables.decisions, tables.champion_changes
    query = sa.select(decided.c.seq, decided.c.hash).where(decided.c.decision_key == decision_key)
    if generation is not None:
        query = sa.select(changed.c.seq, changed.c.hash).where(changed.c.generation == generation)
    with engine.reading(ledger.engine) as connection:
        row = connection.execute(query.where(sa.column("pipeline") == pipeline)).first()
    return ChainAnchor(seq=row.seq, hash=row.hash) if row else None


def newest_before(ledger: Ledger, pipeline: str, instant: datetime | None) -> ChainAnchor:
    """Return a pipeline's newest row that was written before an instant, or of all; row 0 where there is none."""
    if instant is None:
        with engine.reading(ledger.engine) as connection:
            newest = chain.newest(connection, pipeline)
        return ChainAnchor(seq=newest.seq, hash=newest.hash)
    found = ChainAnchor(seq=0, hash=chain.GENESIS)
    with engine.reading(ledger.engine) as connection:
        for table in tables.ALL:
            inside = sa.and_(table.c.pipeline == pipeline, table.c.at < instant.astimezone(UTC).isoformat())
            query = sa.select(table.c.seq, table.c.hash).where(inside).order_by(table.c.seq.desc()).limit(1)
            row = connection.execute(query).first()
            found = ChainAnchor(seq=row.seq, hash=row.hash) if row and row.seq > found.seq else found
    return found


def streamed(ledger: Ledger, pipeline: str, *, upto: int) -> Iterator[Entry]:
    """Yield the rows of a pipeline in their order, the row `upto` the last one; few of them are in memory at a time."""
    for first in range(1, upto + 1, _AT_ONCE):
        last = min(first + _AT_ONCE - 1, upto)
        found: list[Entry] = []
        with engine.reading(ledger.engine) as connection:
            for table in tables.ALL:
                inside = sa.and_(table.c.pipeline == pipeline, table.c.seq.between(first, last))
                rows = connection.execute(sa.select(table).where(inside)).mappings()
                found += [Entry(table.name, dict(row)) for row in rows]
        yield from sorted(found, key=lambda entry: entry.seq)


def rewritten(ledger: Ledger, pipeline: str, anchors: Iterable[ChainAnchor]) -> Rewritten | None:
    """Return the first row of an unbroken chain that is another one than an anchor remembers, or None."""
    known: dict[int, str] = {}
    right = 0
    wanted = sorted(anchors, key=lambda anchor: anchor.seq)
    for anchor in wanted:
        if anchor.seq not in known:
            known |= _hashes(ledger, pipeline, [one.seq for one in wanted if one.seq >= anchor.seq][:_AT_ONCE])
        found = known.get(anchor.seq)
        if found != anchor.hash:
            return Rewritten(anchor, found, right, _first_decision(ledger, pipeline, after=right))
        right = anchor.seq
    return None


def _hashes(ledger: Ledger, pipeline: str, places: list[int]) -> Mapping[int, str]:
    found: dict[int, str] = {}
    with engine.reading(ledger.engine) as connection:
        for table in tables.ALL:
            query = sa.select(table.c.seq, table.c.hash).where(table.c.pipeline == pipeline, table.c.seq.in_(places))
            found |= {row.seq: row.hash for row in connection.execute(query)}
    return found


def _first_decision(ledger: Ledger, pipeline: str, *, after: int) -> Entry | None:
    table = tables.decisions
    query: sa.Select[Any] = (
        sa.select(table).where(table.c.pipeline == pipeline, table.c.seq > after).order_by(table.c.seq).limit(1)
    )
    with engine.reading(ledger.engine) as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else Entry(table.name, dict(row))
