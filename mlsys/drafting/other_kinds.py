"""Files that are no table: what they are by their first bytes, and what to do with them."""

from __future__ import annotations

import re
from pathlib import Path

from mlsys.errors import UsageError
from mlsys.sources.reading.csv_file import MARKS, opened, reading_errors

_LOOK = 1024  # bytes
_FETCH = "Fetch the file itself (`git lfs pull`)"
_UNPACK = "Unpack it: gzip, bzip2, xz and zstd of one file are read as they are, archives are not"
_TABLE = "Save it as CSV, Parquet or an Excel workbook"
_LINES = "Write it as Parquet or CSV, for example with `pandas.read_json(path, lines=True).to_parquet(...)`"
# What a file begins with, what it is then, and what helps.
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (rb"version https://git-lfs", "a pointer of Git LFS instead of a file", _FETCH),
    (rb"PK\x03\x04", "a zip archive", _UNPACK),
    (rb"7z\xbc\xaf|Rar!", "an archive", _UNPACK),
    (rb"(?s).{257}ustar", "a tar archive", _UNPACK),
    (rb"\s*[\[{]\s*([\"\[{\]}]|$)", "JSON", _LINES),
    (rb"(?i)\s*<(!doctype|html|table|\?xml|head|body|meta)\b", "a page of the web (HTML) or XML", _TABLE),
    (rb"\xd0\xcf\x11\xe0", "a document or workbook of an old Office", _TABLE),
    (rb"%PDF", "a PDF", _TABLE),
    (rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture", _TABLE),
    (rb"ARROW1|FEA1", "an Arrow or Feather file", _TABLE),
    (rb"ORC(?![A-Z,;\t ])|Obj\x01|\x89HDF|\$FL[23]|<stata_dta>|RD[XA][23]\n|X\n\x00", "of another program", _TABLE),
)


def require_text(path: Path) -> None:
    """Refuse a file that is no text with rows.

    Raises:
        UsageError: says what it is.
    """
    with reading_errors(path), opened(path) as stream:
        start = stream.read(_LOOK)
    for mark, _ in MARKS:
        start = start.removeprefix(mark)
    for begins, what, remedy in _KINDS:
        if re.match(begins, start):
            raise UsageError(f"The file is {what}, and no table that can be read", where=str(path), remedy=remedy)
