"""Documents of MongoDB to rows: fields by their path, values of BSON as columns have them.

A field that is not there, and one on whose way something is not there, is missing. A list, a document, or a value where
a document should be is no value of a column: a fault of that document alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from mlsys.errors import shortened
from mlsys.schema import ColumnSpec, LogicalType, Schema, plain_decimal
from mlsys.sources.reading.cells import Cell, cell_column
from mlsys.sources.reading.conform import Faults

if TYPE_CHECKING:
    import pyarrow as pa

MongoDocument = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # of the years 1 and 9999
_DEPTH = 3  # of paths that a message offers
_AS_THEY_ARE = frozenset((str, bool, int, datetime, type(None)))


class MisfitError(Exception):
    """A field that is no value of a column; says why."""


def document_batch(
    documents: Sequence[MongoDocument], columns: Schema, paths: Mapping[str, str]
) -> tuple[pa.RecordBatch, Faults]:
    """Return the columns of documents `(n_rows,)`, read `without_format`, and which fields are no values."""
    import pyarrow as pa

    arrays = []
    faults: dict[str, dict[int, str]] = {}
    for name, column in columns.items():
        cells, misfits = _cells(documents, paths[name].split("."), column)
        arrays.append(cell_column(cells, column))
        if misfits:
            faults[name] = misfits
    return pa.RecordBatch.from_arrays(arrays, names=list(columns)), faults


def projection(paths: Iterable[str]) -> dict[str, int]:
    """Return what the server has to send for paths: whole fields of the top level.

    Of `address.city` alone it would send nothing where `address` is a text, and that would look like a missing value.
    """
    return {"_id": 1, **{path.partition(".")[0]: 1 for path in paths}}


def holds(document: MongoDocument, path: str) -> bool:
    """Return whether a document has a field at a path, be it null, or something that stands in its way."""
    try:
        return _at(document, path.split("."), default=_NOTHING) is not _NOTHING
    except MisfitError:
        return True


def paths_of(document: MongoDocument, *, above: str = "", depth: int = _DEPTH) -> Iterator[str]:
    """Yield the paths of the fields of a document."""
    for name, value in document.items():
        path = f"{above}{name}"
        if isinstance(value, list) and value:
            path, value = f"{path}.0", value[0]  # noqa: PLW2901
        if isinstance(value, Mapping) and depth > 1:
            yield from paths_of(value, above=f"{path}.", depth=depth - 1)
        else:
            yield path


_NOTHING = object()


def _cells(
    documents: Sequence[MongoDocument], path: list[str], column: ColumnSpec
) -> tuple[list[Cell], dict[int, str]]:
    cells: list[Cell] = []
    misfits: dict[int, str] = {}
    seconds = column.type == "timestamp" and column.format is None
    single = path[0] if len(path) == 1 else None
    for i, document in enumerate(documents):
        try:
            value: Any = document.get(single) if single is not None else _at(document, path)
            kind = type(value)
            if kind is float:
                value = value if math.isfinite(value) else None
            elif kind not in _AS_THEY_ARE:
                value = _plain(value, ".".join(path), column.type)
            if seconds and isinstance(value, int | float) and not isinstance(value, bool):
                value = _since_1970(value)
            cells.append(value)
        except MisfitError as misfit:
            cells.append(None)
            misfits[i] = str(misfit)
    return cells, misfits


def _at(document: MongoDocument, path: list[str], default: object = None) -> Any:
    value: Any = document
    for depth, part in enumerate(path):
        before = ".".join(path[:depth])
        if isinstance(value, Mapping):
            value = value.get(part, default)
        elif isinstance(value, list):
            if not part.isdigit():
                rest = ".".join(path[depth:])
                raise MisfitError(f"`{before}` is a list of {len(value)}: name one by its place, `{before}.0.{rest}`")
            value = value[int(part)] if int(part) < len(value) else default
        elif value is None or value is default:
            return default
        else:
            raise MisfitError(f"`{before}` is {shortened(value)}, where a document with `{part}` should be")
    return value


def _plain(value: Any, path: str, logical: LogicalType) -> Cell:
    """Return a value of BSON, other than what Python has itself, as a cell."""
    found = _bson_kinds()
    if isinstance(value, found.ObjectId | UUID):
        return str(value)
    if isinstance(value, found.Decimal128):
        return _decimal(value, logical)
    if isinstance(value, int):
        return int(value)  # bson.Int64
    if isinstance(value, found.Timestamp):
        moment: datetime = value.as_datetime()
        return moment
    if isinstance(value, found.DatetimeMS):
        raise MisfitError(f"`{path}` is {int(value)} ms since 1970, beyond the years 1 to 9999")
    if isinstance(value, list):
        raise MisfitError(f"`{path}` is a list of {len(value)}: name one of its values by its place, `{path}.0`")
    if isinstance(value, Mapping):
        keys = ", ".join(list(value)[:5])
        raise MisfitError(f"`{path}` is a document with {keys or 'no keys'}: name one of its fields, `{path}.field`")
    raise MisfitError(f"`{path}` holds {type(value).__name__}, which is no value of a column")


@cache
def _bson_kinds() -> Any:
    """Return the types of PyMongo, which is imported when there is a document."""
    import bson
    from bson.datetime_ms import DatetimeMS

    return SimpleNamespace(
        ObjectId=bson.ObjectId, Decimal128=bson.Decimal128, Timestamp=bson.Timestamp, DatetimeMS=DatetimeMS
    )


def _decimal(value: Any, logical: LogicalType) -> Cell:
    number = value.to_decimal()
    if not number.is_finite():
        return None
    if logical in ("text", "category"):
        return plain_decimal(number)
    whole = logical == "integer" and number == number.to_integral_value()
    return int(number) if whole else float(number)


def _since_1970(number: float) -> datetime:
    if not _FIRST_SECOND <= number <= _LAST_SECOND:
        raise MisfitError(f"the number {number} is no time: numbers are seconds since 1970, of the years 1 to 9999")
    return _EPOCH + timedelta(seconds=number)
