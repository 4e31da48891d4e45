"""Texts of numbers and truth values as JSON would have them, where they are written so that every reader agrees.

Most files are: digits, a point, a minus. Whatever else stands in a column (blanks, marks, a plus, codes in hexadecimal)
is left to `Champion.prepare`, which reads it as a source does, and takes pandas for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlsys.schema import ColumnSpec

_MOST_DIGITS = 15  # so many are the same whole number in float64
_INTEGERS, _NUMBERS = frozenset("0123456789-"), frozenset("0123456789-.eE")


def json_values(texts: list[str | None], column: ColumnSpec) -> list[Any]:
    """Return a column of texts, None where missing, as numbers or truth values if its type is one; else as it is.

    One value that is written in another way leaves the whole column as it is.
    """
    if column.marked or column.type not in ("integer", "number", "boolean"):
        return texts
    nulls = frozenset(column.nulls)
    there = [None if text in nulls else text for text in texts]
    if column.type == "boolean":
        return _truths(texts, there, column)
    said = [text for text in there if text is not None]
    letters = set("".join(said))
    whole = column.type == "integer"
    if not letters <= (_INTEGERS if whole else _NUMBERS) or (whole and max(map(len, said), default=0) > _MOST_DIGITS):
        return texts
    try:
        found = [text if text is None else (int if whole else float)(text) for text in there]
    except ValueError:
        return texts
    return texts if math.inf in found or -math.inf in found else found


def _truths(texts: list[str | None], there: list[str | None], column: ColumnSpec) -> list[Any]:
    known: Mapping[str | None, bool | None] = {
        **dict.fromkeys(column.false_values, False),
        **dict.fromkeys(column.true_values, True),
        None: None,
    }
    return [known[text] for text in there] if known.keys() >= set(there) else texts
