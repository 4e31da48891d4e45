"""What must be true before the stack starts; each failure is one sentence that names its setting."""

from __future__ import annotations

import platform
import shutil
import socket
import sys
from contextlib import closing
from pathlib import Path

import psutil

from mlsys.errors import UsageError
from mlsys.orchestration.stack.environment import HOST
from mlsys.settings import Settings

_LEAST_FREE_BYTES = 1_000_000_000


def check(settings: Settings, ports: dict[str, int]) -> None:
    """Check Python, disk, folders and ports; `ports` maps the name of each setting to its port.

    Raises:
        UsageError: something is missing; names it, its setting, and the remedy.
    """
    _check_python()
    _check_disk(settings.root)
    for name, folder in (("MLSYS_DAGS", settings.dags), ("MLSYS_PIPELINES", settings.pipelines)):
        if not folder.is_dir():
            raise UsageError(
                "There is no such folder", where=name, got=str(folder), remedy="Start mlsys in its project"
            )
    if len(set(ports.values())) < len(ports):
        raise UsageError("Two services can't share a port", where=" and ".join(ports), got=sorted(ports.values()))
    for name, port in ports.items():
        check_port(name, port)


def check_port(name: str, port: int) -> None:
    """Check that nothing listens on a loopback port.

    Raises:
        UsageError: something does; says who, where the system tells.
    """
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            who = _listener(port)
            raise UsageError(
                f"Port {port} can't be used: " + (f"{who} listens there" if who else str(error.strerror).lower()),
                where=name,
                remedy=f"Stop it, or choose another port: {name}={port + 1}",
            ) from None


def _check_python() -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        raise UsageError("mlsys needs Python 3.11, 3.12 or 3.13", got=platform.python_version())


def _check_disk(home: Path) -> None:
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise UsageError(
            "The disk is too full: the stack needs 1 GB",
            where=f"MLSYS_HOME ({home})",
            got=f"{free / 1e6:.0f} MB free",
            remedy="Free some space, or set MLSYS_HOME to a folder on another disk",
        )


def _listener(port: int) -> str | None:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
        if listens and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.NoSuchProcess:
                return None
    return None
