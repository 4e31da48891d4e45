"""A small project to plant violations in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from findings import EXTENSION_FOLDERS

Plant = Callable[[str, str], Path]

CONTRACT = '"""A contract."""\n\nfrom mlsys.components import Component\n\n\nclass {name}(Component):\n    pass\n'
TABLE = '"""A table."""\n\nfrom mlsys.{folder}.base import {name}\n\nTABLE = [{name}]\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that keeps every rule."""
    for folder in EXTENSION_FOLDERS:
        name = f"{folder.title()}Base"
        (tmp_path / "mlsys" / folder).mkdir(parents=True)
        (tmp_path / "mlsys" / folder / "base.py").write_text(CONTRACT.format(name=name))
        (tmp_path / "mlsys" / folder / "__init__.py").write_text(TABLE.format(folder=folder, name=name))
    (tmp_path / "mlsys" / "components.py").write_text("class Component:\n    pass\n")
    return tmp_path


@pytest.fixture
def plant(project: Path) -> Plant:
    """Write one file into the project and return its path."""

    def write(name: str, text: str) -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write
