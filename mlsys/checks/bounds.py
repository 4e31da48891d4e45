"""Limits as a spec writes them: numbers, or instants and days in ISO 8601."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from mlsys.components import AsWritten
from mlsys.schema import Schema


def _as_written(value: object) -> object:
    # YAML turns 2026-03-09 into a date; as ISO text it survives JSON and has one spelling in fingerprints.
    if isinstance(value, datetime):
        return _utc(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        raise ValueError("A limit is a number or a time")
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("A limit is a number, or a time such as 2026-03-09 or 2026-03-09T12:00:00Z") from None
    return value


Bound = Annotated[int | float | str, BeforeValidator(_as_written), AsWritten(typed=True)]


def require_limits(kind: str, low: tuple[str, Bound | None], high: tuple[str, Bound | None]) -> None:
    """Check that there is a limit, and that two of them stand in their order; each is given as (field, value).

    Raises:
        ValueError: neither limit is set, or the lower one is above the upper one.
    """
    (low_name, lower), (high_name, upper) = low, high
    if lower is None and upper is None:
        raise ValueError(f"`{kind}` needs `{low_name}`, `{high_name}` or both")
    if lower is None or upper is None or isinstance(lower, str) != isinstance(upper, str):
        return  # a number and a time: `misfit` names the one that does not suit the column
    if _place(lower) > _place(upper):
        raise ValueError(f"`{low_name}` ({lower}) is above `{high_name}` ({upper})")


def misfit(column: str, schema: Schema, bounds: Iterable[Bound | None]) -> str | None:
    """Return why these limits don't suit the column's type: times for times, numbers for numbers, else none."""
    logical = schema[column].type
    if logical not in ("integer", "number", "timestamp"):
        return f"`between` compares numbers and times, but {column} is of type {logical}"
    timed = logical == "timestamp"
    for bound in bounds:
        if bound is not None and isinstance(bound, str) != timed:
            return f"the limits of the {logical} column {column} are {'times' if timed else 'numbers'}, not {bound!r}"
    return None


def compiled(bound: Bound | None) -> Any:
    """Return a limit as Great Expectations compares it: a number as it is, a time as `pd.Timestamp` in UTC."""
    if not isinstance(bound, str):
        return bound
    import pandas as pd

    return pd.Timestamp(_utc(datetime.fromisoformat(bound)))


def in_words(low: object, high: object, *, strict_low: bool = False, strict_high: bool = False) -> str:
    """Return `between 0 and 9`, `at least 0`, `below 9` ..., for titles."""
    if low is not None and high is not None and not (strict_low or strict_high):
        return f"between {low} and {high}"
    parts = [] if low is None else [f"{'above' if strict_low else 'at least'} {low}"]
    parts += [] if high is None else [f"{'below' if strict_high else 'at most'} {high}"]
    return " and ".join(parts)


def _place(bound: Bound) -> float:
    return _utc(datetime.fromisoformat(bound)).timestamp() if isinstance(bound, str) else bound


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
