"""Which databases a home uses: its own Postgres, SQLite files, or a server; it never changes in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mlsys.database import embedded
from mlsys.errors import UsageError
from mlsys.events import get_logger
from mlsys.settings import Settings
from mlsys.store import write_atomically

log = get_logger(__name__)

DatabaseKind = Literal["embedded", "sqlite", "server"]


@dataclass(frozen=True)
class Databases:
    """SQLAlchemy URLs of the databases, and the MLflow tracking URI; some hold a password.

    Attributes:
        embedded: the home's own server, where there is one.
    """

    kind: DatabaseKind
    ledger_url: str
    mlflow_url: str
    airflow_url: str
    embedded: embedded.Server | None = field(default=None, repr=False)

    @contextmanager
    def lease(self) -> Iterator[tuple[int, ...]]:
        """Give the file descriptors a child process must inherit to keep its databases running."""
        with ExitStack() as stack:
            yield () if self.embedded is None else (stack.enter_context(self.embedded.lease()),)


@contextmanager
def open_databases(settings: Settings) -> Iterator[Databases]:
    """Give the databases of a home, running for as long as the block lasts.

    Raises:
        UsageError: `settings.database` is no known kind, or not the one that this home began with.
    """
    kind, place = _choose(settings)
    home = settings.make_home()
    if kind == "embedded":
        with embedded.running(home) as server:
            _remember(home, kind, place)
            yield _databases(settings, kind, [server.url(name) for name in embedded.DATABASES], server)
    elif kind == "sqlite":
        home.joinpath("airflow").mkdir(exist_ok=True)
        _remember(home, kind, place)
        files = (home / "mlsys.db", home / "mlflow.db", home / "airflow" / "airflow.db")
        yield _databases(settings, kind, [f"sqlite:///{file}" for file in files])
    else:
        urls = [_on_server(settings.database, name) for name in embedded.DATABASES]
        _remember(home, kind, place)
        yield _databases(settings, kind, urls)


def _databases(
    settings: Settings, kind: DatabaseKind, urls: Sequence[str], server: embedded.Server | None = None
) -> Databases:
    ledger, mlflow, airflow = urls
    return Databases(kind, ledger, settings.mlflow_uri or mlflow, airflow, server)


def recorded_kind(home: Path) -> DatabaseKind | None:
    """Return the kind of database that a home began with, or None before it has one."""
    note = home / "database.json"
    known: DatabaseKind | None = json.loads(note.read_text())["kind"] if note.exists() else None
    return known


def _choose(settings: Settings) -> tuple[DatabaseKind, str | None]:
    """Return the kind to use and, for a server, where it is (without user and password)."""
    note = settings.root / "database.json"
    known = json.loads(note.read_text()) if note.exists() else None
    if settings.database == "auto":
        return _choose_alone() if known is None else _follow(known, note)
    kind, place = _explicit(settings.database)
    if known is not None and (known["kind"], known["server"]) != (kind, place):
        raise UsageError(
            f"This home keeps its ledger in {_in_words(known)}, not in {_in_words({'kind': kind, 'server': place})}",
            where="MLSYS_DATABASE",
            got=place or kind,
            remedy=f"Unset it, or choose another MLSYS_HOME; after moving the data yourself, remove {note}",
        )
    return kind, place


def _choose_alone() -> tuple[DatabaseKind, None]:
    if embedded.available():
        return "embedded", None
    log.warning(
        "database",
        kind="sqlite",
        reason="no_postgres_binaries",
        limits="no backfills from the Airflow page, few parallel tasks",
        remedy="set MLSYS_DATABASE to the URL of a Postgres server",
    )
    return "sqlite", None


def _follow(known: dict[str, str | None], note: Path) -> tuple[DatabaseKind, str | None]:
    if known["kind"] == "embedded":
        return "embedded", None
    if known["kind"] == "sqlite":
        return "sqlite", None
    raise UsageError(
        f"This home keeps its ledger in {_in_words(known)}",
        where=str(note),
        remedy="Set MLSYS_DATABASE to that server's URL",
    )


def _explicit(database: str) -> tuple[DatabaseKind, str | None]:
    if database == "embedded":
        return "embedded", None
    if database == "sqlite":
        return "sqlite", None
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(database)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql":
        raise UsageError(
            "The database is `auto`, `embedded`, `sqlite`, or the URL of a Postgres server",
            where="MLSYS_DATABASE",
            got=database if url is None else url.render_as_string(hide_password=True),
            remedy="Write a URL as postgresql://user:password@host:5432",
        )
    host = url.host or url.query.get("host") or "localhost"
    return "server", f"{host if isinstance(host, str) else host[0]}:{url.port or 5432}"


def _on_server(database: str, name: str) -> str:
    from sqlalchemy.engine import make_url

    url = make_url(database).set(drivername="postgresql+psycopg2", database=name)
    return url.render_as_string(hide_password=False)


def _in_words(known: dict[str, str | None]) -> str:
    words = {"embedded": "its own Postgres", "sqlite": "SQLite files"}
    return words.get(str(known["kind"])) or f"the Postgres server {known['server']}"


def _remember(home: Path, kind: DatabaseKind, place: str | None) -> None:
    note = home / "database.json"
    if not note.exists():
        write_atomically(note, json.dumps({"kind": kind, "server": place}).encode())
