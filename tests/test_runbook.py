"""The runbook names messages as the code writes them: one that nobody can find helps nobody at three."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = [
    line for line in (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")
]
QUOTED = [message for line in TABLE for message in re.findall(r"`([^`]+)`", line.split("|")[1])]
SOURCE = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "mlsys").rglob("*.py")) + os.strerror(
    errno.ENOSPC
)


@pytest.mark.parametrize("message", QUOTED)
def test_a_message_of_the_runbook_is_one_of_the_code(message: str) -> None:
    for part in filter(None, map(str.strip, message.split("..."))):
        assert part in SOURCE


def test_the_commands_of_the_runbook_exist() -> None:
    from mlsys.cli.main import commands

    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`mlsys (\w+)", text))
    assert named <= set(commands.commands)
    assert len(named) >= 8
