from __future__ import annotations

import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from mlsys.errors import UsageError
from mlsys.orchestration.stack import preflight
from mlsys.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", dags=tmp_path, pipelines=tmp_path)


def test_a_busy_port_is_named_with_its_setting_and_the_listener() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            preflight.check_port("MLSYS_MLFLOW_PORT", port)
    assert "MLSYS_MLFLOW_PORT" in str(caught.value)
    assert f"Port {port}" in str(caught.value)
    assert "listens there" in str(caught.value)


def test_a_free_port_passes() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    preflight.check_port("MLSYS_AIRFLOW_PORT", port)


def test_two_services_on_one_port_are_refused(settings: Settings) -> None:
    with pytest.raises(UsageError, match="can't share a port"):
        preflight.check(settings, {"MLSYS_AIRFLOW_PORT": 9, "MLSYS_MLFLOW_PORT": 9})


def test_a_full_disk_is_said_with_the_space_left(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**12, 10**12, 5 * 10**6))
    with pytest.raises(UsageError, match="5 MB free"):
        preflight.check(settings, {})


def test_an_old_python_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.sys, "version_info", (3, 10, 2))
    with pytest.raises(UsageError, match="needs Python 3"):
        preflight.check(settings, {})


def test_a_missing_folder_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="MLSYS_DAGS"):
        preflight.check(Settings(home=tmp_path, dags=tmp_path / "none", pipelines=tmp_path), {})
