"""What tests of the server share: routes behind their door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from given.stand_ins import ShelfOfNames, echo
from starlette.testclient import TestClient

from mlsys.server.app import make_app
from mlsys.server.door import guarded
from mlsys.server.keys import KeyFile
from mlsys.server.limits import ServerLimits
from mlsys.server.metrics import Metrics
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace

Door = Callable[..., TestClient]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A path for API keys, where no file is yet."""
    return tmp_path / "secrets" / "server_keys.json"


@pytest.fixture
def door(key_file: Path) -> Door:
    """Make a client of routes that echo, or of `app`: `door(rule="keys", peer=("10.0.0.7", 1), body_bytes=2000)`."""

    def made(
        rule: str = "local", peer: tuple[str, int] = ("127.0.0.1", 50000), app: Any = echo, **limits: Any
    ) -> TestClient:
        metrics = Metrics(ShelfOfNames())  # type: ignore[arg-type]
        behind = guarded(app, metrics=metrics, keys=KeyFile(key_file), rule=rule, limits=ServerLimits(**limits))  # type: ignore[arg-type]
        return TestClient(behind, base_url="http://localhost", client=peer, raise_server_exceptions=False)

    return made


@pytest.fixture
def shop_behind_door(work: Workspace, key_file: Path) -> Iterator[TestClient]:
    """A client of the shop's real server, which lets two rows of 4 KiB through."""
    shelf = Shelf(work)
    shelf.refresh()
    metrics, limits = Metrics(shelf), ServerLimits(rows=2, body_bytes=4096)
    app = make_app(shelf, [metrics.answered], most_rows=limits.rows)
    behind = guarded(app, metrics=metrics, keys=KeyFile(key_file), rule="local", limits=limits)
    with TestClient(
        behind, base_url="http://localhost", client=("127.0.0.1", 1), raise_server_exceptions=False
    ) as client:
        yield client
