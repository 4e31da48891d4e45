from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from mlsys.database import embedded
from mlsys.database.databases import open_databases
from mlsys.errors import UsageError
from mlsys.settings import Settings

SERVER = "postgresql://ann:p%40ss@db.example:6000"


def settings(home: Path, database: str, **more: Any) -> Settings:
    return Settings(home=home, database=database, **more)


def test_sqlite_gives_three_files_below_the_home(tmp_path: Path) -> None:
    with open_databases(settings(tmp_path, "sqlite")) as found:
        assert found.kind == "sqlite"
        assert found.ledger_url == f"sqlite:///{tmp_path}/mlsys.db"
        assert found.mlflow_url == f"sqlite:///{tmp_path}/mlflow.db"
        assert found.airflow_url == f"sqlite:///{tmp_path}/airflow/airflow.db"
        with found.lease() as handles:
            assert handles == ()


def test_server_url_gives_its_three_databases_with_the_driver(tmp_path: Path) -> None:
    with open_databases(settings(tmp_path, SERVER)) as found:
        assert found.kind == "server"
        assert found.ledger_url == "postgresql+psycopg2://ann:p%40ss@db.example:6000/mlsys"
        assert found.airflow_url.endswith("/airflow")


def test_the_note_about_a_server_holds_no_password(tmp_path: Path) -> None:
    with open_databases(settings(tmp_path, SERVER)):
        pass
    assert json.loads((tmp_path / "database.json").read_text()) == {
        "kind": "server",
        "server": "db.example:6000",
    }


def test_auto_follows_what_the_home_began_with(tmp_path: Path) -> None:
    with open_databases(settings(tmp_path, "sqlite")):
        pass
    with open_databases(settings(tmp_path, "auto")) as found:
        assert found.kind == "sqlite"


@pytest.mark.parametrize("database", ["embedded", SERVER])
def test_a_contradiction_is_refused_and_changes_nothing(tmp_path: Path, database: str) -> None:
    with open_databases(settings(tmp_path, "sqlite")):
        pass
    before = sorted(tmp_path.rglob("*"))
    with (
        pytest.raises(UsageError, match="keeps its ledger in SQLite files") as caught,
        open_databases(settings(tmp_path, database)),
    ):
        pass
    assert "p@ss" not in str(caught.value)
    assert "p%40ss" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_auto_without_the_url_of_a_known_server_says_which(tmp_path: Path) -> None:
    with open_databases(settings(tmp_path, SERVER)):
        pass
    with (
        pytest.raises(UsageError, match=r"db\.example:6000"),
        open_databases(settings(tmp_path, "auto")),
    ):
        pass


@pytest.mark.parametrize("database", ["mysql://u:secret@h/x", "postgres", "oracle", ""])
def test_anything_else_is_refused_without_its_password(tmp_path: Path, database: str) -> None:
    with (
        pytest.raises(UsageError, match="MLSYS_DATABASE") as caught,
        open_databases(settings(tmp_path, database)),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_auto_falls_back_to_sqlite_and_says_its_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(embedded, "available", lambda: False)
    with caplog.at_level(logging.WARNING), open_databases(settings(tmp_path, "auto")) as found:
        assert found.kind == "sqlite"
    assert "no backfills" in caplog.text


def test_mlflow_may_live_elsewhere(tmp_path: Path) -> None:
    with open_databases(settings(tmp_path, "sqlite", mlflow_uri="http://mlflow.example")) as found:
        assert found.mlflow_url == "http://mlflow.example"


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.skipif(not embedded.available(), reason="this platform has no binaries of the embedded Postgres")
def test_auto_takes_the_embedded_server_and_hides_its_password(tmp_path: Path) -> None:
    try:
        with open_databases(settings(tmp_path, "auto")) as found:
            assert found.kind == "embedded"
            assert found.embedded is not None
            assert embedded.is_running(tmp_path)
            assert found.embedded.password not in repr(found.embedded)
        assert not embedded.is_running(tmp_path)
    finally:
        embedded.remove(tmp_path)
