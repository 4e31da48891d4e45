"""An installation with the pipelines and sample makers that come along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlsys.workspace import Workspace, open_workspace

INCLUDE = Path(__file__).parents[2] / "include"


@contextmanager
def as_it_comes(home: Path) -> Iterator[Workspace]:
    """Give the workspace of a home on SQLite."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLSYS_HOME", str(home))
        patched.setenv("MLSYS_DATABASE", "sqlite")
        patched.setenv("MLSYS_PIPELINES", str(INCLUDE / "pipelines"))
        patched.setenv("MLSYS_SAMPLES", str(INCLUDE / "samples"))
        with open_workspace() as work:
            yield work
