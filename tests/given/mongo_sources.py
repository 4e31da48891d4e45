"""Sources that read collections of `mongo_server`."""

from datetime import UTC, datetime, timedelta

from mlsys.schema import ColumnSpec
from mlsys.sources import SOURCES
from mlsys.sources.base import ReadRequest

NUMBER = {"n": ColumnSpec(type="integer")}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def source(server, login="", options="", patience=3000, **fields):
    url = f"mongodb://{login}127.0.0.1:{server.port}/?serverSelectionTimeoutMS={patience}{options}"
    return SOURCES.parse({"kind": "mongodb", "url": url, "database": "shop", "collection": "orders", **fields})


def read(chosen, schema=NUMBER, **window):
    """Return the rows, and place and reason of those set aside."""
    drops = list(chosen.read(ReadRequest(schema, **window)))
    rows = [tuple(row.values()) for drop in drops for row in drop.table.to_pylist()]
    return rows, [(each.where, each.reason) for drop in drops for each in drop.rejected]
