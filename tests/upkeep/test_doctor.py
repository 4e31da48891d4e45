"""What `mlsys doctor` finds without a single run; the rest is looked at in tests/cli/test_operating.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlsys.settings import load_settings
from mlsys.upkeep import doctor
from mlsys.upkeep.diagnosis import Diagnosis
from mlsys.upkeep.doctor import examine
from mlsys.workspace import open_workspace


def finding(subject: str) -> Diagnosis:
    return next(found for found in examine(load_settings()) if found.subject == subject)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def new_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An MLSYS_HOME that does not exist yet, below a folder of nobody's."""
    monkeypatch.setenv("MLSYS_HOME", str(tmp_path / "above" / "home"))
    monkeypatch.setenv("MLSYS_DATABASE", "sqlite")
    monkeypatch.setattr(doctor, "everybody_enters", lambda place: bool(place.stat().st_mode & 0o001))
    return tmp_path / "above" / "home"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_home_is_made_for_its_owner_alone(new_home: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with open_workspace():
            pass
    finally:
        os.umask(before)
    assert mode_of(new_home) == 0o700
    assert finding("home").ok


@pytest.mark.parametrize(("mode", "closed"), [(0o700, True), (0o750, True), (0o770, True), (0o755, False)])
def test_a_folder_that_is_there_keeps_its_rights_and_an_open_one_is_a_problem(
    new_home: Path, mode: int, closed: bool
) -> None:
    new_home.mkdir(parents=True)
    new_home.chmod(mode)
    with open_workspace():
        pass
    found = finding("home")
    assert mode_of(new_home) == mode
    assert found.ok == closed
    assert (f"chmod o= {new_home}" in found.sentence) != closed


def test_a_home_that_its_database_passes_through_is_not_closed(new_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (new_home / "pg" / "data").mkdir(parents=True)
    new_home.chmod(0o755)
    monkeypatch.setattr(doctor, "user_id", lambda: os.geteuid() + 1)
    assert "chmod" not in finding("home").sentence
    assert "begin a new MLSYS_HOME" in finding("home").sentence
