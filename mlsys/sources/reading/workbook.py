"""Worksheets of Excel workbooks, with what their reader passes over: errors of formulas, and cells that are merged.

calamine gives both as empty cells, and a workbook that a program wrote without calculating it as well. The place of
each such cell is looked up in the file itself, so that none is taken for a missing value.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

from mlsys import extras
from mlsys.errors import DataError, near_match, nearest

SheetRow = list[Any]  # of cells: text (empty for an empty cell), number, truth value, date, time or duration
CellRange = tuple[tuple[int, int], tuple[int, int]]  # first and last cell, (row, column) from 0

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how workbooks up to 2003 begin, and encrypted ones
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_BLOCK = 2**20
_ERROR = re.compile(rb"""t=["']e["']""")
_AN_EMPTY_TEXT = re.compile(rb"""\bt=["']str["']""")  # the type of a formula's result, which is then no missing one
_ROOT = re.compile(rb"<(\w+:)?worksheet\b")
_REFERENCE = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]+)["']""")


@dataclass(frozen=True)
class Worksheet:
    """One sheet, read.

    Attributes:
        first_column: of the rows, from 0: empty columns to the left are left out.
        merged: ranges of merged cells; only the first cell of each has a value.
        errors: column -> row -> the error that a formula left there (`#N/A`), both from 0.
        uncalculated: column -> rows whose formula has no stored result.
    """

    name: str
    first_column: int
    merged: Sequence[CellRange]
    errors: Mapping[int, Mapping[int, str]]
    uncalculated: Mapping[int, set[int]]
    _sheet: Any = field(repr=False)

    def rows(self) -> Iterator[SheetRow]:
        """Yield every row from the first of the sheet on, the empty ones too."""
        yield from self._sheet.iter_rows()


def read_worksheet(path: Path, sheet: int | str | None) -> Worksheet:
    """Return a sheet by its name or its number from 1; None is the only visible one.

    Raises:
        DataError: no whole workbook, of an old or another format, with a password; no such sheet, or several.
        UsageError: the library is not installed.
    """
    calamine = extras.load("python_calamine", extra="excel", needed_by="A source of kind excel")
    with _errors(path, calamine), path.open("rb") as file:
        _require_workbook(path, file)
        with zipfile.ZipFile(file) as archive:
            parts = _sheet_parts(archive)
            file.seek(0)
            with calamine.load_workbook(io.BytesIO(file.read())) as workbook:
                name = _chosen(workbook.sheets_metadata, calamine, sheet, path)
                read = workbook.get_sheet_by_name(name)
            _require_checksums(archive, [part for part in archive.namelist() if part not in parts.values()])
            errors, uncalculated = _lost_cells(archive, parts[name])
        first = read.start[1] if read.start is not None else 0
        return Worksheet(name, first, read.merged_cell_ranges or (), errors, uncalculated, read)


def visible_sheets(path: Path) -> list[str]:
    """Return the names of the worksheets that Excel shows, in the order of its tabs.

    Raises:
        DataError, UsageError: as `read_worksheet`.
    """
    calamine = extras.load("python_calamine", extra="excel", needed_by="A source of kind excel")
    with _errors(path, calamine), path.open("rb") as file:
        _require_workbook(path, file)
        file.seek(0)
        with calamine.load_workbook(io.BytesIO(file.read())) as workbook:
            return _visible(workbook.sheets_metadata, calamine)


def reference(row: int, column: int) -> str:
    """Return a cell as Excel names it (`C7`), from row and column from 0."""
    return f"{letters(column)}{row + 1}"


def letters(column: int) -> str:
    """Return a column as Excel names it, from its number from 0."""
    text, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def fault_of_error(error: str) -> str:
    """Return why a cell with an error can't be read."""
    return f"the cell holds the error {error}: mend its formula, or list it under `null_values`"


def fault_of_formula() -> str:
    """Return why a cell with a formula that was never calculated can't be read."""
    return "the cell holds a formula without a stored result: open the workbook in a spreadsheet program and save it"


def _require_workbook(path: Path, file: BinaryIO) -> None:
    """Refuse what is no workbook of Excel 2007 or newer, by its content."""
    start = file.read(512)
    if start.startswith(_OLE):
        if _mentions(file, _ENCRYPTED, start):
            raise DataError(
                "The workbook is protected by a password",
                where=str(path),
                remedy="Save it without one, or deliver it otherwise: mlsys keeps no passwords of files",
            )
        raise _other_format(path, "an old Excel workbook (.xls)")
    if not start:
        raise DataError("The file is empty", where=str(path), remedy="Deliver it again, or remove it")
    if not start.startswith(b"PK"):
        remedy = "Deliver a workbook"
        if b"\0" not in start:
            remedy = "It looks like text: read CSV files with `kind: files`, or save it as a workbook (.xlsx)"
        raise DataError("The file is no Excel workbook", where=str(path), got=start[:30], remedy=remedy)
    with zipfile.ZipFile(file) as archive:
        names = set(archive.namelist())
        if "mimetype" in names and b"opendocument" in archive.read("mimetype"):
            raise _other_format(path, "an OpenDocument file (.ods)")
        if "xl/workbook.bin" in names:
            raise _other_format(path, "a binary Excel workbook (.xlsb)")
        if "[Content_Types].xml" not in names:
            raise DataError(
                "The file is a zip archive, but no workbook", where=str(path), remedy="Deliver the workbook itself"
            )


def _other_format(path: Path, what: str) -> DataError:
    return DataError(
        f"The file is {what}, in which errors of formulas can't be told from empty cells",
        where=str(path),
        remedy="Save it as an Excel workbook (.xlsx)",
    )


def _mentions(file: BinaryIO, wanted: bytes, start: bytes) -> bool:
    kept = start
    while wanted not in kept:
        block = file.read(_BLOCK)
        if not block:
            return False
        kept = kept[-len(wanted) :] + block
    return True


def _visible(sheets: Sequence[Any], calamine: Any) -> list[str]:
    tables = [each for each in sheets if each.typ == calamine.SheetTypeEnum.WorkSheet]
    return [str(each.name) for each in tables if each.visible == calamine.SheetVisibleEnum.Visible]


def _chosen(sheets: Sequence[Any], calamine: Any, sheet: int | str | None, path: Path) -> str:
    """Return the name of the sheet that is asked for."""
    tables = [each for each in sheets if each.typ == calamine.SheetTypeEnum.WorkSheet]
    names = [str(each.name) for each in tables]
    visible = _visible(sheets, calamine)
    listed = ", ".join(f"{number} '{name}'" for number, name in enumerate(names, 1))
    if sheet is None:
        if len(visible) == 1:
            return visible[0]
        rule = f"The workbook has several sheets: {listed}" if visible else f"No sheet is visible: {listed or 'none'}"
        example = (visible or names or ["Data"])[0]
        remedy = f"Name the one that holds the data, for example `source.sheet: {example}`"
        raise DataError(rule, where=str(path), remedy=remedy)
    if isinstance(sheet, str):
        if sheet not in names:
            meant = next((name for name in names if name.lower() == sheet.lower()), None) or nearest(sheet, names)
            raise DataError(
                f"There is no sheet '{sheet}'. {near_match(sheet, names, {sheet: meant} if meant else None)}",
                where=str(path),
                remedy="Correct `source.sheet`",
                misspelt=(sheet, meant),
            )
        return sheet
    if sheet > len(names):
        quoted = f" A sheet of that name is meant by `sheet: '{sheet}'`." if str(sheet) in names else ""
        raise DataError(
            f"There is no sheet number {sheet}.{quoted} The workbook has {listed}",
            where=str(path),
            remedy="Correct `source.sheet`",
        )
    return names[sheet - 1]


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the part of each sheet by its name."""
    book = next(part for kind, part in _relations(archive, PurePosixPath()).values() if kind == "officeDocument")
    targets = _relations(archive, PurePosixPath(book))
    found = {}
    for element in ET.fromstring(archive.read(book)).iter():  # noqa: S314 - expat limits what entities become
        if _local(element.tag) == "sheet":
            attributes = {_local(name): value for name, value in element.items()}
            found[attributes["name"]] = targets[attributes["id"]][1]
    return found


def _relations(archive: zipfile.ZipFile, part: PurePosixPath) -> dict[str, tuple[str, str]]:
    """Return kind and part of what a part of the archive refers to, by id."""
    name = str(part.parent / "_rels" / f"{part.name}.rels") if part.name else "_rels/.rels"
    found = {}
    for element in ET.fromstring(archive.read(name)):  # noqa: S314
        target = element.get("Target", "")
        whole = target.removeprefix("/") if target.startswith("/") else str(part.parent / target)
        found[element.get("Id", "")] = (element.get("Type", "").rpartition("/")[2], whole)
    return found


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _require_checksums(archive: zipfile.ZipFile, parts: Sequence[str]) -> None:
    """Read texts, styles and their like to the end, by which their checksums are tested."""
    for part in parts:
        if part.endswith(".xml"):
            with archive.open(part) as stream:
                while stream.read(_BLOCK):
                    pass


class _Markup:
    """The cells in a part of a sheet's XML, found from what is rare in them; names may have a prefix (`x:c`)."""

    def __init__(self, first_rows: bytes) -> None:
        root = _ROOT.search(first_rows)
        x = root[1] or b"" if root is not None else b""
        no_value = rb"\s*(?:<%bv\s*/>|<%bv>\s*</%bv>)?\s*</%bc>" % (x, x, x, x)
        self._start, self._end = b"<%bc " % x, b"</%bc>" % x
        self._value = re.compile(rb"<%bv>([^<]*)<" % x)
        self._no_result = [re.compile(rb"</%bf>" % x + no_value), re.compile(rb"<%bf\b[^<>]*/>" % x + no_value)]

    def errors(self, rows: bytes) -> Iterator[tuple[int, int, str]]:
        """Yield row, column and error of the cells that hold one."""
        for match in _ERROR.finditer(rows):
            start = rows.rfind(self._start, 0, match.start())
            if start < 0 or b">" in rows[start : match.start()]:
                continue  # a text that looks so
            said = self._value.search(rows, match.end(), rows.find(self._end, match.end()))
            yield *_place(rows[start : rows.find(b">", start)]), said[1].decode() if said else "#ERROR"

    def uncalculated(self, rows: bytes) -> Iterator[tuple[int, int]]:
        """Yield row and column of the cells with a formula and no result."""
        for pattern in self._no_result:
            for match in pattern.finditer(rows):
                start = rows.rfind(self._start, 0, match.start())
                attributes = rows[start : rows.find(b">", start)]
                if not _AN_EMPTY_TEXT.search(attributes):
                    yield _place(attributes)


def _lost_cells(archive: zipfile.ZipFile, part: str) -> tuple[dict[int, dict[int, str]], dict[int, set[int]]]:
    """Return the cells of a sheet that calamine gives as empty and that are not: errors, formulas without result.

    The part is read to its end, by which its checksum is tested.
    """
    errors: dict[int, dict[int, str]] = {}
    uncalculated: dict[int, set[int]] = {}
    markup: _Markup | None = None
    for rows in _whole_rows(archive, part):
        markup = markup or _Markup(rows)
        for row, column, error in markup.errors(rows):
            errors.setdefault(column, {})[row] = error
        for row, column in markup.uncalculated(rows):
            uncalculated.setdefault(column, set()).add(row)
    return errors, uncalculated


def _whole_rows(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Yield the content of a sheet in blocks that end with a row."""
    kept = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            end = block.rfind(b"row>") + len(b"row>")
            if end < len(b"row>") + 1:
                kept += block
                continue
            yield kept + block[:end]
            kept = block[end:]
    yield kept


def _place(attributes: bytes) -> tuple[int, int]:
    """Return row and column from 0 of a cell by its attributes."""
    found = _REFERENCE.search(attributes)
    if found is None:
        raise ValueError("a cell with an error does not say where it stands")
    column = 0
    for letter in found[1]:
        column = column * 26 + letter - ord("A") + 1
    return int(found[2]) - 1, column - 1


@contextmanager
def _errors(path: Path, calamine: Any) -> Iterator[None]:
    damaged = (
        calamine.CalamineError,
        zipfile.BadZipFile,
        ET.ParseError,
        EOFError,
        LookupError,
        OSError,
        RuntimeError,  # what a library has not learnt to read is one
        StopIteration,
        ValueError,
        zipfile.zlib.error,  # type: ignore[attr-defined]
    )
    try:
        yield
    except FileNotFoundError as error:
        raise DataError("The file is gone", where=str(path), remedy="Run again when the drop is complete") from error
    except damaged as error:
        raise DataError(
            f"The workbook is half written or damaged: {str(error) or type(error).__name__}",
            where=str(path),
            remedy="Deliver it again, or remove it; opening and saving it in a spreadsheet program may mend it",
        ) from error
