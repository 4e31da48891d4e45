"""Numbers as people and spreadsheets write them: declared marks are taken away, others get a sentence."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from mlsys.schema import ColumnSpec

if TYPE_CHECKING:
    import pyarrow as pa

# A mark as it is declared, and what it looks like: typographers have blanks and apostrophes of their own.
LOOKS = {",": ",", ".": r"\.", " ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}
# What may be declared, the simplest first.
_CHOICES = ((None, ","), (None, " "), (None, "'"), (",", None), (",", "."), (",", " "), (",", "'"))
_MINUS = re.compile(r"\(.*\)|.*[0-9][-\u2212]|\u2212.*")
_UNIT = re.compile(r"[^\W\d_]{1,3}\.?\s*[-+]?[0-9.,'\s]+|[-+]?[0-9.,'\s]+[^\W\d_]{1,4}\.?")


def unmarked(texts: pa.Array, column: ColumnSpec) -> pa.Array:
    """Return texts of numbers with a decimal point and without thousands marks, as the column declares both.

    A text that is not written so comes back unreadable, even where it would be a number without the declaration.
    """
    import pyarrow.compute as pc

    plain = texts
    if column.thousands is not None:
        plain = pc.replace_substring_regex(plain, LOOKS[column.thousands], "")
    if column.decimal is not None:
        plain = pc.replace_substring(plain, column.decimal, ".")
    fits = pc.match_substring_regex(texts, f"^{_shape(column.decimal, column.thousands)}$")
    return pc.if_else(fits, plain, pc.replace_substring(texts, ".", ","))


def what_to_do(value: object, column: ColumnSpec) -> str:
    """Return in words how a text that is no number can be declared or cleaned; nothing where that is not known."""
    if column.type not in ("integer", "number") or not isinstance(value, str):
        return ""
    text = value.strip()
    if text.startswith("#"):
        return "a spreadsheet left an error there: mend the cell, or list it under `null_values`"
    if not any(map(str.isdigit, text)):
        return ""
    if "%" in text or "\u2030" in text:
        return "a number has no percent sign: take it away where the data are made"
    if any(unicodedata.category(character) == "Sc" for character in text) or _UNIT.fullmatch(text):
        return "a number has no currency or unit: write it alone where the data are made"
    if _MINUS.fullmatch(text):
        return "a negative number begins with `-`: write it so where the data are made"
    if column.decimal is not None or column.thousands is not None:
        return f"declared is {_keys(column.decimal, column.thousands)}"
    fitting = [c for c in _CHOICES if re.fullmatch(_shape(*c), text) and re.search(LOOKS[c[1] or c[0] or "."], text)]
    simplest = [c for c in fitting if not any(_part_of(other, c) for other in fitting)]
    if not simplest:
        return ""
    return f"declare {' or '.join(_keys(*choice) for choice in simplest)}, for the column or for a files source"


def _shape(decimal: str | None, thousands: str | None) -> str:
    """Return a regular expression for numbers with these marks."""
    grouped = "" if thousands is None else f"[0-9]{{1,3}}(?:{LOOKS[thousands]}[0-9]{{3}})+|"
    mark = LOOKS[decimal or "."]
    return rf"[+-]?(?:(?:{grouped}[0-9]+)(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"


def _part_of(simple: tuple[str | None, str | None], choice: tuple[str | None, str | None]) -> bool:
    return simple != choice and all(one in (None, other) for one, other in zip(simple, choice, strict=True))


def _keys(decimal: str | None, thousands: str | None) -> str:
    named = (("decimal", decimal), ("thousands", thousands))
    return " and ".join(f'`{key}: "{mark}"`' for key, mark in named if mark is not None)
