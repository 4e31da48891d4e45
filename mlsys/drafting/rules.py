"""Checks of a draft: what held in all rows so far, with slack.

What would stop a run is kept to what no right row can break; all else is a warning until a person says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlsys.drafting.choices import Lines
from mlsys.drafting.declaring import Column
from mlsys.drafting.draft import Draft
from mlsys.drafting.roles import Roles
from mlsys.drafting.target import TargetFound
from mlsys.drafting.yaml_text import Flow, nice, writable
from mlsys.schema import LARGEST

MOST_RULES = 200  # Great Expectations looks at each; a wide table's further ones are left to its owner
_MOST_VALUES, _ROWS_PER_VALUE = 20, 10
# Ends of numbers whose meaning the name says, whatever part of a year has been seen.
_CALENDAR: dict[str, tuple[int, int]] = {
    "month": (1, 12),
    "day": (1, 31),
    "day_of_month": (1, 31),
    "week": (1, 53),
    "hour": (0, 24),
    "minute": (0, 60),
    "second": (0, 60),
    "weekday": (0, 7),
    "day_of_week": (0, 7),
    "dayofweek": (0, 7),
    "latitude": (-90, 90),
    "lat": (-90, 90),
    "longitude": (-180, 180),
    "lon": (-180, 180),
    "lng": (-180, 180),
}
_LEAST_ROWS = 100  # fewer say little about what may come


def rules(draft: Draft) -> Lines:
    """Return the rules of `checks`, each with a comment."""
    columns, features, n_rows = draft.columns, draft.features, draft.table.n_rows
    sure = [*_sure(draft.roles, draft.target, n_rows), *_volume(draft)]
    guessed = []
    if n_rows >= _LEAST_ROWS:
        guessed = [rule for name in features for rule in _of_values(columns[name])]
    return (sure + guessed)[:MOST_RULES]


def n_possible(draft: Draft) -> int:
    """Return how many rules there would be about features without a limit."""
    return sum(len(list(_of_values(draft.columns[name]))) for name in draft.features)


def _sure(roles: Roles, target: TargetFound, n_rows: int) -> Iterator[tuple[Flow, str]]:
    for name in roles.key:
        yield (
            Flow({"kind": "not_null", "column": name}),
            "" if name != roles.key[0] else "a row without a key is set aside",
        )
    if roles.key:
        yield Flow({"kind": "unique_key", "max_share": 0.001 if n_rows > 1000 else 0.0}), ""
    if target.counts:
        names = list(target.counts)
        kind = target.column.type
        if kind != "boolean":
            values: list[Any] = [_number(name) for name in names] if target.column.numeric else names
            known = {"kind": "in_set", "column": target.column.name, "values": values}
            if target.positive:
                yield Flow(known), "another class would be a mistake"
            else:
                yield Flow({**known, "severity": "warning"}), "a class that is new is said, and learnt all the same"


def _volume(draft: Draft) -> Iterator[tuple[Flow, str]]:
    if not draft.timed:
        n_rows = draft.table.n_rows
        yield (
            Flow({"kind": "row_count", "min_rows": max(1, n_rows // 2)}),
            f"{n_rows:,} now: half as many would be half a table",
        )
        return
    counts = sorted(draft.rows_by_day.values())
    if len(counts) < 7:
        return
    usual, least, most = counts[len(counts) // 2], counts[0], counts[-1]
    if least >= 4:
        yield (
            Flow(
                {
                    "kind": "row_count",
                    "min_rows": least // 2,
                    "max_rows": nice(most * 3, up=True),
                    "severity": "warning",
                }
            ),
            f"a day: {least:,} to {most:,} so far, mostly about {usual:,}",
        )


def _of_values(column: Column) -> Iterator[tuple[Flow, str]]:
    if column.numeric and column.low is not None and column.high is not None and column.n_distinct > 1:
        yield _range(column)
    values = column.profile.values
    if column.type == "category" and values is not None:
        kept = sorted(text for text in values if text not in column.spec.nulls)
        kept += sorted(text for text in column.profile.nullish if text not in column.spec.nulls)
        if all(map(writable, kept)) and 1 < len(kept) <= min(_MOST_VALUES, column.profile.n_known // _ROWS_PER_VALUE):
            yield _warning({"kind": "in_set", "column": column.name, "values": kept}), ""
    if not column.profile.n_missing and not column.n_bad:
        yield _warning({"kind": "not_null", "column": column.name}), ""


def _range(column: Column) -> tuple[Flow, str]:
    low, high = column.low or 0, column.high or 0
    limits: dict[str, Any] = {}
    known = _CALENDAR.get(column.name.lower())
    if known is not None and known[0] <= low and high <= known[1]:
        kept = {"min": known[0], "max": known[1]}
    elif not (column.type == "number" and low >= 0 and high <= 1):
        span = high - low
        # Nothing negative so far: then the sign itself means something.
        limits["min"] = 0 if low >= 0 else nice(low - span, up=False)
        limits["max"] = nice(high + span, up=True)
        kept = {name: limit for name, limit in limits.items() if abs(limit) < min(LARGEST, 2**62)}
    else:
        kept = {"min": 0, "max": 1}
    if not kept:
        return _warning({"kind": "of_type", "column": column.name}), ""
    return _warning({"kind": "between", "column": column.name, **kept}), f"so far {_short(low)} to {_short(high)}"


def _warning(rule: dict[str, Any]) -> Flow:
    return Flow({**rule, "severity": "warning"})


def _number(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _short(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"
