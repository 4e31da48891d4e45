"""Rows of a table or a query of any database that SQLAlchemy knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from mlsys.components import AsWritten
from mlsys.schema import ColumnSpec, checked_zone
from mlsys.settings import expand
from mlsys.sources.base import Drop, ReadRequest, Rejected, Source
from mlsys.sources.reading import windows
from mlsys.sources.reading.conform import Conformer, columns_to_read, require_columns
from mlsys.sources.reading.databases import Database, Parameter, connected
from mlsys.sources.reading.rows import record_batch
from mlsys.sources.reading.time_range import range_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class _Relation:
    """An open database and what is read from it: a quoted table or a bracketed query with its parameters."""

    database: Database
    sql: str
    params: Mapping[str, Parameter]
    origin: str


class SqlSource(Source):
    """A table or a query, streamed in chunks.

    Attributes:
        params: values bound to the names in `query`, never pasted into it.
        url: SQLAlchemy URL; `${NAME}` is filled from the environment. SQLite files are opened read-only.
        table, query: one of both. A query binds its `:name` parameters from `params`.
        event_time: column with the time of a row; without it the whole table is one drop, dated by its reading.
            Text must be ISO 8601 (or have a `format`), whole numbers are seconds since 1970.
        timezone: IANA zone of local times; `UTC` is one.
        chunk_rows: rows held at once.
    """

    kind: Literal["sql"] = "sql"
    url: str
    table: str | None = None
    query: str | None = None
    params: dict[str, Annotated[str | int | float | bool, AsWritten()]] = Field(default_factory=dict)
    event_time: str | None = None
    timezone: str | None = None
    chunk_rows: int = Field(default=50_000, ge=1)

    _zone = field_validator("timezone")(checked_zone)

    @field_validator("params")
    @classmethod
    def _not_ours(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if name.lower().startswith(windows.OURS):
                raise ValueError(
                    f"mlsys binds parameters of its own called `{windows.OURS}...`: give '{name}' another name"
                )
        return value

    @model_validator(mode="after")
    def _table_or_query(self) -> SqlSource:
        if (self.table is None) == (self.query is None):
            raise ValueError("a sql source has either `table` or `query`")
        if self.params and self.query is None:
            raise ValueError("`params` are bound into a `query`; this source has none")
        return self

    @property
    def timed(self) -> bool:
        """Whether rows have an event time."""
        return self.event_time is not None

    def newest(self, request: ReadRequest) -> datetime | None:
        """Return the newest event time up to now (UTC), or None without rows or time."""
        if self.event_time is None:
            return None
        declared = request.schema.get(self.event_time, ColumnSpec(type="timestamp"))
        with self._open() as relation:
            conformer = self._conformer(ReadRequest({self.event_time: declared}, now=request.now), relation)
            column = relation.database.quoted(self.event_time)
            of = _time_column(relation, column, declared)
            if _reads_all(of, declared):
                sql = f"SELECT {column} FROM {relation.sql}"  # noqa: S608
                return max(self._times(relation, conformer, sql, {}), default=None)
            times = range_of(conformer.columns[self.event_time], request.now)
            conditions = windows.newest(of, request.now, times)
            value = of.number if of.counted else column
            found = (self._newest_where(relation, conformer, str(value), *condition) for condition in conditions)
            return max((newest for newest in found if newest is not None), default=None)

    def _newest_where(
        self, relation: _Relation, conformer: Conformer, column: str, condition: str, bounds: Mapping[str, Parameter]
    ) -> datetime | None:
        rows = f"FROM {relation.sql} WHERE {condition}"
        largest = f"SELECT MAX({column}) {rows}"
        ((value,),) = next(relation.database.batches(largest, {**relation.params, **bounds}, 1), [(None,)])
        if value is None:
            return None
        newest = conformer.newest(record_batch([(value,)], conformer.columns))
        # The largest may lie in the future, or be no time although it looks like one.
        downwards = f"SELECT {column} {rows} ORDER BY {column} DESC"
        return newest or next(self._times(relation, conformer, downwards, bounds), None)

    def _times(
        self, relation: _Relation, conformer: Conformer, sql: str, bounds: Mapping[str, Parameter]
    ) -> Iterator[datetime]:
        """Yield the newest possible time of each chunk that has one, up to the present of the request."""
        for rows in relation.database.batches(sql, {**relation.params, **bounds}, self.chunk_rows):
            newest = conformer.newest(record_batch(rows, conformer.columns))
            if newest is not None:
                yield newest

    def read(self, request: ReadRequest) -> Iterator[Drop]:
        """Yield the rows with `since <= event time < until`, `chunk_rows` at a time."""
        with self._open() as relation:
            conformer = self._conformer(request, relation)
            names = ", ".join(relation.database.quoted(name) for name in conformer.columns)
            sql = f"SELECT {names} FROM {relation.sql}"  # noqa: S608 - names are quoted, values are bound
            condition, bounds = self._window(relation, request)
            if condition:
                sql += f" WHERE {condition}"
            yield from self._drops(relation, conformer, sql, bounds)

    @contextmanager
    def _open(self) -> Iterator[_Relation]:
        with connected(expand(self.url)) as database:
            if self.table is not None:
                parts = [self.table] if database.mixes_types else self.table.split(".")
                name = ".".join(database.quoted(part) for part in parts)
                yield _Relation(database, name, {}, f"{database.name}, table {self.table}")
            else:
                params = {key: expand(value) if isinstance(value, str) else value for key, value in self.params.items()}
                query = database.subquery(expand(self.query or ""), params)
                yield _Relation(database, f"{query} AS source", params, f"{database.name}, query")

    def _conformer(self, request: ReadRequest, relation: _Relation) -> Conformer:
        conformer = Conformer(request, event_time=self.event_time, timezone=self.timezone, origin=relation.origin)
        present = relation.database.columns(relation.sql, relation.params)
        remedy = "Correct `schema` or `source` in the spec"
        require_columns(conformer.columns, present, relation.origin, remedy)
        return conformer

    def _drops(
        self,
        relation: _Relation,
        conformer: Conformer,
        sql: str,
        bounds: Mapping[str, Parameter] | None = None,
    ) -> Iterator[Drop]:
        params = {**relation.params, **(bounds or {})}
        n_read = 0
        for rows in relation.database.batches(sql, params, self.chunk_rows):
            batch = record_batch(rows, conformer.columns)
            table, bad = conformer.conform(batch)
            rejected = tuple(
                Rejected(_place(relation.origin, batch, item.row, n_read), item.reason, item.day) for item in bad
            )
            n_read += len(rows)
            yield Drop(table, relation.origin, rejected=rejected)
        conformer.finish()

    def _window(self, relation: _Relation, request: ReadRequest) -> windows.Condition:
        """Return a condition that keeps at least the wanted rows and those whose day can't be told."""
        declared = request.schema.get(self.event_time or "")
        if self.event_time is None:
            return "", {}
        of = _time_column(relation, relation.database.quoted(self.event_time), declared)
        if declared is not None and _reads_all(of, declared):
            return "", {}
        times = range_of(columns_to_read(request, self.event_time, self.timezone)[self.event_time], request.now)
        return windows.window(of, request, times)


def _place(origin: str, batch: pa.RecordBatch, row: int, n_before: int) -> str:
    """Return where a row stands: by the first of its columns that has a value, or by its number where none has."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        value = column[row].as_py()
        if value is not None:
            return f"{origin}, row with {name}={value}"
    return f"{origin}, row {n_before + row + 1}"


def _reads_all(of: windows.TimeColumn, declared: ColumnSpec) -> bool:
    """Return whether a database can't tell the times of a column: texts in a format need not sort by time."""
    return declared.format is not None and (of.counted is None or of.number is None)


def _time_column(relation: _Relation, column: str, declared: ColumnSpec | None) -> windows.TimeColumn:
    database, example = relation.database, None
    if not database.mixes_types:
        sql = f"SELECT MAX({column}) FROM {relation.sql}"  # noqa: S608
        ((example,),) = next(database.batches(sql, relation.params, 1), [(None,)])
    counted = declared.format if declared is not None and declared.counted else None
    return windows.TimeColumn(database, relation.sql, column, example, counted)
