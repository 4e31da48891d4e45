"""The api-server's start: pipelines are looked at before anybody asks, and no answer changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from mlsys.orchestration.page import glances as seen
from mlsys.orchestration.page import overview, warming
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def home(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("MLSYS_DATABASE", "sqlite")
    monkeypatch.setenv("MLSYS_HOME", str(work.home))
    monkeypatch.setenv("MLSYS_PIPELINES", str(work.settings.pipelines))
    monkeypatch.setattr(seen, "_seen", {})
    return work


def test_the_first_page_after_a_start_finds_everything_looked_at(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = FastAPI()
    app.get("/")(lambda: "answered")
    app.add_middleware(warming.Warming)
    with TestClient(app) as client:
        assert client.get("/").json() == "answered"
        for thread in threading.enumerate():
            if thread.name == "mlsys-warm":
                thread.join(timeout=30)

    def looked(*_: object, **__: object) -> None:
        raise AssertionError("looked at again")

    monkeypatch.setattr(overview, "glance", looked)
    assert [one.pipeline for one in seen.glances(home, ["shop"])] == ["shop"]


def test_a_start_goes_on_without_a_readable_home(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_DATABASE", "postgresql://nobody@localhost:1/none")
    warming.warm()
    assert seen._seen == {}


def test_a_start_makes_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_HOME", str(tmp_path / "home"))
    warming.warm()
    assert not (tmp_path / "home").exists()
