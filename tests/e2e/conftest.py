"""A real Airflow for a module of tests: the shop's DAGs on the embedded stack, with MLflow left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from given import shop
from given.ports import free_port

from mlsys import clock
from mlsys.orchestration.api.client import AirflowApi
from mlsys.orchestration.stack import stack
from mlsys.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Running:
    """A running stack: its settings, and a client of its Airflow."""

    settings: Settings
    api: AirflowApi


StartStack = Callable[..., AbstractContextManager[Running]]


@pytest.fixture(scope="module")
def shop_since(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Path]]:
    """Return a function that makes a home whose shop opened some days ago: its days are counted from there."""

    def made(days_ago: int, *, days: int, **spec: Any) -> Path:
        patch.setattr(shop, "FIRST_DAY", clock.now().date() - timedelta(days=days_ago))
        home = tmp_path_factory.mktemp("shop") / "home"
        shop.make_shop(home, home / "pipelines", days=days)
        shop.edit_spec(home / "pipelines", registries=["files"], **spec)
        return home

    with pytest.MonkeyPatch.context() as patch:
        yield made


@pytest.fixture(scope="module")
def start_stack() -> StartStack:
    """Return a context manager that starts the stack of a home with some of the DAG files, and stops it afterwards."""

    @contextmanager
    def started(home: Path, *dag_files: str, schedules_count_from: str | None = None) -> Iterator[Running]:
        dags = home / "dags"
        dags.mkdir(parents=True, exist_ok=True)
        for name in dag_files:
            shutil.copy(ROOT / "dags" / name, dags)
        if schedules_count_from is not None:
            note = {"made_at": schedules_count_from, "schedule_start": schedules_count_from}
            (home / "home.json").write_text(json.dumps(note))
        with pytest.MonkeyPatch.context() as patch:
            variables = {"HOME": home, "PIPELINES": home / "pipelines", "DAGS": dags, "PLUGINS": home / "plugins"}
            variables |= {"AIRFLOW_PORT": free_port(), "MLFLOW_URI": f"sqlite:///{home}/mlflow.db"}
            for name, value in variables.items():
                patch.setenv(f"MLSYS_{name}", str(value))
            settings = load_settings()
            stack.up(settings, progress=lambda _: None)
            try:
                with stack.connect(settings) as api:
                    yield Running(settings, api)
            finally:
                stack.down(settings, progress=lambda _: None)

    return started
