"""Excel workbooks as bytes, made of XML alone: sheets with every kind of cell, and containers that hold none."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
# Formats of cells by their place: general, a day, a day with its time, a time, a duration, percent.
_DAY, _MOMENT, _TIME, _DURATION, PERCENT = 1, 2, 3, 4, 5
_STYLES = (0, 14, 22, 21, 46, 9)
_EPOCHS = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}


@dataclass(frozen=True)
class Error:
    """A cell whose formula failed."""

    text: str = "#DIV/0!"


@dataclass(frozen=True)
class Formula:
    """A cell with a formula, and its stored result or None where nobody calculated it; `value` is then its value."""

    text: str
    result: Any = None
    value: str = ""


@dataclass(frozen=True)
class Styled:
    """A cell with a format of its own; `None` as value is a cell that was only painted."""

    value: Any
    style: int = PERCENT


@dataclass(frozen=True)
class Sheet:
    """A sheet: rows from the first one on, what is merged (`A2:A3`), and whether it is hidden."""

    name: str
    rows: Sequence[Sequence[Any]]
    merged: Sequence[str] = ()
    state: str = "visible"
    first_column: int = 0


def workbook(*sheets: Sheet, from_1904: bool = False, shared: bool = False) -> bytes:
    """Return an .xlsx file; with `shared` its texts stand in a table of their own, as Excel writes them."""
    parts = {
        "[Content_Types].xml": _types(len(sheets)),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _book(sheets, from_1904=from_1904),
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", f"worksheets/sheet{i}.xml") for i, _ in enumerate(sheets, 1)] + [("styles", "styles.xml")]
        ),
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs count="{len(_STYLES)}">'
        + "".join(f'<xf numFmtId="{number}"/>' for number in _STYLES)
        + "</cellXfs></styleSheet>",
    }
    for i, sheet in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{i}.xml"] = _sheet(sheet, _EPOCHS[from_1904])
    if shared:
        _share_texts(parts)
    return zipped({name: '<?xml version="1.0" encoding="UTF-8"?>' + text for name, text in parts.items()})


def write(path: Path, rows: Sequence[Sequence[Any]], **sheet: Any) -> Path:
    """Write a workbook of one sheet called Data."""
    path.write_bytes(workbook(Sheet("Data", rows, **sheet)))
    return path


def zipped(parts: dict[str, str]) -> bytes:
    """Return a zip archive."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return target.getvalue()


def compound_file(*streams: str) -> bytes:
    """Return an OLE container, as old and encrypted workbooks are, whose directory has empty streams of these names."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[24:34] = (0x3E).to_bytes(2, "little") + (3).to_bytes(2, "little") + b"\xfe\xff" + b"\x09\x00" + b"\x06\x00"
    header[44:48] = (1).to_bytes(4, "little")  # one sector of the allocation table
    header[48:52] = (1).to_bytes(4, "little")  # the directory is sector 1
    header[56:60] = (4096).to_bytes(4, "little")
    header[60:64] = header[68:72] = b"\xfe\xff\xff\xff"
    header[76:80] = (0).to_bytes(4, "little")
    header[80:] = b"\xff" * 432
    table = b"\xfd\xff\xff\xff\xfe\xff\xff\xff" + b"\xff" * 504
    entries = b"".join(_entry(name, 5 if name == "Root Entry" else 2) for name in ("Root Entry", *streams))
    return bytes(header) + table + entries.ljust(512, b"\0")


def _share_texts(parts: dict[str, str]) -> None:
    texts: list[str] = []

    def moved(match: re.Match[str]) -> str:
        texts.append(match[2])
        return f'<c r="{match[1]}" t="s"><v>{len(texts) - 1}</v></c>'

    for name in [name for name in parts if name.startswith("xl/worksheets/")]:
        parts[name] = re.sub(r'<c r="(\w+)" t="inlineStr"><is>(.*?)</is></c>', moved, parts[name])
    items = "".join(f"<si>{text}</si>" for text in texts)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}" count="{len(texts)}">{items}</sst>'
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        f'<Relationship Id="rIdS" Type="{_OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>',
    )


def _entry(name: str, kind: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    entry = bytearray(128)
    entry[: len(text)] = text
    entry[64:66] = len(text).to_bytes(2, "little")
    entry[66:68] = bytes([kind, 1])
    entry[68:80] = b"\xff" * 12
    entry[116:120] = b"\xfe\xff\xff\xff"
    return bytes(entry)


def _types(n_sheets: int) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheets = "".join(
        f'<Override PartName="/xl/worksheets/sheet{i}.xml" ContentType="{kind}.worksheet+xml"/>'
        for i in range(1, n_sheets + 1)
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{sheets}</Types>'
    )


def _relations(targets: list[tuple[str, str]]) -> str:
    found = "".join(
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{found}</Relationships>'


def _book(sheets: Sequence[Sheet], *, from_1904: bool) -> str:
    named = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{i}" state="{sheet.state}" r:id="rId{i}"/>'
        for i, sheet in enumerate(sheets, 1)
    )
    epoch = '<workbookPr date1904="1"/>' if from_1904 else ""
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{epoch}<sheets>{named}</sheets></workbook>'


def _sheet(sheet: Sheet, epoch: datetime) -> str:
    rows = "".join(
        f'<row r="{number}">'
        + "".join(_cell(f"{letters(sheet.first_column + i)}{number}", cell, epoch) for i, cell in enumerate(row))
        + "</row>"
        for number, row in enumerate(sheet.rows, 1)
        if row
    )
    merged = "".join(f'<mergeCell ref="{each}"/>' for each in sheet.merged)
    merged = f'<mergeCells count="{len(sheet.merged)}">{merged}</mergeCells>' if merged else ""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData>{merged}</worksheet>'


def letters(column: int) -> str:
    """Return the letters of a column, from 0."""
    return (letters(column // 26 - 1) if column >= 26 else "") + chr(ord("A") + column % 26)


def _cell(place: str, cell: Any, epoch: datetime) -> str:
    formula, style = "", 0
    if isinstance(cell, Formula):
        formula, cell = f"<f>{escape(cell.text)}</f>{cell.value}", cell.result
        if isinstance(cell, str):
            return f'<c r="{place}" t="str">{formula}<v>{escape(cell)}</v></c>'
    if isinstance(cell, Styled):
        style, cell = cell.style, cell.value
    if isinstance(cell, Error):
        return f'<c r="{place}" t="e">{formula}<v>{cell.text}</v></c>'
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b">{formula}<v>{int(cell)}</v></c>'
    if isinstance(cell, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'
    if isinstance(cell, date | time | timedelta):
        cell, style = _serial(cell, epoch)
    value = "" if cell is None else f"<v>{cell!r}</v>"
    if cell is None and not formula and not style:
        return ""
    return f'<c r="{place}" s="{style}">{formula}{value}</c>'


def _serial(cell: date | time | timedelta, epoch: datetime) -> tuple[float, int]:
    day = timedelta(days=1)
    if isinstance(cell, datetime):
        return (cell.replace(tzinfo=None) - epoch) / day, _MOMENT
    if isinstance(cell, date):
        return (datetime.combine(cell, time()) - epoch) / day, _DAY
    if isinstance(cell, time):
        return (datetime.combine(epoch, cell) - epoch) / day, _TIME
    return cell / day, _DURATION
