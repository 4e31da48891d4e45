"""Numbers as people and spreadsheets write them: declared marks and units are taken away, others get a sentence."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from mlsys.schema import ColumnSpec
from mlsys.sources.reading.counted_times import what_it_counts

if TYPE_CHECKING:
    import pyarrow as pa

# A mark as it is declared, and what it looks like: typographers have blanks and apostrophes of their own.
LOOKS = {",": ",", ".": r"\.", " ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}
MarkPair = tuple[str | None, str | None]  # of decimals and of thousands
# What may be declared, the simplest first.
_CHOICES: tuple[MarkPair, ...] = (
    (None, ","),
    (None, " "),
    (None, "'"),
    (",", None),
    (",", "."),
    (",", " "),
    (",", "'"),
)
_MINUS = re.compile(r"\(.*\)|.*[0-9][-\u2212]|\u2212.*")
_BLANK = LOOKS[" "]
_NUMBER = r"[0-9.,'\s]*[0-9][0-9.,'\s]*"
_SIGN = "%\u2030\u00b0"  # beside the signs of currencies: per cent, per mille, degrees


def unmarked(texts: pa.Array, column: ColumnSpec) -> pa.Array:
    """Return texts of numbers with a decimal point, without thousands marks and unit, as the column declares them.

    A text that is not written so comes back unreadable, even where it would be a number without the declaration.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    bare = texts if column.unit is None else without_unit(texts, column.unit)
    plain = bare
    if column.thousands is not None:
        plain = pc.replace_substring_regex(plain, LOOKS[column.thousands], "")
    if column.decimal is not None:
        plain = pc.replace_substring(plain, column.decimal, ".")
    fits = pc.match_substring_regex(bare, f"^{_shape(column.decimal, column.thousands)}$")
    if column.unit is None:
        return pc.if_else(fits, plain, pc.replace_substring(texts, ".", ","))
    fits = pc.and_(fits, pc.not_equal(bare, texts))
    return pc.if_else(fits, plain, pc.binary_join_element_wise(texts, pa.scalar(column.unit), pa.scalar("")))


def without_unit(texts: pa.Array, unit: str) -> pa.Array:
    """Return texts without the unit before or after their number; a text without it comes back as it is."""
    import pyarrow.compute as pc

    before = rf"^([+-]?){re.escape(unit)}{_BLANK}*([+-]?[0-9.,].*)$"
    after = rf"^(.*[0-9.,]){_BLANK}*{re.escape(unit)}$"
    begins = pc.match_substring_regex(texts, before)
    return pc.if_else(
        begins, pc.replace_substring_regex(texts, before, r"\1\2"), pc.replace_substring_regex(texts, after, r"\1")
    )


def unit_of(text: str, *, words: bool) -> str | None:
    """Return what stands before or after the only number of a text: a sign, or with `words` also a short word."""
    for pattern in (
        rf"[-+]?(?P<unit>[^\d\s.,'+-]+\.?)\s*[-+]?{_NUMBER}",
        rf"[-+]?{_NUMBER}(?P<unit>[^\d\s.,'+-]+\.?)",
    ):
        found = re.fullmatch(pattern, text.strip())
        unit = found["unit"] if found else None
        if unit and (_is_sign(unit) or (words and re.fullmatch(r"[^\W\d_]{1,4}\.?", unit))):
            return unit
    return None


def _is_sign(unit: str) -> bool:
    return unit in _SIGN or (any(unicodedata.category(each) == "Sc" for each in unit) and len(unit) <= 3)


def what_to_do(value: object, column: ColumnSpec) -> str:
    """Return in words how what is no number, or no time, can be declared or cleaned; nothing where that is unknown."""
    if column.type == "timestamp":
        return what_it_counts(value)
    if column.type not in ("integer", "number") or not isinstance(value, str):
        return ""
    text = value.strip()
    if text.startswith("#"):
        return "a spreadsheet left an error there: mend the cell, or list it under `null_values`"
    if not any(map(str.isdigit, text)):
        return ""
    if _MINUS.fullmatch(text):
        return "a negative number begins with `-`: write it so where the data are made"
    unit = None if column.unit else unit_of(text, words=True)
    if column.marked and unit is None:
        return f"declared is {_keys(column.decimal, column.thousands, column.unit)}"
    number = text if unit is None else text.replace(unit, "", 1).strip()
    simplest = _simplest_marks(number)
    if unit is not None:
        return "declare " + " or ".join(_keys(*marks, unit) for marks in simplest or [(None, None)])
    if not simplest:
        return ""
    return f"declare {' or '.join(_keys(*marks) for marks in simplest)}, for the column or for a files source"


def _simplest_marks(number: str) -> list[MarkPair]:
    """Return the marks that a text has if it is a number, each as simple as can be."""
    shaped = [marks for marks in _CHOICES if re.fullmatch(_shape(*marks), number)]
    fitting = [marks for marks in shaped if re.search(LOOKS[marks[1] or marks[0] or "."], number)]
    return [marks for marks in fitting if not any(_part_of(other, marks) for other in fitting)]


def _shape(decimal: str | None, thousands: str | None) -> str:
    """Return a regular expression for numbers with these marks."""
    grouped = "" if thousands is None else f"[0-9]{{1,3}}(?:{LOOKS[thousands]}[0-9]{{3}})+|"
    mark = LOOKS[decimal or "."]
    return rf"[+-]?(?:(?:{grouped}[0-9]+)(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"


def _part_of(simple: MarkPair, choice: MarkPair) -> bool:
    return simple != choice and all(one in (None, other) for one, other in zip(simple, choice, strict=True))


def _keys(decimal: str | None, thousands: str | None, unit: str | None = None) -> str:
    named = (("unit", unit), ("decimal", decimal), ("thousands", thousands))
    return " and ".join(f'`{key}: "{mark}"`' for key, mark in named if mark is not None)
