"""Rows out of a request's JSON, and what is wrong with them in words that name column, value and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlsys.schema import ColumnSpec


class RefusedRequestError(Exception):
    """A request that can't be answered: an HTTP status, and one problem or several, each a JSON object."""

    def __init__(self, status: int, problems: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(str(problems[0].get("problem")))
        self.status = status
        self.problems = list(problems)


def rows_of(body: Any, features: Mapping[str, ColumnSpec], *, most: int) -> list[dict[str, Any]]:
    """Return the rows of `{"rows": [{column: value}, ...]}`, or the one of `{column: value}`.

    Columns that are no features are left out. A feature that is missing has to be given as null.

    Raises:
        RefusedRequestError: 422, with every problem found, at most ten.
    """
    if not isinstance(body, dict):
        raise RefusedRequestError(422, [{"problem": "The body is no JSON object", "allowed": "an object of columns"}])
    rows = body.get("rows", [body]) if "rows" not in features else [body]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or not 1 <= len(rows) <= most:
        raise RefusedRequestError(422, [{"problem": "`rows` is no list of rows", "allowed": f"1 to {most} objects"}])
    missing = [
        {"row": i, "column": name, "problem": "The column is missing", "allowed": column.type + " or null"}
        for i, row in enumerate(rows)
        for name, column in features.items()
        if name not in row
    ]
    if missing:
        raise RefusedRequestError(422, missing[:10])
    return [{name: row[name] for name in features} for row in rows]
