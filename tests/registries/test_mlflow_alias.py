"""Whom the alias names, without MLflow: the same as MLflow says, at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mlsys.registries.base import Place
from mlsys.registries.mlflow_alias import Aliased, aliased, can_be_asked
from mlsys.registries.mlflow_registry import ALIAS, MlflowRegistry
from mlsys.testing.registries import PIPELINE, make_release

REGISTRY = MlflowRegistry()


@pytest.mark.slow
def test_it_is_what_mlflow_says(place: Place) -> None:
    from mlflow import MlflowClient

    release = make_release(place.store, version="1.0.0")
    shown = REGISTRY.publish(release, place)
    assert aliased(place.tracking_uri, PIPELINE, ALIAS) is None
    REGISTRY.point(PIPELINE, release.candidate.candidate_id, place)
    assert aliased(place.tracking_uri, PIPELINE, ALIAS) == Aliased(shown.name, release.candidate.candidate_id)
    client = MlflowClient(place.tracking_uri, registry_uri=place.tracking_uri)
    foreign = client.create_model_version(PIPELINE, str(place.home / "elsewhere"))
    client.set_registered_model_alias(PIPELINE, ALIAS, foreign.version)
    assert REGISTRY.pointed(PIPELINE, place) == f"version {foreign.version}, not of mlsys"


def test_asking_makes_no_database(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    assert aliased(f"sqlite:///{path}", PIPELINE, ALIAS) is None
    assert not path.exists()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")
    assert aliased(f"sqlite:///{path}", PIPELINE, ALIAS) is None


@pytest.mark.parametrize(
    ("url", "can"), [("sqlite:///x.db", True), ("postgresql+psycopg2://h/mlflow", True), ("http://h:5000", False)]
)
def test_a_server_is_asked_through_its_own_interface(url: str, can: bool) -> None:
    assert can_be_asked(url) is can
