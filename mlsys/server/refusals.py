"""A request that can't be answered: its status, and every problem found, in words that name what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_PROBLEMS = 10


class RefusedRequestError(Exception):
    """A request that can't be answered: an HTTP status, and one problem or several, each a JSON object.

    Args:
        status: of HTTP.
        problems: each with `problem`, a sentence, and as far as they are known `row`, `column`, `value` and `allowed`;
            the first ten are told.
    """

    def __init__(self, status: int, problems: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(str(problems[0].get("problem")))
        self.status = status
        self.problems = list(problems[:MOST_PROBLEMS])


def refused(status: int, problem: str, **more: Any) -> RefusedRequestError:
    """Return the refusal of a request with one problem."""
    return RefusedRequestError(status, [{"problem": problem, **more}])
