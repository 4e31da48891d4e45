"""The wheel holds all of the package: templates, migrations, style sheets and entry points, and nothing beside it."""

from __future__ import annotations

import configparser
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run([*build, "--wheel-dir", folder, ROOT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("mlsys-*.whl")
    return ZipFile(path)


@pytest.mark.slow
def test_every_file_of_the_package_is_in_it(wheel: ZipFile) -> None:
    files = (path for path in (ROOT / "mlsys").rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    here = {path.relative_to(ROOT).as_posix() for path in files}
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == here
    assert "mlsys/report/templates/models/models.css" in inside
    assert "mlsys/ledger/migrations/versions/0001_first_tables.py" in inside


@pytest.mark.slow
def test_its_entry_points_are_those_of_the_project(wheel: ZipFile) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt")]
    found = configparser.ConfigParser()
    found.read_string(wheel.read(name).decode())
    assert dict(found["console_scripts"]) == project["scripts"]
    assert dict(found["airflow.plugins"]) == project["entry-points"]["airflow.plugins"]
