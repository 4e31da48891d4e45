"""Rows of Excel workbooks that match a pattern, one drop a day or all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from mlsys.schema import ColumnSpec
from mlsys.sources.reading.cells import without_format
from mlsys.sources.reading.excel_file import ExcelFile
from mlsys.sources.reading.file_drops import FileDrops


class ExcelSource(FileDrops):
    """One sheet of each workbook (.xlsx, .xlsm) that a pattern matches.

    Attributes:
        sheet: name of the sheet, or its number from 1 in the order of Excel's tabs; default the only visible one.
        header_row: number of the row with the columns' names, as Excel shows it; default the first row with a value.
    """

    kind: Literal["excel"] = "excel"
    libraries: ClassVar = {"python_calamine": "excel"}
    sheet: int | str | None = None
    header_row: int | None = Field(default=None, ge=1)

    @field_validator("sheet")
    @classmethod
    def _counts_from_one(cls, value: int | str | None) -> int | str | None:
        if isinstance(value, int) and value < 1:
            raise ValueError(f"sheets are counted from 1, as Excel's tabs are from the left; {value} is none")
        return value

    def opened(self, path: Path, columns: Mapping[str, ColumnSpec]) -> ExcelFile:
        """Return the sheet of one workbook."""
        return ExcelFile(path, self.sheet, self.header_row, columns)

    def conformed(self, column: ColumnSpec) -> ColumnSpec:
        """Return a column without its `format`: texts that it reads come as ISO 8601, beside dates that are none."""
        return without_format(column)
