"""A table of Postgres, with its own types."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy

from mlsys.drafting.draft import Wishes, draft, spec_of
from mlsys.drafting.questions import refuse
from mlsys.drafting.roles import RolesWish
from mlsys.drafting.target import TargetWish
from mlsys.drafting.writing import written
from mlsys.errors import UsageError


@pytest.fixture
def orders(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database with a table of 400 orders and a view of them."""
    engine = sqlalchemy.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            sqlalchemy.text(
                "CREATE TABLE orders AS SELECT md5(n::text)::uuid AS id, "
                "timestamptz '2025-01-01' + n * interval '6 h' AS placed, "
                "(n * 7919 % 1000) / 10.0 AS amount, n % 3 = 0 AS gift, date '2020-01-01' + n AS since, "
                "CASE WHEN n * 31 % 7 < 3 THEN 'web' ELSE 'app' END AS channel, n * 7919 % 1000 > 600 AS returned "
                "FROM generate_series(1, 400) AS n"
            )
        )
        connection.execute(sqlalchemy.text("CREATE VIEW recent AS SELECT * FROM orders"))
    engine.dispose()
    password = urlsplit(postgres_url).password or ""
    monkeypatch.setenv("DB_PASSWORD", password)
    return postgres_url.replace(password, "${DB_PASSWORD}")


def test_types_key_and_time(orders: str, tmp_path: Path, home: Path) -> None:
    said = Wishes(orders, table="orders", target=TargetWish("returned"), roles=RolesWish(time="placed"))
    found = draft("drafted", said)
    spec = spec_of(tmp_path / "drafted.yaml", written(found, tmp_path / "drafted.yaml"))
    assert {name: column.type for name, column in spec.columns.items()} == {
        "id": "category",
        "placed": "timestamp",
        "amount": "number",
        "gift": "boolean",
        "since": "timestamp",
        "channel": "category",
        "returned": "boolean",
    }
    assert spec.key == ("id",)
    assert spec.source.event_time == "placed"
    assert found.roles.dropped.keys() == {"amount"}  # it tells who returns


def test_tables_and_views_are_named(orders: str, home: Path) -> None:
    with pytest.raises(UsageError, match=r"2 tables.*--table: orders or recent"):
        draft("drafted", Wishes(orders), refuse)
