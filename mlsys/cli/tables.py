"""Tables that stay legible on any width: columns where there is room for them, else a block of lines for each row."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_PIPE = 120  # characters of a line that nobody said the length of
_NARROWEST = 20
_GAP = 2  # blanks between two columns
_LEAST = 16  # characters of a column whose words would be broken into a ladder below that


def console() -> Console:
    """Return the console of standard output: as wide as the terminal, or as `COLUMNS` says, also in a pipe."""
    from rich.console import Console

    asked = os.environ.get("COLUMNS", "")
    width = max(int(asked), _NARROWEST) if asked.isdecimal() and asked.isascii() else None
    return Console(width=width if sys.stdout.isatty() else width or _PIPE, highlight=False)


def show_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under a header, or each row as a block of its own where the columns don't fit."""
    out = console()
    cells = [tuple("" if cell is None else str(cell) for cell in row) for row in rows]
    widths = widths_of([tuple(header), *cells], out.width)
    if widths is not None:
        out.print(_columns(header, cells, widths))
        return
    for number, row in enumerate(cells):
        if number:
            out.print()
        _print_facts(out, list(zip(header, row, strict=True)))


def show_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print one fact a line beside its name; those that are not known are left out."""
    _print_facts(console(), [(name, "" if fact is None else str(fact)) for name, fact in facts])


def widths_of(lines: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Return how wide each column is when `lines` share `width` characters, or None where they can't.

    No word is broken, and what has to wrap keeps a width that can be read.
    """
    from rich.cells import cell_len

    columns = list(zip(*lines, strict=True))
    wanted = [max(map(cell_len, column)) for column in columns]
    longest = [max((cell_len(word) for text in column for word in text.split()), default=0) for column in columns]
    least = [max(word, min(whole, _LEAST)) for word, whole in zip(longest, wanted, strict=True)]
    too_much = sum(wanted) + _GAP * (len(wanted) - 1) - width
    while too_much > 0:
        widest = max(range(len(wanted)), key=lambda column: wanted[column] - least[column])
        if wanted[widest] == least[widest]:
            return None
        wanted[widest] -= 1
        too_much -= 1
    return wanted


def _columns(header: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name, width in zip(header, widths, strict=True):
        table.add_column(name, width=width, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # a sentence may hold brackets, which are no markup
    return table


def _print_facts(out: Console, facts: Sequence[tuple[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, fact in facts:
        if fact:
            grid.add_row(Text(name), Text(fact))
    out.print(grid)
