"""The contract of a source: rows of declared types, drop by drop, and nothing that lies after the cutoff."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.components import Component
from mlsys.schema import Schema
from mlsys.settings import expand

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ReadRequest:
    """What a snapshot wants to read.

    Attributes:
        schema: the columns to read, and no others.
        arrival: name of the label-arrival column, or None.
        since: first instant wanted (inclusive, UTC), or None for everything.
        until: first instant not wanted (exclusive, UTC), or None for a source without time.
        now: the present (UTC), by which times of the future are told.
        memory: a folder for what a source finds out and would find out again; None remembers nothing.
    """

    schema: Schema
    arrival: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    memory: Path | None = None
    now: datetime = field(default_factory=lambda: clock.now())  # noqa: PLW0108 - looked up when it is called


@dataclass(frozen=True)
class Rejected:
    """A row that could not be read: where it stands (file and line, or key), why, and its UTC day where known.

    A reading of a window rejects the rows without a readable time as well: they may belong to any day of it.
    """

    where: str
    reason: str
    day: date | None = None


@dataclass(frozen=True)
class Drop:
    """Data that arrived together.

    Attributes:
        table: columns of `schema` in its order and types, then `_event_time` and `_label_arrival` where known.
        day: UTC day of all its rows (from a file's name), or None: then `_event_time` tells, or nothing does.
        origin: file or table it came from, for messages and the report.
    """

    table: pa.Table
    origin: str
    day: date | None = None
    rejected: tuple[Rejected, ...] = field(default=())


@dataclass(frozen=True)
class Part:
    """A part of a source that is written by itself, a file, and may be half written.

    Attributes:
        mark: changes when the part does.
        written: when it was last written, UTC.
        day: UTC day of all its rows, or None where the part does not say.
    """

    name: str
    mark: str
    written: datetime
    day: date | None = None


class Source(Component, ABC):
    """Where rows come from. Strings in it may hold `${NAME}` or `${NAME:-default}`, filled at use by `settings.expand`,
    so that neither paths of a machine nor passwords enter the spec's fingerprint or the ledger."""

    @property
    @abstractmethod
    def timed(self) -> bool:
        """Whether rows have a day (an event time, or a day in the file's name)."""

    @property
    def knows_days_alone(self) -> bool:
        """Whether the time of its rows is no more than their day's beginning."""
        return False

    @abstractmethod
    def newest(self, request: ReadRequest) -> datetime | None:
        """Return the newest event time up to now that the source has (UTC), or None when it has no rows or no time.

        Times that can't be read, or lie outside what their column may hold, are passed over.

        Raises:
            DataError: missing table, column or file.
            TransientError: locked or unreachable.
        """

    @abstractmethod
    def read(self, request: ReadRequest) -> Iterator[Drop]:
        """Yield the rows with `since <= event time < until`, in bounded memory.

        Raises:
            DataError: missing table or column, wrong type, unreadable file, with place and remedy.
            TransientError: locked or unreachable.
        """

    @property
    def relative_path(self) -> str | None:
        """The local file or pattern that `path` or a SQLite `url` names, where it is relative, or else None.

        Such a path is another file for each folder that a process works in: the shell's, that of Airflow's tasks.

        Raises:
            UsageError: a variable in it is not set.
        """
        path, url = (expand(str(getattr(self, name, ""))) for name in ("path", "url"))
        if not path and url.startswith("sqlite"):
            path = url.partition("///")[2].partition("?")[0]
        return path if path and "://" not in path and not Path(path).is_absolute() else None

    def parts(self) -> list[Part]:
        """Return the parts that may be half written, without opening them; none where a reading sees all or nothing.

        Raises:
            DataError: as `newest`.
        """
        return []
