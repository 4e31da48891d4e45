"""Tables beside a pipeline's own, joined to each of its rows as of the row's time: the block `joins` of a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic_core import CoreSchema

from mlsys.checks import CHECKS
from mlsys.components import STORED, Frozen, Within, tuples
from mlsys.durations import Duration
from mlsys.schema import OWN_COLUMNS, ColumnSpec, LogicalType
from mlsys.sources import SOURCES

_NAME = "A joined table's name is at most 40 small letters, digits and _, a letter first"
TableName = Annotated[str, Within(40, _NAME, r"[a-z][a-z0-9_]*")]
Take = Literal["count", "sum", "mean", "min", "max", "last", "age"]

_OF_ROWS = ("count", "age")  # what may be taken of rows themselves, whatever stands in them
_OF_NUMBERS = ("sum", "mean", "min", "max")
_NUMBERS = ("integer", "number", "boolean")
_KEYS = {"integer": "a whole number", "text": "a text", "category": "a text"}


class JoinedColumn(Frozen):
    """One column that a join adds; in YAML also a bare `count` or `age`.

    Attributes:
        take: what becomes of the rows found: how many there are (`count`), `sum`, `mean`, `min` or `max` of a column,
            its newest value (`last`), or the days since the newest row (`age`).
        of: the column of the joined table that is looked at; rows in which it is missing are passed over. `count` and
            `age` look at all rows without it.
        window: how far back rows count here; default that of the join.
    """

    take: Take
    of: str | None = None
    window: Duration | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"take": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(_OF_ROWS)}, handler(schema)]}

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if self.of is None and self.take not in _OF_ROWS:
            raise ValueError(f"`{self.take}` wants to know of which column: {{take: {self.take}, of: <column>}}")
        return self


class AsOfJoin(Frozen):
    """Another table, of which each row of the pipeline gets what was known before the row's own time.

    Rows of the table count whose time, and whose `known`, lie strictly before; none of a later instant, and none of the
    same one. A source that knows days alone has its rows at the end of their day. Counts are 0 where no row is found,
    all else is missing; where the row has no key, everything is missing.

    Attributes:
        kind: how rows find each other; as of a time is the one way there is.
        name: what the table is called in messages and in the ledger.
        source: where its rows come from, as that of the pipeline; they need a time.
        columns: the columns that are read of it, with their types.
        key: the column, here and in the pipeline's `schema`, whose value both rows share.
        known: column with the time at which a row became known, where that is later than its own.
        window: how far before the row's time rows count.
        as_of: the time that counts for a row: its own, or the midnight (UTC) with which its day, or its week, begins.
        max_age: the run is refused when the table's newest row lies longer than this before the cutoff; any age will
            do by default.
        tolerated_share: of the table's rows, so many may be unreadable, which sets them aside, or break a critical
            rule, which does not; more stop the run.
        rules: what rows of the table must keep, as those of `checks`, one by one; a row that breaks one is counted and
            told of, and joined all the same.
        joined: the columns that the join adds.
    """

    kind: Literal["as_of_join"] = "as_of_join"
    name: TableName
    source: SOURCES.field()  # type: ignore[valid-type]
    columns: dict[str, ColumnSpec] = Field(alias="schema")
    key: str
    known: str | None = None
    window: Duration
    as_of: Literal["row", "day", "monday"] = "row"
    max_age: Duration | None = None
    tolerated_share: float = Field(default=0.01, ge=0, le=1)
    # Left out of the stored spec where there is none, so that fingerprints stay.
    rules: tuple[CHECKS.field(), ...] = Field(default=(), exclude_if=lambda rules: not rules)  # type: ignore[valid-type]
    joined: dict[str, JoinedColumn] = Field(alias="columns", min_length=1)

    @field_validator("window")
    @classmethod
    def _some_time(cls, value: timedelta) -> timedelta:
        if value <= timedelta(0):
            raise ValueError("a window of no length holds no row; 28d is usual")
        return value

    @property
    def longest_window(self) -> timedelta:
        """The longest window of any column."""
        return max(self.window_of(column) for column in self.joined.values())

    def window_of(self, column: JoinedColumn) -> timedelta:
        """Return how far back rows count for a column."""
        return self.window if column.window is None else column.window

    def type_of(self, column: JoinedColumn) -> LogicalType:
        """Return the type of a joined column."""
        if column.take in ("age", "mean"):
            return "number"
        if column.take == "count" or column.of is None:
            return "integer"
        of = self.columns[column.of].type
        return "integer" if of == "boolean" and column.take != "last" else of

    def meaning(self, name: str) -> dict[str, Any]:
        """Return what decides on the values of a joined column, less where the table comes from."""
        column = self.joined[name]
        found = {"take": column.take, "of": column.of, "window": self.window_of(column)}
        return {**found, "table": self.name, "key": self.key, "known": self.known, "as_of": self.as_of}

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield the columns of the table that the join names, each with its key path."""
        yield "key", self.key
        if self.known is not None:
            yield "known", self.known
        yield from ((f"columns.{name}.of", column.of) for name, column in self.joined.items() if column.of is not None)
        for i, rule in enumerate(self.rules):
            yield from ((f"rules.{i}", name) for name in rule.looks_at)

    def misfits(self, columns: Mapping[str, ColumnSpec]) -> Iterator[tuple[str, str]]:
        """Yield, with its key path, what does not fit in a join to rows of these columns; all names are known ones."""
        here, there = columns[self.key].type, self.columns[self.key].type
        if here not in _KEYS or there not in _KEYS:
            wrong = here if here not in _KEYS else there
            yield "key", f"'{self.key}' is declared as {wrong}; rows are joined by an integer, a text or a category"
        elif _KEYS[here] != _KEYS[there]:
            yield "key", f"'{self.key}' is {_KEYS[there]} here and {_KEYS[here]} in `schema`; declare both alike"
        if self.known is not None and self.columns[self.known].type != "timestamp":
            yield "known", f"'{self.known}' is declared as {self.columns[self.known].type}, and must be a timestamp"
        if not self.source.timed:
            yield "source", "its rows have no time; give it an `event_time`, or files a `day_pattern`"
        for i, rule in enumerate(self.rules):
            if rule.about_key:
                yield f"rules.{i}", f"`{rule.kind}` is about a key, and a joined table has none; `unique` names columns"
            elif misfit := rule.misfit(self.columns):
                yield f"rules.{i}", misfit
        for name, column in self.joined.items():
            of = self.columns[column.of].type if column.of is not None else None
            if column.take in _OF_NUMBERS and of not in _NUMBERS:
                yield f"columns.{name}.of", f"'{column.of}' is declared as {of}, and `{column.take}` wants numbers"
            elif column.take == "last" and of == "timestamp":
                yield f"columns.{name}.of", f"'{column.of}' is a time, which no model takes; `age` gives days"
            if name in columns or name in OWN_COLUMNS:
                yield f"columns.{name}", f"there is a column '{name}' already; give this one another name"


def parse_join(dumped: Mapping[str, Any]) -> AsOfJoin:
    """Return the join of what its `model_dump` gave."""
    return AsOfJoin.model_validate(tuples(dict(dumped)), context={STORED: True})
