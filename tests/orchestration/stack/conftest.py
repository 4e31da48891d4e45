"""A home of its own for a stack, and the stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from given.ports import free_ports

from mlsys.database import embedded
from mlsys.orchestration.stack import stack
from mlsys.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a stack with folders that are empty and ports that are free."""
    for name in ("dags", "pipelines", "plugins"):
        (tmp_path / name).mkdir()
    airflow, mlflow = free_ports(2)
    return Settings(
        home=tmp_path / "home",
        dags=tmp_path / "dags",
        pipelines=tmp_path / "pipelines",
        plugins=tmp_path / "plugins",
        airflow_port=airflow,
        mlflow_port=mlflow,
        workers=1,
        training_slots=1,
    )


@pytest.fixture
def running(settings: Settings) -> Iterator[Settings]:
    """The settings of a stack that is up; afterwards nothing of it is left."""
    try:
        stack.up(settings, progress=lambda _: None)
        yield settings
    finally:
        stack.down(settings, progress=lambda _: None)
        if embedded.available():
            embedded.remove(settings.root)
