"""Servers of a champion, each a process of its own: mlsys, and its peers in environments of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from run import HERE

NAME = "phishing"
PEERS = HERE / "peers"
_READY = 180.0  # seconds, then a server has not started


@dataclass(frozen=True)
class Server:
    """A server of the champion and how it wants to be asked."""

    name: str
    command: list[str]
    url: str
    key: str = "rows"
    cwd: Path = HERE
    environ: Mapping[str, str] = field(default_factory=dict)
    batch_path: str = ""  # below `url`, where many rows are asked elsewhere


@dataclass(frozen=True)
class Running:
    """A started one: its process, and how long it took to its first answer, on the clock and of all its processors."""

    process: subprocess.Popen[bytes]
    seconds: float
    cpu: float


def post(url: str, body: bytes, *, timeout: float = 60) -> bytes:
    """Return what a POST is answered with."""
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=timeout) as answer:
        return bytes(answer.read())


@contextmanager
def started(server: Server, first: bytes) -> Iterator[Running]:
    """Start a server, wait until it answers, and end it afterwards with all its children."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        server.command,
        cwd=server.cwd,
        env={**os.environ, **server.environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while True:
            try:
                post(server.url, first)
                break
            except (urllib.error.URLError, OSError):
                if process.poll() is not None or time.perf_counter() - begun > _READY:
                    raise RuntimeError(f"{server.name} does not answer") from None
                time.sleep(0.02)
        yield Running(process, time.perf_counter() - begun, cpu_of(process))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def tree(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return a process and all below it."""
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


def cpu_of(process: subprocess.Popen[bytes]) -> float:
    """Return the processor seconds of a process and those below it, ended ones too, up to now."""
    return float(sum(sum(each.cpu_times()[:4]) for each in tree(process)))


def memory(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Return MB of a process and those below it: resident, and their own."""
    found = [each.memory_full_info() for each in tree(process)]
    return sum(each.rss for each in found) / 1e6, sum(each.uss for each in found) / 1e6


def mlsys_server(home: Path, port: int) -> Server:
    """Return mlsys's own server of a home."""
    command = [str(Path(sys.executable).with_name("mlsys")), "serve", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/pipelines/{NAME}/predict"
    return Server("mlsys serve", command, url, environ=at(home), batch_path="/batch")


def at(home: Path) -> dict[str, str]:
    """Return the environment of a home, whose server limits no client."""
    return {"MLSYS_HOME": str(home), "MLSYS_DATABASE": "sqlite", "MLSYS_SERVER_REQUESTS_PER_SECOND": "0"}


def peers(folder: Path, release: Path, needed: list[str], port: int) -> Iterator[tuple[Server | None, str]]:
    """Yield each peer that installs, and of one that does not a line that says so."""
    environ = {"CHAMPION_FOLDER": str(release), "BENTOML_DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    for number, package in enumerate(("bentoml", "mlflow", "litserve"), start=1):
        python, trouble = _environment(folder / package, [package, *needed])
        if trouble:
            yield None, f"| {package}: does not install ({trouble}) |" + " |" * 9
            continue
        at = port + number
        variables = {**environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
        version = _version(python, package)
        if package == "bentoml":
            command = [str(python.with_name("bentoml")), "serve", "bento_service:Champion", "--port", str(at)]
            yield Server(f"BentoML {version}", command, f"http://127.0.0.1:{at}/predict", "rows", PEERS, variables), ""
        elif package == "litserve":
            command = [str(python), "lit_service.py", str(at)]
            yield Server(f"LitServe {version}", command, f"http://127.0.0.1:{at}/predict", "rows", PEERS, variables), ""
        else:
            model = folder / "mlflow-model"
            make = [str(python), "mlflow_model.py", str(model)]
            subprocess.run(make, cwd=PEERS, env={**os.environ, **variables}, check=True, capture_output=True)
            mlflow = [str(python.with_name("mlflow")), "models", "serve", "--model-uri", str(model)]
            command = [*mlflow, "--env-manager", "local", "--port", str(at), "--workers", "1"]
            url = f"http://127.0.0.1:{at}/invocations"
            yield Server(f"mlflow models serve {version}", command, url, "dataframe_records", PEERS, variables), ""


def _environment(folder: Path, packages: list[str]) -> tuple[Path, str]:
    """Return the Python of a new environment with packages, and why it could not be made."""
    uv, python = str(Path(sys.executable).with_name("uv")), folder / "bin" / "python"
    for command in (
        ["venv", "--python", sys.executable, str(folder)],
        ["pip", "install", "--python", str(python), *packages],
    ):
        done = subprocess.run([uv, *command, "--quiet"], capture_output=True, text=True, check=False)
        if done.returncode:
            return python, " ".join(done.stderr.split())[:200]
    return python, ""


def _version(python: Path, package: str) -> str:
    asked = f"from importlib.metadata import version; print(version('{package}'))"
    return subprocess.run([str(python), "-c", asked], capture_output=True, text=True, check=True).stdout.strip()
