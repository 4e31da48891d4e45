"""Scores that collapse: rows that got many different ones get few, as when inputs stopped coming."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import Answers, Inspected
from mlsys.records.inspection import FlawFound

if TYPE_CHECKING:
    import numpy as np

_LEAST_ROWS, _LEAST_SCORES = 50, 20
_CONSTANT = 3  # different scores of a model that says nothing


class CollapsedScores(Flaw):
    """The challenger gives the newest holdout rows far fewer different scores than as many other rows.

    The newest day is held against the other holdout days, the holdout against the validation rows, and a challenger
    with three scores or fewer against the champion.

    Attributes:
        share: of the different scores of as many other rows, below which it is shown.
    """

    kind: Literal["collapsed_scores"] = "collapsed_scores"
    share: float = Field(default=0.1, gt=0, lt=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield at most one finding."""
        if rows.challenger is None:
            return
        for what, few, many in _pairs(rows, rows.challenger):
            n = min(len(few), len(many))
            if n < _LEAST_ROWS:
                continue
            counts = _n_distinct(few, n), _n_distinct(many, n)
            share = counts[0] / counts[1]
            if counts[1] < _LEAST_SCORES or share >= self.share:
                continue
            scores = "score" if counts[0] == 1 else "different scores"
            sentence = (
                f"The challenger's scores collapse: {counts[0]:,} {scores} for {n:,} {what[0]}, where {what[1]} have"
                f" {counts[1]:,}. Have columns stopped coming? See the missing and changed columns beside this."
            )
            yield self.found(
                sentence,
                certain=True,
                observed=share,
                observed_as="share of different scores",
                limit=self.share,
            )
            return


def _pairs(rows: Inspected, model: Answers) -> Iterator[tuple[tuple[str, str], np.ndarray, np.ndarray]]:
    held = model.holdout.answers
    if rows.timed and len(rows.holdout_day):
        newest = rows.holdout_day == rows.holdout_day.max()
        yield ("rows of the newest day", "as many of earlier holdout days"), held[newest], held[~newest]
    if model.validation is not None:
        yield ("holdout rows", "as many validation rows"), held, model.validation.answers
    if rows.champion is not None and _n_distinct(held, len(held)) <= _CONSTANT:
        yield ("holdout rows", "the champion's"), held, rows.champion.holdout.answers


def _n_distinct(answers: np.ndarray, n: int) -> int:
    """Return how many different scores the evenly spaced `n` rows have; of several classes their most varied one."""
    import numpy as np

    places = np.linspace(0, len(answers) - 1, n).astype(np.int64)
    return max(len(np.unique(column)) for column in np.atleast_2d(answers[places].T))
