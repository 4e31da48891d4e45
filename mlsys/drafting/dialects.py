"""How a CSV file is written: encoding, separator, and whether its first line is a header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from mlsys.errors import DataError
from mlsys.sources.reading.csv_file import MARKS, Dialect, opened, reading_errors
from mlsys.wording import counted

_LOOK = 1 << 20  # bytes
_LINES = 200
_ABOVE = 5  # lines, of which one above the header can be told
_SEPARATORS = ",;\t|"
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,' ]*([eE][-+]?[0-9]+)?")
_NUMBER_OR_NOTHING = re.compile(rf"({_NUMBER.pattern})?|NA|NaN|nan|null|NULL|\?|-")
# After UTF-8, what spreadsheets write in the west; the last one takes every byte.
_FALLBACKS = ("cp1252", "latin-1")


@dataclass(frozen=True)
class FirstLook:
    """What the beginning of a file says of the rest.

    Attributes:
        note: on the encoding, for a comment.
        lines: the first records, the header among them.
    """

    dialect: Dialect
    note: str
    lines: tuple[tuple[str, ...], ...]


def look_at(path: Path) -> FirstLook:
    """Return how a CSV file is written, from its first megabyte.

    Raises:
        DataError: it is empty.
    """
    with reading_errors(path), opened(path) as stream:
        start = stream.read(_LOOK)
    if not start.strip(b"\r\n\t \x00\xef\xbb\xbf\xff\xfe"):
        raise DataError("The file is empty", where=str(path), remedy="Give a file that has rows")
    encoding, note = _encoding(start)
    text = start.decode(encoding if encoding != "utf-8" or not note else "utf-8-sig", errors="ignore").lstrip("\ufeff")
    if len(start) == _LOOK:
        text = text[: text.rfind("\n") + 1] or text
    separator = _separator(text)
    lines = tuple(_records(text, separator))
    _require_names_above(lines, text, path)
    header = (
        None if not lines or _has_header(lines) else tuple(f"column_{number + 1}" for number in range(len(lines[0])))
    )
    written = encoding if not note.startswith("a byte order mark") else "utf-8"
    return FirstLook(Dialect(written, separator, '"', header), note, lines)


def others(seen: FirstLook) -> Iterator[FirstLook]:
    """Yield the same file in the encodings that are left where the one that it began in turns out wrong."""
    tried = (seen.dialect.encoding, *_FALLBACKS)
    for encoding in _FALLBACKS[0 if seen.dialect.encoding not in _FALLBACKS else tried.index(tried[0], 1) :]:
        yield replace(seen, dialect=replace(seen.dialect, encoding=encoding), note="it is not UTF-8")


def _require_names_above(lines: Sequence[Sequence[str]], text: str, path: Path) -> None:
    """Refuse a title or a remark above the names of the columns.

    Raises:
        DataError: says in which line the names seem to stand.
    """
    if len(lines) < _ABOVE or len(lines[0]) > 1:
        return
    for separator in _SEPARATORS:
        widths = [len(record) for record in _records(text, separator)]
        usual, n = Counter(widths).most_common(1)[0]
        if usual > 2 and n >= 0.8 * len(widths) and widths[0] < usual:
            first = widths.index(usual)
            names = list(_records(text, separator))[first]
            raise DataError(
                f"The names of the columns do not stand in the first line, but after {counted(first, 'line')} of text",
                where=str(path),
                got=lines[0][0][:60],
                remedy=f"Take out what stands above {', '.join(names[:3])}",
            )


def _encoding(start: bytes) -> tuple[str, str]:
    for mark, name in MARKS:
        if start.startswith(mark):
            return name, f"a byte order mark says {name.removesuffix('-sig')}, whatever stands here"
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if even + odd > len(start) // 5:
        return ("utf-16-le" if odd > even else "utf-16-be"), "every other byte is zero"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(start) < _LOOK or error.start < len(start) - 4:  # not a character that the look has cut
            try:
                start.decode("cp1252")
            except UnicodeDecodeError:
                return "latin-1", "it is not UTF-8"
            return "cp1252", "it is not UTF-8"
    return "utf-8", ""


def _separator(text: str) -> str:
    """Return the separator by which most of the first lines have as many fields as the header, and more than one."""

    def agreement(separator: str) -> tuple[float, int]:
        counts = [len(record) for record in _records(text, separator)]
        if not counts or counts[0] < 2:
            return 0.0, 0
        return sum(count == counts[0] for count in counts) / len(counts), counts[0]

    found = {separator: agreement(separator) for separator in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda separator: (found[separator][0] > 0.8, *found[separator]))
    return best if found[best][1] else ","


def _records(text: str, separator: str) -> Iterator[tuple[str, ...]]:
    lines = islice(io.StringIO(text, newline=""), _LINES * 2)  # `splitlines` would cut at blanks of Unicode as well
    try:
        for record in csv.reader(lines, delimiter=separator):
            if any(field.strip() for field in record):
                yield tuple(field.strip() for field in record)
    except csv.Error:
        return


def _has_header(lines: Sequence[Sequence[str]]) -> bool:
    """Return whether the first line holds names: a word above a column of numbers says so, a number there denies it."""
    first, rest = lines[0], lines[1:]
    if not rest:
        return True
    for_names = against = 0
    for place, field in enumerate(first):
        values = [line[place] for line in rest if place < len(line)]
        if values and all(_NUMBER_OR_NOTHING.fullmatch(value) for value in values):
            is_number = bool(_NUMBER.fullmatch(field))
            against += is_number
            for_names += bool(field) and not is_number
        elif field and field not in values and len(set(values)) <= len(values) / 2:
            for_names += 1  # a word that none of the repeated ones below is
    if for_names or not against:
        return True
    return Counter(first).most_common(1)[0][1] == 1 and len(first) > 1 and _counts_up(first)


def _counts_up(names: Sequence[str]) -> bool:
    """Return whether names are whole numbers in order, as of a matrix that was written with its column numbers."""
    return all(name.isdigit() for name in names) and [int(n) for n in names] in (
        list(range(len(names))),
        list(range(1, len(names) + 1)),
    )
