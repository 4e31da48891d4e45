"""Records of CSV text: whether a file is so plain that each line is one, and the records of a file that is not.

A quotation mark opens a value only where the value begins, and what it opens ends before a separator or a line end.
Whoever writes inch marks into a file without quoting breaks that rule, and swallows the lines up to the next mark.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

UNCLOSED = "a quotation mark is never closed"
_BEFORE_A_HEADER = (b"\n", b"\n\xef\xbb\xbf")  # that stands in the middle: it may have a byte order mark of its own
LONGEST = 1 << 20  # characters of a value, and bytes of a line
# What Unicode calls a blank, in UTF-8, and the two of them that encodings of one byte have.
_BLANK = (
    rb"[ \t\v\f\x1c-\x1f\x85\xa0]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80"
)


class CsvRecord(NamedTuple):
    """One record: its fields, or what is wrong with it.

    Attributes:
        line: number of its first line, from 1.
        lines: the lines as they stand in the file.
        problem: of its quotation marks; without one, `fields` are what was meant.
    """

    line: int
    lines: list[str]
    fields: list[str]
    problem: str = ""

    @property
    def numbers(self) -> list[int]:
        """Numbers of its lines that are not blank: each of them may have been a row."""
        return [self.line + i for i, text in enumerate(self.lines) if text.strip()]


def is_plain(blocks: Iterable[bytes], *, separator: str, quote: str | None, has_header: bool) -> bool:
    """Return whether each line is one record, none without a value or the header again, each quotation mark in place.

    Args:
        blocks: the file's content in order, in UTF-8 or an encoding of one byte that agrees with ASCII.
        separator: between fields.
        quote: the quotation mark, or None where it is a character like any other.
        has_header: whether the first line holds the names of the columns.
    """
    if not (separator + (quote or "")).isascii():
        return False
    mark = (quote or "").encode()
    without_value = re.compile(b"\n(?:[" + re.escape(separator.encode() + mark) + b"]|" + _BLANK + b")+\n")
    rest, header = b"\n", None
    for block in chain(blocks, (b"\n",)):
        text = rest + block.replace(b"\r", b"\n")
        end = text.rfind(b"\n")
        whole, rest = text[: end + 1], text[end:]
        rows = whole
        if has_header and header is None:
            header, _, rows = whole.lstrip(b"\n").partition(b"\n")
            header, rows = header or None, b"\n" + rows
        if header and any(before + header + b"\n" in rows for before in _BEFORE_A_HEADER):
            return False
        if without_value.search(whole) or (mark and not _well_quoted(whole, separator.encode(), mark)):
            return False
        if len(rest) > 2 * LONGEST:  # no line end far and wide
            return False
    return True


def _well_quoted(lines: bytes, separator: bytes, mark: bytes) -> bool:
    """Return whether the marks of whole lines open and close values of one line; a line end stands at either end."""
    import numpy as np

    data = np.frombuffer(lines, np.uint8)
    marks = np.flatnonzero(data == mark[0])
    if len(marks) == 0:
        return True
    if len(marks) % 2:
        return False
    opening, closing = marks[0::2], marks[1::2]
    beside = np.zeros(256, bool)  # a mark beside a mark is a doubled one
    beside[[separator[0], mark[0], ord("\n")]] = True
    ends = np.flatnonzero(data == ord("\n"))
    in_one_line = np.searchsorted(ends, opening) == np.searchsorted(ends, closing)
    return bool(np.all(beside[data[opening - 1]] & beside[data[closing + 1]] & in_one_line))


def records(lines: Iterable[str], *, separator: str, quote: str | None) -> Iterator[CsvRecord]:
    """Yield the records of lines (with their ends) in order, less those without any value.

    A record whose marks are broken ends with the line that shows it; the next line begins a new one.
    """
    csv.field_size_limit(LONGEST)
    taken: list[str] = []
    reader = csv.reader(
        _noted(lines, taken),
        delimiter=separator,
        quotechar=quote,
        quoting=csv.QUOTE_NONE if quote is None else csv.QUOTE_MINIMAL,
        strict=True,
    )
    line, problem, fields = 1, "", list[str]()
    while True:
        try:
            fields, problem = next(reader), ""
        except StopIteration:
            return
        except csv.Error as error:
            fields, problem = [], _in_words(error)
        if problem or any(field and not field.isspace() for field in fields):
            yield CsvRecord(line, taken.copy(), fields, problem)
        line += len(taken)
        taken.clear()


def looks_like_rows(record: CsvRecord, separator: str, n_fields: int) -> bool:
    """Return whether each line of a record has the separators of a row, too often to be chance."""
    between = n_fields - 1
    by_chance = 6 if separator in ", " else 2  # people write commas, and seldom tabs
    enough = (len(record.lines) - 1) * between >= by_chance
    return enough and all(text.count(separator) == between for text in record.lines)


def _in_words(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return UNCLOSED
    if "field larger than field limit" in str(error):
        return f"a value of more than {LONGEST:,} characters"
    return "text after a closing quotation mark"


def _noted(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line
