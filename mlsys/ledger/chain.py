"""The chain that all rows of a pipeline are links of: who changes, removes or slips in one breaks it.

`seq` counts the rows over all tables, `previous` is the hash of the row before, `hash` covers the whole row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from mlsys import clock
from mlsys.errors import IntegrityError
from mlsys.ledger import tables
from mlsys.store import canonical_json

GENESIS = "0" * 64


@dataclass(frozen=True)
class Link:
    """Place and hash of a chain's newest row."""

    seq: int = 0
    hash: str = GENESIS


def append(
    connection: sa.Connection,
    table: sa.Table,
    pipeline: str,
    named: Mapping[str, Any],
    record: Mapping[str, Any],
) -> None:
    """Write a record as the next row of its pipeline's chain; `named` are its searchable columns."""
    row, _ = linked(newest(connection, pipeline), table, pipeline, named, record)
    connection.execute(table.insert(), row)


def newest(connection: sa.Connection, pipeline: str) -> Link:
    """Return the newest link of a pipeline's chain; of one without rows, what its first row is linked to."""
    head = connection.execute(_newest_of_all(), {"wanted": pipeline}).first()
    return Link(head.seq, head.hash) if head else Link()


@cache
def _newest_of_all() -> sa.Select[Any]:
    """Return the query for the newest row over all tables; built once, for building it costs more than asking it."""
    heads = sa.union_all(
        *(
            sa.select(
                sa.select(t.c.seq, t.c.hash)
                .where(t.c.pipeline == sa.bindparam("wanted"))
                .order_by(t.c.seq.desc())
                .limit(1)
                .subquery()
            )
            for t in tables.ALL
        )
    ).subquery()
    return sa.select(heads.c.seq, heads.c.hash).order_by(heads.c.seq.desc()).limit(1)


def linked(
    before: Link, table: sa.Table, pipeline: str, named: Mapping[str, Any], record: Mapping[str, Any]
) -> tuple[dict[str, Any], Link]:
    """Return a record as the row that comes after a link, and the link that it makes."""
    row = {
        "pipeline": pipeline,
        "seq": before.seq + 1,
        "at": clock.now().isoformat(),
        "previous": before.hash,
        **named,
        "record": canonical_json({k: v for k, v in record.items() if k != "at"}).decode(),
    }
    made = Link(before.seq + 1, _hash(table.name, row))
    return {**row, "hash": made.hash}, made


def require_unbroken(pipeline: str, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Check that no row of a pipeline was changed, removed or slipped in; `rows` are all, with their tables' names.

    Raises:
        IntegrityError: names the first row that does not fit.
    """
    previous = GENESIS
    for position, (name, row) in enumerate(sorted(rows, key=lambda item: item[1]["seq"]), start=1):
        if row["seq"] != position or row["previous"] != previous or row["hash"] != _hash(name, row):
            raise IntegrityError(
                "The ledger's chain is broken: a row was changed, removed or added by hand",
                where=f"{name}, pipeline {pipeline}, row {row['seq']} (expected {position})",
                remedy="Restore the database from a backup",
            )
        previous = row["hash"]


def _hash(name: str, row: Mapping[str, Any]) -> str:
    covered = {key: value for key, value in row.items() if key != "hash"}
    return hashlib.sha256(canonical_json([name, covered])).hexdigest()
