"""The tables of the ledger. Rows are only ever added; triggers refuse UPDATE and DELETE.

All tables share one chain per pipeline: `seq` counts its rows over all tables, `previous` is the hash of the row
before, `hash` covers the whole row. Times are ISO 8601 texts in UTC, so that a row hashes the same on every
database; `record` is canonical JSON.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()


def _table(name: str, *columns: sa.Column[object] | sa.UniqueConstraint) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("pipeline", sa.String(48), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        *columns,
        sa.Column("record", sa.Text, nullable=False),
    )


def _text(name: str, *, index: bool = False, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(200), nullable=nullable, index=index)


requests = _table(
    "requests",
    _text("request_id", index=True),
    _text("run_id", index=True, nullable=True),
    _text("status"),
    _text("reason", nullable=True),
)
runs = _table("runs", _text("run_id", index=True), _text("training_key", index=True), _text("status"))
candidates = _table("candidates", _text("candidate_id", index=True), _text("run_id", index=True), _text("status"))
evaluations = _table("evaluations", _text("decision_key", index=True), _text("run_id", index=True))
decisions = _table(
    "decisions",
    _text("decision_key"),
    _text("run_id", index=True),
    _text("outcome"),
    sa.UniqueConstraint("decision_key", name="one_decision_per_key"),
)
champion_changes = _table(
    "champion_changes",
    sa.Column("generation", sa.Integer, nullable=False),
    _text("candidate_id", index=True),
    _text("version"),
    _text("kind"),
    sa.UniqueConstraint("pipeline", "generation", name="one_champion_per_generation"),
)
partitions = _table(
    "partitions",
    _text("layout"),
    _text("day"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("pipeline", "layout", "day", "version", name="one_partition_per_version"),
)

ALL = (requests, runs, candidates, evaluations, decisions, champion_changes, partitions)


def pipelines_in(table: sa.Table) -> sa.Select[Any]:
    """Return a query for the pipelines of a table, and the newest `seq` of each.

    From name to name along its key: a DISTINCT or a GROUP BY reads every row.
    """
    names = sa.select(sa.func.min(table.c.pipeline).label("name")).cte(recursive=True)
    after = sa.select(sa.func.min(table.c.pipeline)).where(table.c.pipeline > names.c.name).scalar_subquery()
    names = names.union_all(sa.select(after).where(names.c.name.is_not(None)))
    newest = sa.select(sa.func.max(table.c.seq)).where(table.c.pipeline == names.c.name).scalar_subquery()
    return sa.select(names.c.name, newest).where(names.c.name.is_not(None))
