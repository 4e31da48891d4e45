"""Times of Postgres that Python's calendar has not: infinity and years beyond 9999 or before 1 come as its ends.

Without this the driver raises in the middle of a row, and one such value would stop the whole reading; so the row
alone is bad, since no column may hold these times.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

_FIRST, _LAST = datetime.min, datetime.max  # noqa: DTZ901 - a zone is added where the column has one


def bring_in_far_times(connection: Any) -> None:
    """Let a SQLAlchemy connection to Postgres by psycopg or psycopg2 read far times; others stay as they are."""
    driver = connection.dialect.driver
    raw = connection.connection.driver_connection
    if driver == "psycopg":
        _for_psycopg(raw)
    elif driver == "psycopg2":
        _for_psycopg2(raw)


def _for_psycopg(connection: Any) -> None:
    from psycopg import DataError
    from psycopg.types import datetime as types

    def tolerant(loader: type, first: object, last: object) -> type:
        class Tolerant(loader):  # type: ignore[misc]
            def load(self, data: Any) -> Any:
                try:
                    return super().load(data)
                except (DataError, ValueError, OverflowError):
                    return first if _lies_before(bytes(data), binary=bool(self.format)) else last

        return Tolerant

    ends = {
        "date": (_FIRST.date(), _LAST.date()),
        "timestamp": (_FIRST, _LAST),
        "timestamptz": (_FIRST.replace(tzinfo=UTC), _LAST.replace(tzinfo=UTC)),
    }
    loaders = {
        "date": (types.DateLoader, types.DateBinaryLoader),
        "timestamp": (types.TimestampLoader, types.TimestampBinaryLoader),
        "timestamptz": (types.TimestamptzLoader, types.TimestamptzBinaryLoader),
    }
    for name, kinds in loaders.items():
        for loader in kinds:
            connection.adapters.register_loader(name, tolerant(loader, *ends[name]))


def _for_psycopg2(connection: Any) -> None:
    from psycopg2 import DataError, extensions  # type: ignore[import-untyped]

    casters = (
        (1082, extensions.PYDATE, (_FIRST.date(), _LAST.date())),  # the object ids of Postgres's own types
        (1114, extensions.PYDATETIME, (_FIRST, _LAST)),
        (1184, extensions.PYDATETIMETZ, (_FIRST.replace(tzinfo=UTC), _LAST.replace(tzinfo=UTC))),
    )
    for number, caster, (first, last) in casters:

        def cast(text: str | None, cursor: Any, caster: Any = caster, first: Any = first, last: Any = last) -> Any:
            try:
                found = caster(text, cursor)
            except (DataError, ValueError, OverflowError):
                return first if _lies_before(str(text).encode(), binary=False) else last
            return _zoned(found, first)

        extensions.register_type(extensions.new_type((number,), "MLSYS_FAR", cast), connection)


def _zoned(found: date | None, example: date) -> date | None:
    """Return infinity, which psycopg2 gives without a zone, with that of its column."""
    if isinstance(found, datetime) and isinstance(example, datetime) and found.tzinfo is None:
        return found.replace(tzinfo=example.tzinfo)
    return found


def _lies_before(data: bytes, *, binary: bool) -> bool:
    if binary:
        return bool(data[0] & 0x80)  # a negative number
    return data.startswith(b"-") or data.rstrip().endswith(b"BC")
