"""One worksheet as a file of rows: its header, its rows by the numbers that Excel shows, cells that can't be read."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsys.errors import DataError
from mlsys.schema import ColumnSpec, spelt
from mlsys.sources.reading.cells import cell_column
from mlsys.sources.reading.conform import HEADER_AGAIN, Faults, less_blanks, require_columns
from mlsys.sources.reading.workbook import (
    SheetRow,
    Worksheet,
    fault_of_error,
    fault_of_formula,
    letters,
    read_worksheet,
    reference,
)

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 65_536
_LOOKED_AT = 50  # rows among which a header is looked for that stands below a title


@dataclass
class ExcelFile:
    """One sheet of a workbook.

    Attributes:
        sheet: name, number from 1, or None for the only one.
        header_row: number of the header's row as Excel shows it; None is the first row that has a value.
        columns: what the cells of a column are meant to be.
    """

    path: Path
    sheet: int | str | None
    header_row: int | None
    columns: Mapping[str, ColumnSpec]
    _numbers: array[int] = field(default_factory=lambda: array("Q"))  # the row in Excel of each row that was given
    _faults: dict[str, dict[int, str]] = field(default_factory=dict)
    _headers_again: list[int] = field(default_factory=list)

    def names(self, wanted: Collection[str] = ()) -> list[str]:
        """Return the names of the header, less blanks around them; columns without a name are left out.

        Raises:
            DataError: no header, a wanted column that is missing or there twice.
        """
        number, cells = self._header
        found = [name for name in less_blanks(_names(cells), wanted) if name]
        where = f"{self._place}, row {number + 1}"
        if not found:
            raise DataError(
                "The header has no names", where=where, remedy="Set `source.header_row` to the row of names"
            )
        if any(name not in found for name in wanted):
            self._look_further_down(number, wanted)
        remedy = "Correct `schema` or `source` in the spec"
        unnamed = self._unnamed(cells)
        if unnamed:
            remedy += f"; columns without a name in that row: {', '.join(unnamed)}"
        require_columns(dict.fromkeys(wanted, ColumnSpec(type="text")), found, where, remedy)
        return found

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of `columns` that have a value in any column of the sheet.

        Raises:
            DataError: as `read_worksheet`.
        """
        header, cells = self._header
        names = less_blanks(_names(cells), columns)
        places = [names.index(name) for name in columns]
        lost = {row for rows in (*self._content.errors.values(), *self._content.uncalculated.values()) for row in rows}
        rows: list[SheetRow] = []
        numbers: list[int] = []
        for number, row in enumerate(self._content.rows()):
            if number <= header or not (_has_value(row) or number in lost):
                continue
            if row == cells and sum(cell != "" for cell in cells) > 1:
                self._headers_again.append(number + 1)
                continue
            rows.append(row)
            numbers.append(number)
            if len(rows) == _ROWS_AT_ONCE:
                yield self._batch(rows, numbers, columns, places)
                rows, numbers = [], []
        yield self._batch(rows, numbers, columns, places)

    def faults(self) -> Faults:
        """Return the cells of the newest batch that hold an error, or are part of merged ones."""
        return self._faults

    def places(self, rows: Sequence[int]) -> list[str]:
        """Return `file, sheet, row` of rows by their index from 0."""
        return [f"{self._place}, row {self._numbers[row]}" for row in rows]

    def broken(self) -> list[tuple[str, str]]:
        """Return the rows that are the header once more; known after `batches`."""
        return [(f"{self._place}, row {number}", HEADER_AGAIN) for number in self._headers_again]

    @cached_property
    def _content(self) -> Worksheet:
        return read_worksheet(self.path, self.sheet)

    @property
    def _place(self) -> str:
        return f"{self.path}, sheet '{self._content.name}'"

    @cached_property
    def _header(self) -> tuple[int, SheetRow]:
        """Number from 0 and cells of the header."""
        rows = enumerate(self._content.rows())
        if self.header_row is not None:
            cells = next(islice(rows, self.header_row - 1, None), (0, []))[1]
            return self.header_row - 1, cells
        found = next(((number, cells) for number, cells in rows if _has_value(cells)), None)
        if found is None:
            raise DataError(
                "The sheet is empty", where=self._place, remedy="Correct `source.sheet`, or deliver it again"
            )
        return found

    def _look_further_down(self, header: int, wanted: Collection[str]) -> None:
        """Refuse a title above the header, where one of the next rows has all names."""
        for number, cells in islice(enumerate(self._content.rows()), _LOOKED_AT):
            if number != header and set(wanted) <= set(less_blanks(_names(cells), wanted)):
                raise DataError(
                    f"Row {header + 1} is not the header: the names of the columns stand in row {number + 1}",
                    where=self._place,
                    got=next((cell for cell in self._header[1] if cell != ""), None),
                    remedy=f"Set `source.header_row: {number + 1}`",
                )

    def _unnamed(self, cells: SheetRow) -> list[str]:
        named = [self._content.first_column + place for place, name in enumerate(_names(cells)) if name]
        empty = [self._content.first_column + place for place, name in enumerate(_names(cells)) if not name]
        return [letters(column) for column in empty if not named or column > named[0]][:10]

    def _batch(
        self, rows: list[SheetRow], numbers: list[int], columns: Sequence[str], places: Sequence[int]
    ) -> pa.RecordBatch:
        import pyarrow as pa

        self._numbers.extend(number + 1 for number in numbers)
        self._faults = {}
        arrays = []
        for name, place in zip(columns, places, strict=True):
            cells: list[Any] = [row[place] if row[place] != "" else None for row in rows]
            faults = self._faults_of(name, self._content.first_column + place, numbers) | self._numbers_as_times(
                name, cells
            )
            for i in faults:
                cells[i] = None
            arrays.append(cell_column(cells, self.columns[name]))
            if faults:
                self._faults[name] = faults
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))

    def _numbers_as_times(self, name: str, cells: Sequence[Any]) -> dict[int, str]:
        column = self.columns[name]
        if column.type != "timestamp" or column.format is not None:
            return {}
        return {i: _number(cell) for i, cell in enumerate(cells) if type(cell) in (int, float)}

    def _faults_of(self, name: str, column: int, numbers: list[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        content, nulls = self._content, self.columns[name].nulls
        for (top, left), (bottom, right) in content.merged:
            if left <= column <= right:
                for i in range(bisect_left(numbers, top), bisect_right(numbers, bottom)):
                    if (numbers[i], column) != (top, left):
                        found[i] = _merged((top, left), (bottom, right))
        errors = content.errors.get(column, {})
        uncalculated = content.uncalculated.get(column, set())
        if errors or uncalculated:
            for i, number in enumerate(numbers):
                if number in uncalculated:
                    found[i] = fault_of_formula()
                elif number in errors and errors[number] not in nulls:
                    found[i] = fault_of_error(errors[number])
        return found


def _merged(first: tuple[int, int], last: tuple[int, int]) -> str:
    where = f"{reference(*first)}:{reference(*last)}"
    return f"the cell is one of the merged cells {where}, of which only the first has a value: unmerge and fill them"


def _number(cell: float) -> str:
    return f"the cell holds the number {cell:.15g}: format it as a date, or declare `format` if its digits spell one"


def _has_value(row: SheetRow) -> bool:
    return any(row) or any(cell != "" for cell in row)  # 0 and false are values


def _names(cells: SheetRow) -> list[str]:
    import pyarrow as pa

    return [cell if isinstance(cell, str) else _spelt(pa.array([cell])) for cell in cells]


def _spelt(cell: pa.Array) -> str:
    text: str = spelt(cell)[0].as_py()
    return text
