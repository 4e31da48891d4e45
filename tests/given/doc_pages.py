"""Pages of docs/ as scripts: their blocks of code, in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text, and the words of the page right before it."""

    language: str
    code: str
    before: str

    @property
    def file(self) -> str | None:
        """The file that the words before it name in code marks, or None."""
        named = re.findall(r"`([\w./-]+\.(?:py|yaml|toml|csv))`", self.before)
        return named[-1] if named else None


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page below docs/."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], text[: found.start()].rstrip().rpartition("\n\n")[2])
        for found in _BLOCK.finditer(text)
    ]
