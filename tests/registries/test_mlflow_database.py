"""MLflow's tables are made whole or not at all, on SQLite and on Postgres, and what is in them is never made anew."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from given.kill_points import killed_at, points_of, spread

from mlsys.database.making import revision
from mlsys.errors import RunError
from mlsys.registries.base import Place
from mlsys.registries.mlflow_database import _newest, prepare
from mlsys.registries.mlflow_registry import MlflowRegistry
from mlsys.store import Store
from mlsys.testing.registries import PIPELINE, make_release

POINTS = pytest.mark.parametrize(
    "n_points", [pytest.param(5, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.long)]
)
SERVERS = pytest.mark.parametrize(
    "url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/mlflow.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture(scope="module", autouse=True)
def imported() -> Iterator[None]:
    """Children that are killed have MLflow from this process, and don't tell what it tells."""
    import alembic.command
    import mlflow.store.db.utils

    loggers = [logging.getLogger(name) for name in (mlflow.store.db.utils.__name__, alembic.command.__name__)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="module")
def points_in_all(imported: None, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many points there are to be killed at when an SQLite file is made from nothing."""
    return points_of(lambda: prepare(f"sqlite:///{tmp_path_factory.mktemp('trial')}/mlflow.db"))


def works(url: str, home: Path) -> bool:
    """Whether a release can be published there and found again."""
    place = Place(Store(home / "store"), home, url)
    release = make_release(place.store, version="1.0.0")
    MlflowRegistry().publish(release, place)
    MlflowRegistry().point(PIPELINE, release.candidate.candidate_id, place)
    return MlflowRegistry().pointed(PIPELINE, place) == release.candidate.candidate_id


@POINTS
@SERVERS
def test_a_database_killed_over_anywhere_is_made_by_the_next(
    url: str, n_points: int, points_in_all: int, tmp_path: Path
) -> None:
    n_killed = 0
    for point in spread(n_points, over=points_in_all):
        n_killed += killed_at(point, lambda: prepare(url))
        assert revision(url) in (None, _newest())
    assert n_killed >= 2
    assert works(url, tmp_path)
    assert revision(url) == _newest()


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement", [pytest.param(100, marks=pytest.mark.long), 700, pytest.param(1500, marks=pytest.mark.long)]
)
def test_a_file_that_an_older_version_was_killed_over_is_made_anew(
    tmp_path: Path, statement: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.db import commands

    path = tmp_path / "mlflow.db"
    url = f"sqlite:///{path}"
    assert killed_at(statement, lambda: commands.main(["upgrade", url], standalone_mode=False))
    assert revision(url) != _newest()
    assert works(url, tmp_path)


@pytest.mark.slow
def test_no_connection_is_left_open(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    prepare(f"sqlite:///{file}")
    assert file.exists()
    assert str(file) not in {opened.path for opened in psutil.Process().open_files()}


@pytest.mark.slow
def test_older_tables_with_runs_in_them_are_changed_and_not_made_anew(place: Place) -> None:
    from alembic.command import downgrade
    from mlflow.store.db.utils import _get_alembic_config

    release = make_release(place.store, version="1.0.0")
    MlflowRegistry().publish(release, place)
    config = _get_alembic_config(place.tracking_uri)
    downgrade(config, "-1")
    assert revision(place.tracking_uri) != _newest()
    prepare(place.tracking_uri)
    assert revision(place.tracking_uri) == _newest()
    with closing(sqlite3.connect(place.tracking_uri.removeprefix("sqlite:///"))) as connection:
        found = connection.execute("SELECT value FROM model_version_tags WHERE key = 'mlsys.candidate'").fetchall()
    assert found == [(release.candidate.candidate_id,)]


@pytest.mark.slow
def test_tables_of_a_newer_mlflow_are_left_alone(place: Place) -> None:
    path = Path(place.tracking_uri.removeprefix("sqlite:///"))
    MlflowRegistry().publish(make_release(place.store), place)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    before = shutil.copy(path, path.with_name("before"))
    with pytest.raises(RunError, match="newer mlsys"):
        MlflowRegistry().point(PIPELINE, None, place)
    assert path.read_bytes() == Path(before).read_bytes()
