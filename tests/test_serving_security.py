"""docs/serving-security.md is followed: its keys are made, its server runs, and its curl lines print what it shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from given.doc_pages import DOCS, Block, blocks
from given.ports import free_port

from mlsys.cli.serving import serve
from mlsys.polling import ask_until
from mlsys.server.limits import ServerLimits

PAGE = "serving-security.md"
Run = Callable[[str], str]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def run(shop: Path, port: int, tmp_path: Path) -> Iterator[Run]:
    """Run lines of the page in a shell, on the shop; `mlsys serve ... &` runs to the end of the test."""
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": paths, "MLSYS_SERVER_PORT": str(port), "COLUMNS": "200"}
    servers: list[subprocess.Popen[str]] = []

    def run(code: str) -> str:
        code = code.replace("localhost:8000", f"localhost:{port}")
        if code.startswith("mlsys serve"):
            arguments = code.removesuffix("&\n").split()
            servers.append(
                subprocess.Popen(arguments, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
            )
            assert ask_until(bool, lambda: is_ready(port), seconds=60, pause=0.1)
            return ""
        done = subprocess.run(["bash", "-ec", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run
    for each in servers:
        each.terminate()
        _, said = each.communicate(timeout=60)
        assert "Traceback" not in said


def is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://localhost:{port}/ready").status_code == 200
    except httpx.TransportError:
        return False


def followed() -> list[Block]:
    """Return the blocks that are run: all up to those that speak of certificates."""
    found = blocks(PAGE)
    return found[: next(place for place, block in enumerate(found) if "--certificate" in block.code)]


def joined(printed: str) -> str:
    """Return the lines as one: an answer's JSON ends without a line's end."""
    return "".join(printed.split("\n")).replace("\r", "")


def pattern_of(shown: str) -> str:
    return ".*".join(re.escape(part) for part in joined(shown).split("..."))


@pytest.mark.long
def test_the_lines_of_the_page_print_what_it_shows(run: Run, port: int, tmp_path: Path) -> None:
    printed, n_compared = "", 0
    for block in followed():
        if block.language == "sh":
            printed = run(block.code)
        elif block.language == "text":
            n_compared += 1
            assert re.fullmatch(pattern_of(block.code), joined(printed)), f"{block.code}\n--- printed:\n{printed}"
    assert n_compared == 6

    def asked_with(name: str) -> int:
        key = (tmp_path / name).read_text().strip()
        return httpx.get(f"http://localhost:{port}/models", headers={"X-API-Key": key}).status_code

    assert ask_until(lambda status: status == 401, lambda: asked_with("checkout.key"), seconds=20, pause=0.1) == 401
    assert asked_with("checkout.new.key") == 200
    metrics = httpx.get(f"http://localhost:{port}/metrics").text
    told = re.findall(r"^\| `(mlsys_server_\w+)`", (DOCS / PAGE).read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in told if f"# TYPE {name.removesuffix('_total')}" not in metrics] == []


def test_limits_of_the_page_are_the_defaults_of_the_code() -> None:
    table = re.findall(r"^\| `MLSYS_SERVER_(\w+)` \| (\d+)", (DOCS / PAGE).read_text(encoding="utf-8"), re.MULTILINE)
    assert {name.lower(): float(value) for name, value in table} == ServerLimits().model_dump()


def test_every_option_of_the_page_is_one_of_the_command() -> None:
    known = {option for each in serve.params for option in each.opts}
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    told = {option for line in re.findall(r"mlsys serve (.*)", text) for option in re.findall(r"--[\w-]+", line)}
    assert {"--host", "--certificate", "--key", "--proxy"} <= told <= known
