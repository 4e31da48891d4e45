"""Categories that are spelt in another way than before: `US`, `us` and `U.S.` are three of them to a model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import Inspected, LabelledRows
from mlsys.records.inspection import FlawFound

if TYPE_CHECKING:
    import pandas as pd

_LEAST_ROWS = 50
_REPEATED = 5  # rows of a value, on average: columns of fewer bring new values every day
_MOST_CODES = 30  # different whole numbers that may be codes
_CERTAIN = 0.5
_UNSEEN, _LEAST_NEW = 0.5, 2  # share of the newest rows whose value no older row has, and different such values
_EARLIER, _USUALLY_NEW = 0.8, 0.1  # of the older rows; share of new values from which on new ones are no news


class ChangedSpelling(Flaw):
    """The newest rows' categories are older ones in other letters, or hardly one of them was there before.

    Two spellings are one where they agree in letters and digits, small or large. Without times it is told against the
    rows of the run that made the champion.

    Attributes:
        share: of the newest rows whose value is an older one in another spelling, from here on it is shown.
    """

    kind: Literal["changed_spelling"] = "changed_spelling"
    share: float = Field(default=0.05, gt=0, le=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield the columns whose categories are spelt otherwise."""
        if rows.change is None:
            return
        old, new = rows.change
        when = "the newest" if rows.timed else "this reading's"
        for column in rows.columns():
            if column.numbers is not None and not (column.type == "integer" and column.n_distinct <= _MOST_CODES):
                continue
            then, now = (part.frame[column.name].dropna().value_counts() for part in (old, new))
            n_then, n_now = int(then.sum()), int(now.sum())
            if min(n_then, n_now) < _LEAST_ROWS or n_then < _REPEATED * len(then):
                continue
            found = self._found(
                column.name, then, now, when, usual_new=_usually_new(old, column.name, timed=rows.timed)
            )
            if found is not None:
                yield found

    def _found(self, name: str, then: pd.Series, now: pd.Series, when: str, *, usual_new: float) -> FlawFound | None:
        n_now, known = int(now.sum()), set(then.index)
        fresh = {value: int(n) for value, n in now.items() if value not in known}
        usual: dict[str, object] = {}
        for value in then.index:  # the most frequent first
            usual.setdefault(_plain(value), value)
        respelt = {value: n for value, n in fresh.items() if _plain(value) in usual}
        share, unseen = sum(respelt.values()) / n_now, sum(fresh.values()) / n_now
        if share >= self.share:
            some = sorted(respelt, key=lambda value: (-respelt[value], str(value)))[:3]
            pairs = ", ".join(f"'{value}' for '{usual[_plain(value)]}'" for value in some)
            sentence = (
                f"Column '{name}' is spelt otherwise in {when} rows: {pairs}; {100 * share:.3g} % of {n_now:,}"
                " values. To a model these are new categories: spell them alike where the column is made."
            )
            return self.found(
                sentence,
                certain=share >= _CERTAIN,
                column=name,
                observed=share,
                observed_as="share spelt otherwise",
                limit=self.share,
            )
        if unseen < _UNSEEN or len(fresh) < _LEAST_NEW or usual_new > _USUALLY_NEW:
            return None
        some = sorted(fresh, key=lambda value: (-fresh[value], str(value)))[:3]
        sentence = (
            f"{100 * unseen:.3g} % of {when} {n_now:,} values of '{name}' were never there before:"
            f" {', '.join(repr(_shown(value)) for value in some)}. Has its encoding changed?"
        )
        return self.found(sentence, column=name, observed=unseen, observed_as="share of new values", limit=_UNSEEN)


def _usually_new(old: LabelledRows, name: str, *, timed: bool) -> float:
    """Return which share of the last fifth of older rows has a value that was not there before: of days, or models."""
    import numpy as np

    if not timed:
        return 0.0
    late = old.day > np.sort(old.day)[int(_EARLIER * (len(old.day) - 1))]
    values = old.frame[name]
    known = values[late].dropna()
    return float((~known.isin(values[~late].dropna().unique())).mean()) if len(known) else 0.0


def _plain(value: object) -> str:
    """Return the letters and digits of a spelling, all small; what has none is itself."""
    text = str(value).casefold()
    return re.sub(r"[\W_]+", "", text) or text


def _shown(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value
