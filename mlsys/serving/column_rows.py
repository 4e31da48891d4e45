"""Rows of JSON's values kept by column: most of what is done with many of them is done to one column at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, overload


class ColumnRows(Sequence[Mapping[str, Any]]):
    """Rows that all have the same columns; as a sequence they are mappings, made when they are asked for.

    Attributes:
        columns: of each name the `(n_rows,)` values as they were given.
    """

    __slots__ = ("_n_rows", "columns")

    def __init__(self, columns: Mapping[str, list[Any]], n_rows: int) -> None:
        self.columns = columns
        self._n_rows = n_rows

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], names: Collection[str]) -> ColumnRows:
        """Return these columns of rows.

        Raises:
            KeyError: a row lacks one.
        """
        if isinstance(rows, cls):
            return cls({name: rows.columns[name] for name in names}, len(rows))
        return cls({name: [row[name] for row in rows] for name in names}, len(rows))

    def at(self, places: Sequence[int]) -> ColumnRows:
        """Return some of the rows, in the order of their places."""
        return ColumnRows({name: [values[at] for at in places] for name, values in self.columns.items()}, len(places))

    def __len__(self) -> int:
        return self._n_rows

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> ColumnRows: ...
    def __getitem__(self, place: int | slice) -> dict[str, Any] | ColumnRows:
        if isinstance(place, slice):
            part = {name: values[place] for name, values in self.columns.items()}
            return ColumnRows(part, len(range(self._n_rows)[place]))
        at = range(self._n_rows)[place]  # without columns, too, there is no row behind the last one
        return {name: values[at] for name, values in self.columns.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if not self.columns:
            return iter([{} for _ in range(self._n_rows)])
        return (dict(zip(self.columns, row, strict=True)) for row in zip(*self.columns.values(), strict=True))


def column_of(rows: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """Return what each row has in a column, None where it has no such column."""
    if isinstance(rows, ColumnRows):
        return rows.columns.get(name) or [None] * len(rows)
    return [row.get(name) for row in rows]
