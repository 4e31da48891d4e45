"""A newcomer's day: docs/first-model.md is the script, from a table of one's own to a champion in Python."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from given.doc_pages import Block, blocks

from mlsys.cli.main import invoke

pytestmark = pytest.mark.slow

PAGE = "first-model.md"


@dataclass(frozen=True)
class Day:
    """The folder that the newcomer worked in, and what each block of the page printed."""

    folder: Path
    printed: dict[str, str]

    def after(self, code: str) -> str:
        (found,) = [text for block, text in self.printed.items() if code in block]
        return found


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Do what the page says, block by block, and nothing else."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / "include" / "pipelines").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        yield Day(folder, {block.code: follow(block) for block in blocks(PAGE)})


def follow(block: Block) -> str:
    """Write a block into the file that the page names, or run it."""
    if block.file is not None:
        Path(block.file).write_text(block.code, encoding="utf-8")
        return ""
    with redirect_stdout(io.StringIO()) as printed:
        if block.language == "python":
            exec(block.code, {"__name__": "__main__"})
        for line in block.code.splitlines() if block.language == "sh" else ():
            # Commands run in this process: each new one would import everything anew.
            if line.startswith("mlsys "):
                assert invoke(shlex.split(line)[1:]) == 0, f"{line}\n{printed.getvalue()}"
            else:
                printed.write(subprocess.run(["sh", "-ec", line], check=True, capture_output=True, text=True).stdout)
    return printed.getvalue()


def test_the_draft_says_what_it_found(day: Day) -> None:
    printed = day.after("mlsys init")
    assert "target   returned: 'yes' of two classes" in printed
    assert "key      order_no" in printed
    assert printed.rstrip().endswith("mlsys check orders")


def test_the_check_finds_nothing_wrong(day: Day) -> None:
    assert day.after("mlsys check").startswith("orders: ok\n")


def test_the_preview_names_the_day_of_the_run(day: Day) -> None:
    assert "2026-04-29" in day.after("mlsys preview")


def test_the_first_run_promotes(day: Day) -> None:
    printed = day.after("mlsys run")
    assert "PROMOTE" in printed
    assert re.search(r"is champion of orders as version 1\.0\.0", printed)


def test_the_champion_is_shown(day: Day) -> None:
    assert "1.0.0" in day.after("mlsys champion")


def test_its_scores_are_printed_in_python(day: Day) -> None:
    lines = day.after("load_champion").splitlines()
    assert lines[0].split() == ["order_no", "channel", "n_items", "y_score", "comes_back"]
    assert len(lines) == 6
    assert all(0 < float(line.split()[4]) < 1 for line in lines[1:])


def test_the_same_again_trains_nothing(day: Day) -> None:
    again = follow(Block("sh", "mlsys run orders", ""))
    assert "unchanged" in again.lower()
    assert "PROMOTE" not in again
