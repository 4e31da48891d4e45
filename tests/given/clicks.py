"""A second table for the shop: what was clicked in an order's cart, before the order was placed and after it.

`n_items` clicks of a cart stand before the order, and the outcome of the order stands in clicks after it: a model that
reads a later row is found out by its score.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from given.shop import edit_spec

JOIN: dict[str, Any] = {
    "kind": "as_of_join",
    "name": "clicks",
    "source": {
        "kind": "sql",
        "url": "sqlite:///${MLSYS_HOME}/shop.db",
        "table": "clicks",
        "event_time": "clicked_at",
        "timezone": "UTC",
    },
    "schema": {
        "order_no": "integer",
        "loaded_at": {"type": "timestamp", "timezone": "UTC"},
        "weight": "number",
        "page": "category",
    },
    "key": "order_no",
    "known": "loaded_at",
    "window": "2d",
    "columns": {
        "n_clicks": "count",
        "weight": {"take": "sum", "of": "weight"},
        "page": {"take": "last", "of": "page"},
        "idle": "age",
    },
}


def make_clicks(home: Path) -> None:
    """Write the clicks of all orders of the shop that have none yet."""
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS clicks (order_no, clicked_at, loaded_at, weight, page)")
        orders = connection.execute(
            "SELECT order_no, placed_at, n_items, returned FROM orders "
            "WHERE order_no NOT IN (SELECT order_no FROM clicks)"
        ).fetchall()
        for order_no, placed_at, n_items, returned in orders:
            placed = datetime.fromisoformat(placed_at)
            minutes = timedelta(minutes=1)
            rows = [(placed - i * minutes, placed - i * minutes, 1.0, "cart") for i in range(1, 1 + n_items)]
            rows.append((placed + minutes, placed + minutes, 99.0, returned))
            rows.append((placed, placed, 99.0, returned))
            rows.append((placed - 3 * minutes, placed + timedelta(days=1), 99.0, returned))  # known too late
            found = [(order_no, str(at), str(loaded), weight, page) for at, loaded, weight, page in rows]
            connection.executemany("INSERT INTO clicks VALUES (?, ?, ?, ?, ?)", found)


def join_clicks(home: Path, **changes: Any) -> None:
    """Let the shop's spec join the clicks."""
    edit_spec(home / "pipelines", joins=[{**JOIN, **changes}])
