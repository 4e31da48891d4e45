"""Rows out of a request's JSON, and what is wrong with them in words that name column, value and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlsys.errors import nearest, shortened
from mlsys.schema import ColumnSpec
from mlsys.server.refusals import MOST_PROBLEMS, RefusedRequestError, refused
from mlsys.serving.column_rows import ColumnRows

GivenRow = Mapping[str, Any]

_PLAIN: frozenset[type] = frozenset({str, int, float, bool, type(None)})
_NO_FLAGS: frozenset[type] = _PLAIN - {bool}
_ALLOWED = {
    "integer": "a whole number or null",
    "number": "a number or null",
    "boolean": "true, false or null",
    "text": "a text or null",
    "category": "a text or null",
    "timestamp": "a time such as 2026-03-09T12:00:00Z, or null",
}


def allowed(column: ColumnSpec) -> str:
    """Return in words which values a column takes."""
    return _ALLOWED[column.type]


def given_rows(body: Any, features: Mapping[str, ColumnSpec], *, most: int) -> list[dict[str, Any]]:
    """Return the rows of `{"rows": [{column: value}, ...]}`, or the one of `{column: value}`, as they were given.

    Raises:
        RefusedRequestError: 422 where the body is neither; 413 with more rows than `most`.
    """
    if not isinstance(body, dict):
        raise refused(422, "The body is no JSON object", allowed="an object of columns, or `rows` with several")
    if "rows" not in body or "rows" in features:
        return [body]
    rows = body["rows"]
    if not isinstance(rows, list) or not rows or not all(type(row) is dict for row in rows):
        raise refused(422, "`rows` is no list of rows", column="rows", allowed=f"1 to {most:,} objects of columns")
    if len(rows) > most:
        raise refused(413, f"{len(rows):,} rows are too many for one request", allowed=f"at most {most:,} rows")
    return rows


def feature_rows(given: Sequence[GivenRow], features: Mapping[str, ColumnSpec]) -> ColumnRows:
    """Return what the model reads of rows, in its order; columns that are no features are left out.

    A feature that is missing has to be given as null.

    Raises:
        RefusedRequestError: 422, with every problem found, at most ten.
    """
    try:
        rows = ColumnRows.of(given, features)
    except KeyError:
        raise RefusedRequestError(422, _first(_missing(given, features))) from None
    if all(_kinds(column).issuperset(map(type, rows.columns[name])) for name, column in features.items()):
        return rows
    raise RefusedRequestError(422, _first(_nested(rows, features)))


def _kinds(column: ColumnSpec) -> frozenset[type]:
    """Return what a value may be. A lone true would pass for a 1, and beside numbers it would not."""
    return _NO_FLAGS if column.type in ("integer", "number") else _PLAIN


def _first(problems: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [problem for problem, _ in zip(problems, range(MOST_PROBLEMS), strict=False)]


def _missing(given: Sequence[GivenRow], features: Mapping[str, ColumnSpec]) -> Iterator[dict[str, Any]]:
    for place, row in enumerate(given):
        others = [name for name in row if name not in features]
        for name, column in features.items():
            if name not in row:
                close = nearest(name, others)
                meant = f"; there is '{close[:120]}'" if close else ""
                yield problem(place, name, f"The column is missing{meant}", column)


def _nested(rows: Sequence[GivenRow], features: Mapping[str, ColumnSpec]) -> Iterator[dict[str, Any]]:
    for place, row in enumerate(rows):
        for name, value in row.items():
            if type(value) not in _kinds(features[name]):
                kinds: Mapping[type, str] = {list: "A list", dict: "A mapping"}
                kind = kinds.get(type(value))
                what = f"{kind} is no value of a column" if kind else "True and false are no numbers"
                yield problem(place, name, what, features[name]) | {"value": shortened(value)}


def problem(row: int, column: str, what: str, spec: ColumnSpec) -> dict[str, Any]:
    """Return a problem of one value."""
    return {"row": row, "column": column, "problem": what, "allowed": allowed(spec)}
