"""Rows of a table or a query of any database that SQLAlchemy knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from numbers import Number
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from mlsys.components import AsWritten
from mlsys.schema import EVENT_TIME, ColumnSpec, checked_zone
from mlsys.settings import expand
from mlsys.sources.base import Drop, ReadRequest, Rejected, Source
from mlsys.sources.reading.conform import Conformer, require_columns
from mlsys.sources.reading.databases import Database, Parameter, connected
from mlsys.sources.reading.rows import record_batch

if TYPE_CHECKING:
    import pyarrow as pa

_MARGIN = timedelta(days=1)  # more than any zone's offset: the exact window is cut after parsing
_NO_DIGIT = "':'"  # sorts right after '9': from here on a text is no ISO timestamp
_OURS = "mlsys_"  # how the parameters begin that bind a window into a query
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
            if name.lower().startswith(_OURS):
                raise ValueError(f"mlsys binds parameters of its own called `{_OURS}...`: give '{name}' another name")
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
        """Return the newest event time (UTC), or None without rows or time."""
        import pyarrow.compute as pc

        if self.event_time is None:
            return None
        declared = request.schema.get(self.event_time, ColumnSpec(type="timestamp"))
        with self._open() as relation:
            conformer = self._conformer(ReadRequest({self.event_time: declared}), relation)
            newest: datetime | None = None
            for drop in self._drops(relation, conformer, self._newest_sql(relation, declared)):
                found = pc.max(drop.table[EVENT_TIME]).as_py()
                newest = found if newest is None else max(newest, found or newest)
            return newest

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

    def _newest_sql(self, relation: _Relation, declared: ColumnSpec) -> str:
        column = relation.database.quoted(self.event_time or "")
        if declared.format is not None:  # such texts need not sort by time
            return f"SELECT {column} FROM {relation.sql}"  # noqa: S608
        sql = f"SELECT MAX({column}) FROM {relation.sql}"  # noqa: S608
        return sql + (f" WHERE {column} < {_NO_DIGIT}" if relation.database.mixes_types else "")

    def _window(self, relation: _Relation, request: ReadRequest) -> tuple[str, dict[str, Parameter]]:
        """Return a condition that keeps at least the wanted rows, and its bound values.

        A whole reading (no `since`) also keeps the rows whose time is missing or unreadable, so that they are
        rejected and counted; a windowed one can't place them.
        """
        declared = request.schema.get(self.event_time or "")
        if self.event_time is None or (declared is not None and declared.format is not None):
            return "", {}
        column = relation.database.quoted(self.event_time)
        if relation.database.mixes_types:
            return _sqlite_window(column, request)
        return _typed_window(column, request, _example(relation, column))


def _place(origin: str, batch: pa.RecordBatch, row: int, n_before: int) -> str:
    """Return where a row stands: by the value of its first column, or by its number where that is missing."""
    value = batch.column(0)[row].as_py()
    if value is None:
        return f"{origin}, row {n_before + row + 1}"
    return f"{origin}, row with {batch.schema.names[0]}={value}"


def _sqlite_window(column: str, request: ReadRequest) -> tuple[str, dict[str, Parameter]]:
    # Any SQLite column may hold both; numbers sort before texts, and ISO texts sort by their dates.
    bounds: dict[str, Parameter] = {}
    if request.since is not None:
        bounds |= {"mlsys_from_day": _day(request.since - _MARGIN), "mlsys_from": _seconds(request.since - _MARGIN)}
    if request.until is not None:
        end = request.until + _MARGIN
        bounds |= {"mlsys_to_day": _day(end + _MARGIN), "mlsys_to": _seconds(end)}
    if request.since is None and request.until is None:
        return "", {}
    if request.since is None:
        return (
            f"{column} IS NULL OR {column} < :mlsys_to"
            f" OR ({column} >= '' AND {column} < :mlsys_to_day) OR {column} >= {_NO_DIGIT}"
        ), bounds
    if request.until is None:
        return f"{column} >= :mlsys_from_day OR ({column} >= :mlsys_from AND {column} < '')", bounds
    return (
        f"({column} >= :mlsys_from_day AND {column} < :mlsys_to_day)"
        f" OR ({column} >= :mlsys_from AND {column} < :mlsys_to)"
    ), bounds


def _typed_window(column: str, request: ReadRequest, example: object) -> tuple[str, dict[str, Parameter]]:
    parts: list[str] = []
    bounds: dict[str, Parameter] = {}
    if example is None:  # no row has a time: nothing is there to leave out
        return "", {}
    if request.since is not None:
        parts.append(f"{column} >= :mlsys_from")
        bounds["mlsys_from"] = _like(example, request.since - _MARGIN)
    if request.until is not None and not (request.since is None and isinstance(example, str)):
        missing = f"{column} IS NULL OR " if request.since is None else ""
        parts.append(f"({missing}{column} < :mlsys_to)")
        bounds["mlsys_to"] = _like(example, request.until + 2 * _MARGIN)
    return " AND ".join(parts), bounds


def _example(relation: _Relation, column: str) -> object:
    sql = f"SELECT MAX({column}) FROM {relation.sql}"  # noqa: S608
    rows = next(relation.database.batches(sql, relation.params, 1), [(None,)])
    return rows[0][0]


def _like(example: object, instant: datetime) -> Parameter:
    """Return `instant` as the kind of value that the column holds."""
    if isinstance(example, str):
        return _day(instant)
    if isinstance(example, Number):  # Decimal is one
        return _seconds(instant)
    if isinstance(example, datetime):
        return instant if example.tzinfo is not None else instant.replace(tzinfo=None)
    return instant.date()


def _day(instant: datetime) -> str:
    return instant.date().isoformat()


def _seconds(instant: datetime) -> int:
    return int((instant - _EPOCH).total_seconds())
