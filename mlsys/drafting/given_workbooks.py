"""Excel workbooks that a draft is made from: which sheet, which row is the header, and its rows as texts."""

from __future__ import annotations

import glob
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys.drafting.given import Block, FilesGiven, portable
from mlsys.drafting.questions import Answerer, OpenQuestion
from mlsys.errors import DataError, UsageError, near_match
from mlsys.schema import ColumnSpec
from mlsys.settings import expand
from mlsys.sources.reading.excel_file import ExcelFile
from mlsys.sources.reading.workbook import read_worksheet, visible_sheets

if TYPE_CHECKING:
    import pyarrow as pa

_ENDINGS = (".xlsx", ".xlsm")
_OPEN = "~$"  # begins the name of what Excel keeps beside a workbook that is open
_LOOKED_AT = 50  # rows among which the header is


class WorkbooksGiven(FilesGiven):
    """One sheet of each workbook, in the order of their names; its cells are read as the texts of a CSV file."""

    def __init__(self, paths: Sequence[Path], pattern: str, sheet: int | str | None, header_row: int | None) -> None:
        self._sheet, self._header_row = sheet, header_row
        super().__init__(paths, pattern, parquet=True)  # no text: it has no encoding, separator or quotation marks
        self.typed = False

    @classmethod
    def at(cls, place: str, sheet: int | str | None, header_row: int | None) -> WorkbooksGiven | None:
        """Return the workbooks of a path, folder or pattern, or None where there is none."""
        paths, pattern = _paths(place)
        return cls(paths, pattern, sheet, header_row) if paths else None

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield all rows of all sheets; a row with an error or a merged cell counts as broken."""
        self._n_broken, self.broken_example = 0, ""
        for path in self.paths:
            file = self._file(path)
            self._n_rows[path] = 0
            for batch in file.batches(list(names)):
                faults = {row: fault for rows in file.faults().values() for row, fault in rows.items()}
                if faults and not self.broken_example:
                    row = min(faults)
                    self.broken_example = f"{file.places([self._n_rows[path] + row])[0]}: {faults[row]}"
                self._n_broken += len(faults)
                self._n_rows[path] += batch.num_rows
                yield batch
            self._count_broken(file)

    def block(self) -> Block:
        """Return the keys that read these sheets."""
        found: Block = {"kind": ("excel", ""), "path": (portable(self.pattern), "")}
        if self.dated:
            found["day_pattern"] = (self._day_pattern, "the day of all rows of a workbook, from its name")
        if self._sheet is not None:
            found["sheet"] = (self._sheet, "")
        if self._header_row is not None:
            found["header_row"] = (self._header_row, "the rows above it are a title")
        return found

    def _file(self, path: Path) -> ExcelFile:  # type: ignore[override]
        texts: defaultdict[str, ColumnSpec] = defaultdict(lambda: ColumnSpec(type="text"))
        return ExcelFile(path, self._sheet, self._header_row, texts)


def workbooks_given(place: str, table: str | None, ask: Answerer) -> WorkbooksGiven | None:
    """Return the workbooks that a path, folder or pattern names, or None where it names none.

    The sheet is the only visible one, or the one that `table` says; the header is the first row that is as wide as
    the table below it.

    Raises:
        DataError: no whole workbook, or one with a password; an empty sheet.
        UsageError: several sheets and nobody says which; the library is not installed.
    """
    paths, pattern = _paths(place) if "://" not in place else ([], "")
    if not paths:
        return None
    sheets = visible_sheets(paths[0])
    if table is not None and table not in sheets:
        raise UsageError(f"There is no sheet '{table}'. {near_match(table, sheets)}", where=str(paths[0]))
    if table is None and len(sheets) > 1:
        why = f"The workbook has {len(sheets):,} sheets"
        table = ask(OpenQuestion(str(paths[0]), "Which sheet?", why, tuple(sheets), "--table"))
    return WorkbooksGiven(paths, pattern, table, _header_below_a_title(paths[0], table))


def _paths(place: str) -> tuple[list[Path], str]:
    """Return the workbooks of a place with the pattern that finds them, or none."""
    spelt = os.path.abspath(expand(place)).replace(os.sep, "/")  # noqa: PTH100 - a link stays a link
    pattern = spelt
    if Path(spelt).is_dir():
        pattern = f"{glob.escape(spelt)}/*.xlsx"
    elif Path(spelt).is_file():
        pattern = glob.escape(spelt)
    found = sorted(Path(name) for name in glob.glob(pattern, recursive=True) if Path(name).is_file())  # noqa: PTH207
    found = [path for path in found if not path.name.startswith(_OPEN)]
    return (found, pattern) if found and all(_is_workbook(path) for path in found) else ([], pattern)


def _is_workbook(path: Path) -> bool:
    """Return whether a file is one of Excel by its name; what it holds is looked at when it is read."""
    return path.name.lower().endswith((*_ENDINGS, ".xls", ".xlsb", ".ods"))


def _header_below_a_title(path: Path, sheet: str | None) -> int | None:
    """Return the number of the header's row from 1, or None where it is the first row with a value, as by default."""
    rows = list(islice(read_worksheet(path, sheet).rows(), _LOOKED_AT))
    filled = [sum(cell != "" for cell in row) for row in rows]
    if not any(filled):
        raise DataError("The sheet is empty", where=str(path), remedy="Give another one with --table")
    first = next(number for number, n in enumerate(filled) if n)
    header = next(number for number, n in enumerate(filled) if 2 * n > max(filled))
    return None if header == first else header + 1
