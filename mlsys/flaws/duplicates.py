"""Holdout rows that models were fitted on all the same: value for value, or in all columns but one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.flaws.association import rank_correlation
from mlsys.flaws.base import Flaw
from mlsys.flaws.digests import Digests
from mlsys.flaws.rows import LEAST_ROWS, Answers, Inspected
from mlsys.records.inspection import FlawFound
from mlsys.splits.base import HOLDOUT, TRAINING
from mlsys.wording import number

if TYPE_CHECKING:
    import numpy as np

_LEAST_HELD = 30
_BEYOND_CHANCE = 10  # times what columns that have nothing to do with each other give
_SAME_LABEL = 0.5  # of the agreement that is possible beyond chance
_FEW, _MOSTLY = 3, 0.8  # rows of a rare value, and the share of different values where most occur once
_NEVER_BITS, _ROUGH_BITS = 32.0, 6.0
_MOST_ROWS = 100_000  # training rows, and a tenth of them on the holdout, that are looked at for near duplicates


class Duplicates(Flaw):
    """Rows of the holdout are training rows again, under another key.

    Columns of few values repeat by themselves. So there must be ten times as many as columns that have nothing to do
    with each other would give, and the twins must agree in their label, beyond chance (Cohen, Educational and
    Psychological Measurement 20, 1960). The finding says what the challenger is worth on the other rows.

    Attributes:
        share: of the holdout rows, from here on it is shown.
    """

    kind: Literal["duplicates"] = "duplicates"
    share: float = Field(default=0.02, gt=0, le=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield one finding where too many rows stand on both sides."""
        import numpy as np

        held = rows.digests.side == HOLDOUT
        n_held, n_training = int(held.sum()), int((rows.digests.side == TRAINING).sum())
        if n_held < _LEAST_HELD or n_training < LEAST_ROWS:
            return
        twins = _twins(rows)
        share = float(twins.mean())
        if share < self.share:
            return
        first = _first(rows.digests.exact, np.flatnonzero(held)[twins], np.flatnonzero(rows.digests.side == TRAINING))
        then, now = rows.truths.y[first], rows.truths.y[held][twins]
        alike = _agreement(rows, then, now) if rows.classes else float(np.isclose(then, now, rtol=1e-9, atol=0).mean())
        if alike < _SAME_LABEL:
            return
        chance = 1 - float(np.exp(-n_training * 2.0 ** -sum(rows.digests.bits.values())))
        if share < _BEYOND_CHANCE * chance:
            return
        sentence = (
            f"{int(twins.sum()):,} of {n_held:,} holdout rows ({100 * share:.3g} %) stand among the training rows too,"
            f" value for value in all features. {_without(rows.challenger, twins)}"
        )
        yield self.found(sentence, certain=True, observed=share, observed_as="share of the holdout", limit=self.share)


class NearDuplicates(Flaw):
    """Rows of the holdout are training rows with one other value; numbers may differ by a hundredth of their spread.

    As for duplicates there must be ten times as many as chance gives, and the twins must agree in their label, or go
    together in their numbers.

    Attributes:
        share: of the holdout rows, from here on it is shown; those that are duplicates in all columns don't count.
    """

    kind: Literal["near_duplicates"] = "near_duplicates"
    share: float = Field(default=0.05, gt=0, le=1)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield one finding where too many rows are almost alike on both sides."""
        import numpy as np

        held, trained = (np.flatnonzero(rows.digests.side == side) for side in (HOLDOUT, TRAINING))
        if len(held) < _LEAST_HELD or len(trained) < LEAST_ROWS:
            return
        held, trained = _some(held, _MOST_ROWS // 10), _some(trained, _MOST_ROWS)
        near, twin, columns = _near(rows.digests, held, trained, chance=self.share / _BEYOND_CHANCE)
        near &= ~np.isin(rows.digests.exact[held], rows.digests.exact[trained])
        share = float(near.mean())
        if share < self.share or _agreement(rows, rows.truths.y[twin[near]], rows.truths.y[held[near]]) < _SAME_LABEL:
            return
        often = f" (most often in '{columns[0]}')" if columns else ""
        inside = np.zeros(rows.digests.table.num_rows, dtype=bool)
        inside[held[near]] = True
        whole = inside[rows.digests.side == HOLDOUT]
        sentence = (
            f"{int(near.sum()):,} of {len(held):,} holdout rows ({100 * share:.3g} %) are a training row with at most"
            f" one other value{often}. {_without(rows.challenger, whole)}"
            " If they are the same thing seen again, name what it is in `split: {kind: group, ...}`."
        )
        yield self.found(sentence, certain=True, observed=share, observed_as="share of the holdout", limit=self.share)


def _twins(rows: Inspected) -> np.ndarray:
    import numpy as np

    digest, side = rows.digests.exact, rows.digests.side
    found: np.ndarray = np.isin(digest[side == HOLDOUT], digest[side == TRAINING])
    return found


def _agreement(rows: Inspected, then: np.ndarray, now: np.ndarray) -> float:
    """Return how far twins on both sides agree in their label: 1 always, 0 as often as any two rows.

    Of classes that is Cohen's kappa, of numbers the rank correlation.
    """
    import numpy as np

    if not rows.classes:
        return rank_correlation(then, now)
    shares = [np.bincount(part, minlength=len(rows.classes)) / len(part) for part in (then, now)]
    chance = float((shares[0] * shares[1]).sum())
    return 1.0 if chance == 1 else (float((then == now).mean()) - chance) / (1 - chance)


def _first(digest: np.ndarray, held: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Return the place of a training row with the same digest for each holdout row, or of any where there is none."""
    import numpy as np

    order = trained[np.argsort(digest[trained], kind="stable")]
    places = np.searchsorted(digest[order], digest[held])
    return np.asarray(order[np.minimum(places, len(order) - 1)])


def _near(
    digests: Digests, held: np.ndarray, trained: np.ndarray, *, chance: float
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return which holdout rows are a training row in all columns but one, or roughly in all, and which row that is.

    Beside them the columns that differ, the most frequent first. A row counts where its other values are so rare that
    chance gives less than `chance` training rows with all of them.
    """
    import numpy as np

    bits = {name: _bits(each[held], each[trained]) for name, each in digests.by_column.items()}
    total = np.sum(list(bits.values()), axis=0)
    parts = [(name, total - bits[name], digests.exact - each) for name, each in digests.by_column.items()]
    roughly = np.sum([np.minimum(each, _ROUGH_BITS) for each in bits.values()], axis=0)
    counts, twin = dict[str, int](), np.full(len(held), -1)
    for name, known, digest in [*parts, ("", roughly, digests.rough)]:
        first = _first(digest, held, trained)
        alike = (digest[first] == digest[held]) & (len(trained) * 2.0**-known <= chance)
        counts[name] = int(alike.sum())
        twin = np.where(alike & (twin < 0), first, twin)
    often = sorted((name for name, n in counts.items() if n and name), key=lambda name: -counts[name])
    return twin >= 0, twin, often


def _bits(held: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Return how rare the values of holdout rows are: minus the binary logarithm of their share of the training rows.

    Rare values of a column in which most values occur once are as good as never met by chance.
    """
    import numpy as np

    ordered = np.sort(trained)
    counts = np.searchsorted(ordered, held, side="right") - np.searchsorted(ordered, held, side="left")
    bits = np.log2(len(trained) / np.maximum(counts, 1))
    once = np.diff(ordered, prepend=ordered[:1] - np.uint64(1)) > 0
    most = np.unique(ordered, return_counts=True)[1].max()
    different = (once.sum() - 1) / max(len(ordered) - most, 1)  # of the values that are not the most frequent one
    return np.where((counts <= _FEW) & (different >= _MOSTLY), _NEVER_BITS, bits)


def _some(places: np.ndarray, most: int) -> np.ndarray:
    import numpy as np

    if len(places) <= most:
        return places
    found: np.ndarray = np.sort(np.random.default_rng(0).choice(places, most, replace=False))
    return found


def _without(answers: Answers | None, twins: np.ndarray) -> str:
    """Return in words what the challenger is worth with and without some holdout rows."""
    if answers is None or twins.all():
        return "No other rows are left to judge by." if twins.all() else ""
    whole, others = answers.measure(answers.holdout), answers.measure(answers.holdout.where(~twins))
    if whole is None or others is None:
        return f"Without them {answers.metric} is undefined."
    return f"The challenger's {answers.metric} is {number(whole)} with them and {number(others, whole)} without."
