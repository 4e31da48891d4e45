"""Tables are made whole or not at all: kill -9 anywhere while they are made, and once more for what is made of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from given.kill_points import killed_at, points_of, spread

from mlsys.database.making import bring_up_to_date, revision
from mlsys.errors import IntegrityError, TransientError
from mlsys.temporary import remove_abandoned

pytestmark = pytest.mark.slow

TABLES = 12
POINTS = pytest.mark.parametrize("n_tried", [12, pytest.param(50, marks=pytest.mark.long)])
KINDS = pytest.mark.parametrize("url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that has no tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/some.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


def migration(to: int) -> Callable[[str], None]:
    """Return a migration that commits after each statement on SQLite, as those of Airflow and MLflow do."""

    def migrate(url: str) -> None:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        level = "AUTOCOMMIT" if url.startswith("sqlite") else "READ COMMITTED"
        with engine.connect().execution_options(isolation_level=level) as connection:
            if url.startswith("sqlite"):
                connection.execute(sa.text("PRAGMA synchronous=OFF"))  # a kill leaves what the system has taken
            first = len([name for name in sa.inspect(connection).get_table_names() if name.startswith("t")])
            if first == 0:
                connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
                connection.execute(sa.text("INSERT INTO alembic_version VALUES ('0')"))
            for number in range(first, to):
                connection.execute(sa.text(f"CREATE TABLE t{number} (x INTEGER)"))
                connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{number + 1}'"))
            connection.commit()

    return migrate


def make(url: str, to: int = TABLES) -> None:
    def is_unused(connection: sqlite3.Connection) -> bool:
        tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 't0'").fetchone()
        return tables is None or connection.execute("SELECT 1 FROM t0").fetchone() is None

    bring_up_to_date(url, is_current=lambda u: revision(u) == str(to), migrate=migration(to), is_unused=is_unused)


def tables(url: str) -> set[str]:
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names()) - {"alembic_version"}


def names(n: int) -> set[str]:
    return {f"t{number}" for number in range(n)}


@POINTS
@KINDS
def test_a_database_killed_over_anywhere_is_made_by_the_next(url: str, n_tried: int, tmp_path: Path) -> None:
    n_points = points_of(lambda: make(url.replace("some.db", "trial.db"))) if "sqlite" in url else 4 * TABLES
    n_killed = 0
    for point in spread(n_tried, over=n_points):
        n_killed += killed_at(point, lambda: make(url))
        assert revision(url) in (None, str(TABLES))
        assert tables(url) in (set(), names(TABLES))
    make(url)
    assert n_killed > 0.4 * n_tried
    assert (revision(url), tables(url)) == (str(TABLES), names(TABLES))
    remove_abandoned([tmp_path])
    assert not list(tmp_path.glob(".tmp*"))
    # A kill right behind the change of names leaves one with a blank header, of which SQLite takes no notice.
    assert not any(any(journal.read_bytes()[:8]) for journal in tmp_path.glob("*-journal"))


@POINTS
@KINDS
def test_rows_come_through_a_newer_version_killed_over_anywhere(url: str, n_tried: int) -> None:
    make(url, 5)
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO t0 VALUES (7)"))
    for point in spread(n_tried, over=4 * TABLES):
        killed_at(point, lambda: make(url))
        with engine.connect() as connection:
            assert connection.execute(sa.text("SELECT x FROM t0")).scalar_one() == 7
        assert revision(url) in ("5", str(TABLES))
    make(url)
    assert tables(url) == names(TABLES)


def test_what_an_older_version_was_killed_over_is_made_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/some.db"
    migration(5)(url)
    with closing(sqlite3.connect(tmp_path / "some.db")) as half:
        half.execute("CREATE TABLE _alembic_tmp_t5 (x INTEGER)")
        half.execute("PRAGMA journal_mode=WAL")
    make(url)
    assert tables(url) == names(TABLES)


def test_a_file_in_use_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlsys.database import making

    monkeypatch.setattr(making, "_BUSY_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path}/some.db"
    make(url, 5)
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as user:
        user.execute("BEGIN IMMEDIATE")
        user.execute("INSERT INTO t0 VALUES (1)")
        with pytest.raises(TransientError, match="somebody uses it"):
            make(url)
        user.execute("COMMIT")
    assert revision(url) == "5"


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises((IntegrityError, sa.exc.DatabaseError), match="not a database"):
        make(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"not a database")
