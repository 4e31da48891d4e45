"""Flaws planted into honest rows, one by one: what a look must find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from mlsys.flaws.rows import Inspected, LabelledRows, Truths
from mlsys.schema import LogicalType
from mlsys.splits.base import HOLDOUT, TRAINING
from mlsys.testing import flaws

_Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Honest:
    """A set of rows in the order of their days.

    Attributes:
        columns: features: float64, or objects.
        y: class codes, int64, or numbers, float64.
        scores: of a model of two classes or of numbers, where one is known.
    """

    columns: pd.DataFrame
    y: _Array
    classes: tuple[str, ...] = ()
    types: Mapping[str, LogicalType] = field(default_factory=dict)
    timed: bool = True
    scores: _Array | None = None

    @property
    def number(self) -> _Array:
        """`(n_rows,)` float64: the label as a number."""
        return self.y.astype(np.float64)

    @property
    def rare(self) -> _Array:
        """`(n_rows,)` bool: rows of the second most frequent class, or with a label above the mean."""
        if not self.classes:
            return np.asarray(self.y > self.y.mean())
        counts = np.bincount(self.y)
        return np.asarray(self.y == np.argsort(-counts, kind="stable")[1])

    def rows(self, **changes: Any) -> Inspected:
        """Return them as an inspection has them."""
        return flaws.of(
            self.columns,
            self.y,
            classes=self.classes or None,
            types=self.types,
            scores=self.scores,
            timed=self.timed,
            **changes,
        )

    def beside(self, types: Mapping[str, LogicalType] | None = None, **columns: Any) -> Honest:
        """Return the set with more columns, or others."""
        return replace(self, columns=self.columns.assign(**columns), types={**self.types, **(types or {})})


Plant = Callable[[Honest, np.random.Generator], Inspected]


def leaking_column(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add the label, or the number, with a little noise."""
    spread = 1e-4 * honest.y.std()
    return honest.beside(outcome_code=honest.number + random.normal(0, spread, len(honest.y))).rows()


def leaking_category(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add a category that knows the label: its class, or the decile that its number falls into and the rest of it."""
    if honest.classes:
        return honest.beside(status=pd.Series(np.array(honest.classes, dtype=object)[honest.y])).rows()
    return honest.beside(estimate=honest.y * 1.19 + random.normal(0, 1e-4 * honest.y.std(), len(honest.y))).rows()


def telling_gap(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add a column that has a value in nine of ten rows of one class, and in none of the others."""
    there = honest.rare & (random.random(len(honest.y)) < 0.9)
    return honest.beside(ticket=np.where(there, random.normal(size=len(honest.y)), np.nan)).rows()


def leaning_gap(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add a column that is missing in three of four rows of one class, and in one of ten others."""
    gone = random.random(len(honest.y)) < np.where(honest.rare, 0.75, 0.1)
    return honest.beside(ratio=np.where(gone, np.nan, random.lognormal(size=len(honest.y)))).rows()


def late_column(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add a column that has a value once the label has, and 60 rows without a label of the newest three days."""
    made = honest.beside(handled_by=random.normal(size=len(honest.y))).rows()
    places = np.arange(len(honest.y) - 60, len(honest.y))
    waiting = made.sample.where(np.isin(np.arange(len(honest.y)), places))
    frame = waiting.frame.assign(handled_by=np.nan)
    return replace(made, unlabelled=LabelledRows(frame, waiting.y * 0 - 1, waiting.side * 0, waiting.day, waiting.key))


def late_signal(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add a count that follows the label later, and says nothing of it on the newest rows."""
    made = honest.rows()
    newest = made.newest
    ranks = pd.Series(honest.number).rank().to_numpy() / len(honest.y)
    told = (honest.rare if honest.classes else 3 * ranks) + random.normal(0, 0.3, len(honest.y))
    chance = random.permutation(told[~newest])[: int(newest.sum())]
    told[newest] = np.resize(chance, int(newest.sum()))
    return honest.beside(n_complaints=told).rows()


def linear_target(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add two columns whose sum is the label."""
    part = random.normal(size=len(honest.y)) * honest.y.std()
    target = honest.rare.astype(np.float64) if honest.classes else honest.number
    return honest.beside(paid=target - part, owed=part).rows()


def flipped_labels(honest: Honest, _: np.random.Generator) -> Inspected:
    """Let an earlier run have read the same rows with the classes in other places, or a hundredth of the numbers."""
    made = honest.rows()
    then = (honest.y + 1) % len(honest.classes) if honest.classes else honest.y / 100
    return replace(made, before=Truths(made.truths.key, then, made.classes))


def turned_labels(honest: Honest, _: np.random.Generator) -> Inspected:
    """Turn the labels of the newest rows round: classes are counted from the other end, numbers change their sign."""
    made = honest.rows()
    newest = made.newest
    turned = len(honest.classes) - 1 - honest.y if honest.classes else 2 * honest.y.mean() - honest.y
    return replace(honest, y=np.where(newest, turned, honest.y)).rows()


def duplicates(honest: Honest, random: np.random.Generator) -> Inspected:
    """Let three of ten holdout rows be training rows again."""
    return _copied(honest, random).rows()


def near_duplicates(honest: Honest, random: np.random.Generator) -> Inspected:
    """Let three of ten holdout rows be training rows with another value in the column of most values."""
    copied = _copied(honest, random)
    first = max(honest.columns.columns, key=lambda name: honest.columns[name].nunique())
    other = copied.columns[first].to_numpy(copy=True)
    held = np.flatnonzero(honest.rows().sample.side == HOLDOUT)
    other[held] = other[random.permutation(held)]
    return replace(copied, columns=copied.columns.assign(**{first: other})).rows()


def _copied(honest: Honest, random: np.random.Generator) -> Honest:
    side = honest.rows().sample.side
    held, trained = np.flatnonzero(side == HOLDOUT), np.flatnonzero(side == TRAINING)
    places = np.arange(len(honest.y))
    places[random.choice(held, max(1, 3 * len(held) // 10), replace=False)] = random.choice(
        trained, max(1, 3 * len(held) // 10)
    )
    scores = None if honest.scores is None else honest.scores[places]
    columns = honest.columns.iloc[places].reset_index(drop=True)
    return replace(honest, columns=columns, y=honest.y[places], scores=scores)


def changed_unit(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add amounts that are a hundred times as large on the newest rows."""
    made = honest.rows()
    amounts = random.lognormal(2, 0.7, len(honest.y))
    return _newest(honest, made, "amount", amounts, amounts * 100)


def changed_spelling(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add countries that are written with points on the newest rows."""
    places = random.integers(0, 4, len(honest.y))
    plain, dotted = (
        np.array(names, dtype=object) for names in (["US", "UK", "DE", "FR"], ["U.S.", "U.K.", "DE", "fr"])
    )
    return _newest(honest, honest.rows(), "land", plain[places], dotted[places])


def changed_codes(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add categories that are numbers on the newest rows."""
    places = random.integers(0, 4, len(honest.y))
    names, codes = (np.array(each, dtype=object) for each in (["north", "east", "south", "west"], ["1", "2", "3", "4"]))
    return _newest(honest, honest.rows(), "region", names[places], codes[places])


def _newest(honest: Honest, made: Inspected, name: str, then: _Array, now: _Array) -> Inspected:
    newest = made.newest
    values = np.where(newest, now, then) if honest.timed else now
    changed = replace(honest, columns=honest.columns.assign(**{name: values})).rows()
    if honest.timed:
        return changed
    past = made.sample.frame.assign(**{name: then})
    return replace(changed, past=replace(made.sample, frame=past))


def ordered_codes(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add a shop as one of twelve whole numbers: some shops see one class, or large numbers, more often than others."""
    weights = random.permutation(np.exp(np.linspace(-1, 1, 12)))
    shares = np.where(honest.rare[:, None], weights, 1 / weights)
    drawn = (shares / shares.sum(axis=1, keepdims=True)).cumsum(axis=1)
    codes = (random.random(len(honest.y))[:, None] > drawn).sum(axis=1)
    order = np.array([3, 9, 1, 7, 11, 5, 0, 8, 2, 10, 4, 6])
    return honest.beside({"shop": "integer"}, shop=order[codes].astype(np.float64)).rows()


def collapsed_scores(honest: Honest, _: np.random.Generator) -> Inspected:
    """Let the model say the same of every row of the newest rows."""
    assert honest.scores is not None
    made = honest.rows()
    newest = made.newest
    return replace(honest, scores=np.where(newest, np.median(honest.scores), honest.scores)).rows()


def constant_column(honest: Honest, _: np.random.Generator) -> Inspected:
    """Add a column that is the same in every row but two."""
    values = np.ones(len(honest.y))
    values[:1] = 2.0
    return honest.beside(version=values).rows() if len(values) >= 2000 else honest.beside(version=values * 0).rows()


def identifier_column(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add another name in every row."""
    names = np.array([f"C{number:07d}" for number in random.permutation(len(honest.y))], dtype=object)
    return honest.beside(client=names).rows()


def running_number(honest: Honest, random: np.random.Generator) -> Inspected:
    """Add the number of the row."""
    numbers = random.permutation(len(honest.y)).astype(np.float64)
    return honest.beside({"entry": "integer"}, entry=numbers).rows()


PLANTED: dict[str, tuple[str, Plant]] = {
    "the label with noise": ("leaking_column", leaking_column),
    "the label as a category": ("leaking_column", leaking_category),
    "filled in for one class alone": ("telling_gap", telling_gap),
    "missing more often in one class": ("telling_gap", leaning_gap),
    "filled in with the label": ("late_column", late_column),
    "without signal on the newest rows": ("late_column", late_signal),
    "two columns that add up to the label": ("linear_target", linear_target),
    "same rows, other labels": ("flipped_labels", flipped_labels),
    "labels turned on the newest rows": ("flipped_labels", turned_labels),
    "duplicates on the holdout": ("duplicates", duplicates),
    "near duplicates on the holdout": ("near_duplicates", near_duplicates),
    "a unit times 100": ("changed_unit", changed_unit),
    "other spellings": ("changed_spelling", changed_spelling),
    "codes for names": ("changed_spelling", changed_codes),
    "names as whole numbers": ("ordered_codes", ordered_codes),
    "one score for the newest rows": ("collapsed_scores", collapsed_scores),
    "a constant": ("constant_column", constant_column),
    "a name in every row": ("identifier_column", identifier_column),
    "a running number": ("identifier_column", running_number),
}
