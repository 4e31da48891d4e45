"""Rows of a collection of MongoDB."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from mlsys import extras
from mlsys.components import AsWritten
from mlsys.errors import DataError
from mlsys.schema import ColumnSpec, Schema, checked_zone
from mlsys.settings import expand
from mlsys.sources.base import Drop, ReadRequest, Rejected, Source
from mlsys.sources.reading import mongo_windows
from mlsys.sources.reading.cells import without_format
from mlsys.sources.reading.conform import Conformer, columns_to_read
from mlsys.sources.reading.documents import MongoDocument, document_batch
from mlsys.sources.reading.mongo_collection import MongoCollection, opened
from mlsys.sources.reading.mongo_windows import Filter
from mlsys.sources.reading.time_range import range_of

_ROWS_AT_ONCE = 20_000
_FIRST_ONES = 50


class MongodbSource(Source):
    """The documents of a collection, each a row; only the fields of the schema leave the server.

    Attributes:
        url: `mongodb://` or `mongodb+srv://`; `${NAME}` is filled from the environment.
        database, collection: their names; `${NAME}` as in `url`.
        filter: which documents to read, in MongoDB's query language; `$date` and `$oid` as in its Extended JSON.
        fields: path of a column's field where it is not its name: `{city: address.city, first_item: items.0.name}`.
        event_time: column with the time of a row; without it the whole collection is one drop, dated by its reading.
            Dates are UTC; text must be ISO 8601 (or have a `format`), numbers are seconds since 1970.
        timezone: IANA zone of local times in text; `UTC` is one.
        batch_size: documents that the server sends at once.
    """

    kind: Literal["mongodb"] = "mongodb"
    libraries: ClassVar = {"pymongo": "mongodb"}
    url: str
    database: str
    collection: str
    filter: dict[str, Annotated[Any, AsWritten()]] = Field(default_factory=dict)
    fields: dict[str, str] = Field(default_factory=dict)
    event_time: str | None = None
    timezone: str | None = None
    batch_size: int = Field(default=5_000, ge=1)

    _zone = field_validator("timezone")(checked_zone)

    @field_validator("filter")
    @classmethod
    def _is_extended_json(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"a filter is made of texts, numbers, lists and mappings alone: {error}") from None
        return value

    @field_validator("fields")
    @classmethod
    def _are_paths(cls, value: dict[str, str]) -> dict[str, str]:
        for column, path in value.items():
            if not all(path.split(".")) or path.startswith("$"):
                raise ValueError(f"'{path}', the field of '{column}', is no path; `address.city` is one")
        return value

    @property
    def timed(self) -> bool:
        """Whether rows have an event time."""
        return self.event_time is not None

    def newest(self, request: ReadRequest) -> datetime | None:
        """Return the newest event time up to now (UTC), or None without rows or time."""
        if self.event_time is None:
            return None
        declared = request.schema.get(self.event_time, ColumnSpec(type="timestamp"))
        own = ReadRequest({self.event_time: declared}, now=request.now)
        column = columns_to_read(own, self.event_time, self.timezone)
        path = self._path(self.event_time)
        times = range_of(column[self.event_time], request.now)
        with self._open() as collection:
            collection.require_fields([path])
            conditions = mongo_windows.newest(path, request.now, times, format_=declared.format)
            found = [self._newest(collection, own, column, *condition) for condition in conditions]
        return max((newest for newest in found if newest is not None), default=None)

    def _newest(
        self, collection: MongoCollection, own: ReadRequest, column: Schema, condition: Filter, sort: bool
    ) -> datetime | None:
        """Return the newest time of what a condition keeps; where it is sorted, of the first ones that have one."""
        newest: datetime | None = None
        documents = collection.newest(condition, self._path(next(iter(column))), sort=sort)
        for chunk in _chunks(documents, _FIRST_ONES if sort else _ROWS_AT_ONCE):
            # A conformer of its own: the largest values say nothing of the others, by which a column is judged.
            found = self._conformer(own, collection).newest(*document_batch(chunk, column, self._paths(column)))
            newest = max((each for each in (newest, found) if each is not None), default=None)
            if newest is not None and sort:
                break
        return newest

    def read(self, request: ReadRequest) -> Iterator[Drop]:
        """Yield the rows with `since <= event time < until`, some thousands at a time."""
        columns = columns_to_read(request, self.event_time, self.timezone)
        paths = self._paths(columns)
        with self._open() as collection:
            collection.require_fields(list(paths.values()))
            conformer = self._conformer(request, collection)
            found = collection.documents(self._window(request, columns), list(paths.values()))
            for chunk in _chunks(found, _ROWS_AT_ONCE):
                table, bad = conformer.conform(*document_batch(chunk, columns, paths))
                rejected = tuple(
                    Rejected(f"{collection.origin}, document with _id={chunk[item.row]['_id']}", item.reason, item.day)
                    for item in bad
                )
                yield Drop(table, collection.origin, rejected=rejected)
            conformer.finish()

    @contextmanager
    def _open(self) -> Iterator[MongoCollection]:
        names = expand(self.database), expand(self.collection)
        with opened(expand(self.url), *names, filter_=_extended(self.filter), batch_size=self.batch_size) as collection:
            yield collection

    def _conformer(self, request: ReadRequest, collection: MongoCollection) -> Conformer:
        schema = {name: without_format(column) for name, column in request.schema.items()}
        return Conformer(
            replace(request, schema=schema),
            event_time=self.event_time,
            timezone=self.timezone,
            origin=collection.origin,
        )

    def _window(self, request: ReadRequest, columns: Mapping[str, ColumnSpec]) -> Filter:
        if self.event_time is None:
            return {}
        column = columns[self.event_time]
        times = range_of(column, request.now)
        return mongo_windows.window(self._path(self.event_time), request, times, format_=column.format)

    def _path(self, column: str) -> str:
        return self.fields.get(column, column)

    def _paths(self, columns: Mapping[str, ColumnSpec]) -> dict[str, str]:
        return {name: self._path(name) for name in columns}


def _extended(written: Mapping[str, Any]) -> Filter:
    """Return a filter with its variables filled in, and what Extended JSON can say as BSON has it."""
    if not written:
        return {}
    extras.load("bson", extra="mongodb", needed_by="A source of kind mongodb")
    from bson.errors import BSONError
    from bson.json_util import loads

    try:
        found: Filter = loads(json.dumps(_filled(written)))
    except (BSONError, TypeError, ValueError) as error:
        remedy = "`$date`, `$oid` and their like are those of MongoDB's Extended JSON"
        raise DataError(f"The filter can't be read: {error}", where="source.filter", remedy=remedy) from error
    return found


def _filled(value: Any) -> Any:
    if isinstance(value, str):
        return expand(value)
    if isinstance(value, Mapping):
        return {key: _filled(inner) for key, inner in value.items()}
    return [_filled(inner) for inner in value] if isinstance(value, list) else value


def _chunks(documents: Iterator[MongoDocument], size: int) -> Iterator[list[MongoDocument]]:
    while chunk := list(islice(documents, size)):
        yield chunk
