"""What the pages made from code share: a line about that, and tables whose cells hold any text."""

from __future__ import annotations

from collections.abc import Sequence

MADE = "<!-- made by `make reference` from {}: change it there -->\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; bars and line ends in cells are escaped."""
    lines = [header, ["---"] * len(header), *([_cell(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning; one that begins with code stays as it is."""
    return text[:1].upper() + text[1:]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
