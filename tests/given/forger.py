"""Somebody with the database's password, who changes a row and makes the chain anew, so that it is whole again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlsys.ledger import chain, tables

Row = dict[str, Any]


def forge(home: Path, pipeline: str, change: Callable[[str, Row], None]) -> None:
    """Let `change` edit every row of a pipeline's chain in a ledger in SQLite, and link all of them anew."""
    with sqlite3.connect(home / "mlsys.db") as connection:
        connection.row_factory = sqlite3.Row
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        rows = [
            (table.name, dict(row))
            for table in tables.ALL
            for row in connection.execute(f"SELECT * FROM {table.name} WHERE pipeline = ?", [pipeline])
        ]
        previous = chain.GENESIS
        for name, row in sorted(rows, key=lambda item: item[1]["seq"]):
            change(name, row)
            row["previous"] = previous
            row["hash"] = previous = chain._hash(name, row)
            columns = ", ".join(f"{column} = :{column}" for column in row)
            connection.execute(f"UPDATE {name} SET {columns} WHERE pipeline = :pipeline AND seq = :seq", row)
    connection.close()


def other_reason(table: str, row: Row) -> None:
    """Let the first decision have another sentence."""
    record = json.loads(row["record"])
    if table == "decisions" and "and is the first champion" in record["sentence"]:
        record["sentence"] = "It was always the best"
        row["record"] = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
