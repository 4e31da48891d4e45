"""docs/tutorial.md is followed, command by command, and what they print is what the page shows.

In the page's `text`, `...` stands for anything within a line, and alone for any number of lines. `make test`
leaves out what needs Airflow; `make test-long` does all of it on the embedded stack, and presses Trigger where the page
says so.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from given.doc_pages import Block, blocks
from given.ports import free_port

from mlsys.cli.main import invoke
from mlsys.orchestration.stack import stack
from mlsys.settings import load_settings

pytestmark = pytest.mark.slow

PAGE = "tutorial.md"
ROOT = Path(__file__).parents[1]
Run = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in as in that of mlsys, with a home of its own."""
    (tmp_path / "include" / "pipelines").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLSYS_HOME", str(tmp_path / "var"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def follow(steps: list[Block], run: Run) -> None:
    """Do what the blocks say, and compare what they print with the block of text that follows."""
    printed = ""
    for block in steps:
        if block.file is not None and block.language == "python":
            Path(block.file).write_text(block.code, encoding="utf-8")
        elif block.language == "sh":
            printed = "\n".join(run(line) for line in block.code.splitlines())
        elif block.language == "text":
            assert re.search(pattern_of(block.code), squeezed(printed)), f"{block.code}\n--- printed:\n{printed}"


def squeezed(text: str) -> str:
    """Return the text with one blank for each piece of blank space within a line, and without empty lines."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def pattern_of(shown: str) -> str:
    """Return the regular expression of what a block of text shows."""
    lines = [r"(?:.*\n)*?" if line == "..." else _line(line) for line in squeezed(shown).splitlines()]
    return "(?m)^" + "".join(lines)


def _line(shown: str) -> str:
    return ".*?".join(re.escape(part.strip(" ")) if part else "" for part in shown.split("...")) + r"(?:\n|$)"


def sections(*, stack: bool) -> list[Block]:
    """Return the page's blocks, with or without those of its part about Airflow."""
    found = blocks(PAGE)
    if stack:
        return found
    return found[: next(place for place, block in enumerate(found) if "mlsys up" in block.code)]


def test_what_the_page_shows_is_printed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    monkeypatch.setenv("MLSYS_DATABASE", "sqlite")
    # Half of the time goes into MLflow's database, and the page shows no interval and no explanation.
    monkeypatch.setenv("MLSYS_SET", "registries=[files]; metrics.replicates=200; explanations.enabled=false")
    monkeypatch.setenv("COLUMNS", "400")

    def run(line: str) -> str:
        if not line.startswith("mlsys "):
            return subprocess.run(["sh", "-ec", line], check=True, capture_output=True, text=True).stdout
        assert invoke(shlex.split(line)[1:]) == 0, line
        return capsys.readouterr().out

    follow(sections(stack=False), run)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a ... c", "a b c", True),
        ("a ... c", "a b d", False),
        ("...\nb", "a\na\nb", True),
        ("a\nb", "a\nc\nb", False),
        ("a   b", "a b", True),
        ("a", "a and more", False),
        ("a ...", "a and more", True),
    ],
)
def test_what_is_shown_is_compared(shown: str, printed: str, same: bool) -> None:
    assert bool(re.search(pattern_of(shown), squeezed(printed))) is same


@pytest.mark.long
@pytest.mark.e2e
@pytest.mark.timeout(1500)
def test_the_whole_page_on_a_real_airflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DAGS": ROOT / "dags",
        "PLUGINS": ROOT / "plugins",
        "AIRFLOW_PORT": free_port(),
        "MLFLOW_PORT": free_port(),
    }.items():
        monkeypatch.setenv(f"MLSYS_{name}", str(value))
    monkeypatch.setenv("COLUMNS", "400")

    def run(line: str) -> str:
        if line.startswith("mlsys history"):
            press_trigger()
        done = subprocess.run(["sh", "-ec", line], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    try:
        follow(sections(stack=True), run)
    finally:
        stack.down(load_settings(), progress=lambda _: None)


def press_trigger() -> None:
    """Start the DAG as the button in Airflow does, and wait for its end."""
    with stack.connect(load_settings()) as api:
        api.wait_for_dag("retrain_tickets", seconds=240)
        run = api.wait_for_run("retrain_tickets", api.trigger("retrain_tickets"), seconds=500)
        assert run["state"] == "success"
        assert run["note"]
