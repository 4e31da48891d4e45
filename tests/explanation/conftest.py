"""A shop whose newest run was explained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from given.shop import day, edit_spec, enter, make_shop

from mlsys import pipeline
from mlsys.planning.plan import RunRequest
from mlsys.workspace import Workspace, open_workspace


@pytest.fixture(scope="package")
def explained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("explained") / "home"
    make_shop(home, home / "pipelines", days=11)
    edit_spec(home / "pipelines", registries=["files"], explanations={"rows": 200, "top": 3})
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        with open_workspace() as work:
            pipeline.run(work, RunRequest("shop", day=day(10)))
    return home


@pytest.fixture
def work(explained_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    enter(explained_home, monkeypatch)
    with open_workspace() as opened:
        yield opened


@pytest.fixture
def run_id(work: Workspace) -> str:
    return work.ledger.runs("shop")[0].run_id
