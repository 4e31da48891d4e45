"""What the ledger's database refuses: told as passing only where it may pass."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from mlsys.errors import RunError, TransientError
from mlsys.ledger.engine import translated


def test_a_lock_passes_and_a_missing_table_does_not(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("CREATE TABLE t (id)")
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    with engine.connect() as connection:
        with pytest.raises(RunError, match="refuses: no such table") as caught, translated():
            connection.execute(sa.text("SELECT * FROM nowhere"))
        assert not isinstance(caught.value, TransientError)
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TransientError, match="does not answer"), translated():
            connection.execute(sa.text("SELECT * FROM t"))
    writer.close()
    engine.dispose()
