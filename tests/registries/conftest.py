"""One migrated MLflow database for the session: migrations cost seconds, a copy costs nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlsys.registries.base import Place
from mlsys.registries.mlflow_registry import MlflowRegistry
from mlsys.store import Store


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mlflow")
    path = folder / "mlflow.db"
    MlflowRegistry().point("nobody", None, Place(Store(folder / "store"), folder, f"sqlite:///{path}"))
    return path


@pytest.fixture
def place(tmp_path: Path, migrated_database: Path) -> Place:
    path = shutil.copy(migrated_database, tmp_path / "mlflow.db")
    return Place(store=Store(tmp_path / "store"), home=tmp_path, tracking_uri=f"sqlite:///{path}")
