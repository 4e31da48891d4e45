"""What bad input must leave as it was: ledger, champion, file registry and store of a home on SQLite."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

TABLES = ("requests", "runs", "candidates", "evaluations", "decisions", "champion_changes", "partitions")
_COUNT = "SELECT count(*) FROM "


@dataclass(frozen=True)
class State:
    """What a home holds.

    Attributes:
        rows: rows of each table of the ledger.
        champion: hash of the newest change of a champion.
        registry: SHA-256 of each file, by its path below the home.
        store: names of the stored files.
    """

    rows: dict[str, int]
    champion: str | None
    registry: dict[str, str]
    store: frozenset[str]


def but_for_a_request(before: State) -> State:
    """Return what a home holds after one more request that failed before its run was begun."""
    return replace(before, rows=before.rows | {"requests": before.rows["requests"] + 1})


def state_of(home: Path) -> State:
    """Return what a home holds now."""
    with closing(sqlite3.connect(home / "mlsys.db")) as connection:
        rows = {table: connection.execute(_COUNT + table).fetchone()[0] for table in TABLES}
        newest = connection.execute("SELECT hash FROM champion_changes ORDER BY at DESC, seq DESC LIMIT 1").fetchone()
    registry = {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (home / "registry").rglob("*")
        if path.is_file()
    }
    return State(rows, newest and newest[0], registry, frozenset(path.name for path in (home / "store").rglob("*")))
