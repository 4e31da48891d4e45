"""docs/errors.md quotes messages as the code writes them, and leaves those of the night to the runbook."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from given.doc_pages import DOCS

from mlsys import errors

ROOT = Path(__file__).parents[1]
SOURCE = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "mlsys").rglob("*.py"))
SOURCE = re.sub(r'"\s*\n\s*f?"', "", SOURCE)  # a sentence may go over several lines


def quoted(page: str) -> list[str]:
    """Return what the first column of a page's tables quotes."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| Exit code")]
    return [message for row in rows for message in re.findall(r"`([^`]+)`", row.split("|")[1])]


@pytest.mark.parametrize("message", quoted("errors.md"))
def test_a_message_of_the_page_is_one_of_the_code(message: str) -> None:
    parts = [part.strip() for part in message.split("...") if part.strip()]
    assert parts
    for part in parts:
        assert part in SOURCE


def test_no_message_stands_twice_and_none_is_the_runbooks() -> None:
    both = Counter(quoted("errors.md") + quoted("runbook.md"))
    assert [message for message, n in both.items() if n > 1] == []
    assert len(quoted("errors.md")) > 60


def test_the_exit_codes_are_those_of_the_errors() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    stated = {
        name: int(code)
        for code, names in re.findall(r"^\| (\d) \| ([^|]*)\|", text, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
    }
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MlsysError)]
    assert stated == {kind.__name__: kind.exit_code for kind in kinds if kind is not errors.MlsysError}


def test_the_commands_and_variables_that_it_names_exist() -> None:
    from mlsys.cli.main import commands
    from mlsys.settings import Settings

    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    advice = " ".join(line.split("|", 2)[-1] for line in text.splitlines())
    assert set(re.findall(r"`mlsys (\w+)", advice)) <= set(commands.commands)
    known = {f"MLSYS_{name.upper()}" for name in Settings.model_fields} | {"MLSYS_SET"}
    assert set(re.findall(r"MLSYS_[A-Z]+", text)) <= known
