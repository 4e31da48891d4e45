"""A small table with late labels, its spec, and a database to keep it in: what tests of snapshots need."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from mlsys.spec import Spec, parse_dump

Visit = tuple[Any, ...]
COLUMNS = ("visit_id", "seconds", "page", "bought", "seen_at", "known_at")
FIRST_DAY = date(2026, 3, 1)


def visits(day: int, n: int = 20, label_days: int = 1) -> list[Visit]:
    """Return `n` visits of the `day`-th day; their labels become known `label_days` later, at ten."""
    start = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC) + timedelta(days=day)
    return [
        (
            day * 1000 + i,
            None if i % 7 == 3 else i * 1.5,
            "home" if i % 2 else "NA",
            "yes" if i % 3 == 0 else "no",
            (start + timedelta(minutes=i)).isoformat(),
            (start + timedelta(days=label_days, hours=10)).isoformat(),
        )
        for i in range(n)
    ]


def write(path: Path, rows: Iterable[Visit], *, table: str = "visits") -> None:
    """Make the table if it isn't there and add the rows."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(COLUMNS)})")
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()


def change(path: Path, statement: str) -> None:
    """Run one statement on the database."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def visits_spec(source: dict[str, Any], **changes: Any) -> Spec:
    """Return the spec of a pipeline over this table; `changes` replace top-level keys."""
    return parse_dump(
        {
            "pipeline": "visits",
            "source": source,
            "schema": {"visit_id": "integer", "seconds": "number", "page": "category", "bought": "category"},
            "key": "visit_id",
            "target": {"column": "bought", "positive": "yes"},
            "ingest": {"lookback": "2d", "settle": "0s"},
            "checks": {"tolerated_share": 0.1},
            "split": "time",
            "models": ["logistic"],
            "gates": [{"kind": "minimum", "metric": "roc_auc", "at_least": 0.5}],
            "registries": [],
            **changes,
        }
    )
