"""What `make venv` finds out before it changes anything."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
import setup_venv

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder without .venv, with the real requirements."""
    for name in (setup_venv.BOOTSTRAP, setup_venv.LOCK, setup_venv.PROJECT):
        shutil.copy(setup_venv.ROOT / name, tmp_path)
    for name, value in {"ROOT": "", "VENV": ".venv", "BIN": ".venv/bin", "STAMP": ".venv/mlsys-stamp.json"}.items():
        monkeypatch.setattr(setup_venv, name, tmp_path / value)
    return tmp_path


def test_a_changed_lock_asks_for_a_new_installation(empty):
    before = setup_venv.wanted()
    with (empty / setup_venv.LOCK).open("a") as lock:
        lock.write("# changed\n")
    assert setup_venv.wanted() != before


def test_another_python_asks_for_a_new_installation(empty, monkeypatch):
    before = setup_venv.wanted()
    monkeypatch.setattr(setup_venv.sys, "version_info", (3, 10, 0))
    assert setup_venv.wanted() != before


def test_nothing_is_done_when_the_stamp_fits(empty, monkeypatch):
    (empty / ".venv" / "bin").mkdir(parents=True)
    (empty / ".venv" / "bin" / "python").touch()
    (empty / ".venv" / "mlsys-stamp.json").write_text(json.dumps(setup_venv.wanted()))
    monkeypatch.setattr(setup_venv, "run", lambda *_: pytest.fail("something was installed"))
    assert setup_venv.main() == 0


def test_a_missing_ensurepip_is_one_sentence_with_the_remedy(empty, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find(name))
    assert setup_venv.main() == 2
    error = capsys.readouterr().err
    assert "apt-get install python3" in error
    assert error.count("\n") == 1


def test_a_full_disk_is_one_sentence(empty, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 10**8))
    assert setup_venv.main() == 2
    assert "free some space" in capsys.readouterr().err
    assert not (empty / ".venv").exists()


def test_a_failing_installation_leaves_no_stamp(empty, monkeypatch, capsys):
    monkeypatch.setattr(setup_venv, "create", lambda: (empty / ".venv").mkdir())
    monkeypatch.setattr(setup_venv.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, "", ""))
    monkeypatch.setattr(setup_venv, "pip_settings", lambda _: {})
    assert setup_venv.main() == 2
    assert setup_venv.stamped() is None
    assert "uv could not be installed" in capsys.readouterr().err


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=setup_venv.ROOT, capture_output=True, text=True, check=False)


def test_make_names_a_python_that_is_missing():
    done = make("venv", "PYTHON=no-such-python")
    assert done.returncode != 0
    assert "there is no 'no-such-python' on the path" in done.stderr


def test_make_refuses_a_python_that_is_too_old(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\ncase "$1" in --version) echo Python 3.9.18;; *) exit 1;; esac\n')
    old.chmod(0o755)
    done = make("venv", f"PYTHON={old}")
    assert done.returncode != 0
    assert "Python 3.9.18: name another one: make PYTHON=python3.12" in done.stderr


def test_make_help_names_every_target():
    text = make("help").stdout
    targets = "venv demo test test-fast test-compose lint types checks bench lock clean"
    for target in targets.split():
        assert f"make {target} " in text


def test_the_running_python_is_one_that_make_accepts():
    assert make("--dry-run", "venv", f"PYTHON={sys.executable}").returncode == 0
