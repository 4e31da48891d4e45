"""Holdout rows that models were fitted on all the same: value for value, or in all columns but one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mlsys.flaws.base import Flaw
from mlsys.flaws.digests import Digests
from mlsys.flaws.rows import LEAST_ROWS, Answers, Inspected
from mlsys.records.inspection import Finding
from mlsys.splits.base import HOLDOUT, TRAINING
from mlsys.wording import number

if TYPE_CHECKING:
    import numpy as np

_BEYOND_CHANCE = 10  # times what columns that have nothing to do with each other give
_SAME_LABEL = 0.5  # of the agreement that is possible beyond chance
_MOST_ROWS = 100_000  # training rows, and a tenth of them on the holdout, that are looked at for near duplicates
_TIED = 0.6  # of the bits of all columns: they have something to do with each other
_BY_CHANCE = 0.01  # such rows per holdout row that chance may give at most


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

    def look(self, rows: Inspected) -> Iterator[Finding]:
        """Yield one finding where too many rows stand on both sides."""
        import numpy as np

        held = rows.digests.side == HOLDOUT
        n_held, n_training = int(held.sum()), int((rows.digests.side == TRAINING).sum())
        if min(n_held, n_training) < LEAST_ROWS:
            return
        twins = _twins(rows)
        share = float(twins.mean())
        if share < self.share:
            return
        if _agreement(rows, twins) < _SAME_LABEL:
            return
        chance = 1 - float(np.exp(-n_training * 2.0 ** -sum(rows.digests.variety.values())))
        if share < _BEYOND_CHANCE * chance:
            return
        sentence = (
            f"{int(twins.sum()):,} of {n_held:,} holdout rows ({100 * share:.3g} %) stand among the training rows too,"
            f" value for value in all features. {_without(rows.challenger, twins)}"
        )
        yield self.found(sentence, certain=True, observed=share, observed_as="share of the holdout", limit=self.share)


class NearDuplicates(Flaw):
    """Rows of the holdout are training rows with one other value; numbers may differ by a hundredth of their spread.

    Looked for where columns have so many values that chance gives hardly any such row.

    Attributes:
        share: of the holdout rows, from here on it is shown; those that are duplicates in all columns don't count.
    """

    kind: Literal["near_duplicates"] = "near_duplicates"
    share: float = Field(default=0.05, gt=0, le=1)

    def look(self, rows: Inspected) -> Iterator[Finding]:
        """Yield one finding where too many rows are almost alike on both sides."""
        import numpy as np

        held, trained = (np.flatnonzero(rows.digests.side == side) for side in (HOLDOUT, TRAINING))
        if min(len(held), len(trained)) < LEAST_ROWS:
            return
        held, trained = _some(held, _MOST_ROWS // 10), _some(trained, _MOST_ROWS)
        exact = np.isin(rows.digests.exact[held], rows.digests.exact[trained])
        near, columns = _near(rows.digests, held, trained)
        near &= ~exact
        share = float(near.mean())
        if share < self.share:
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


def _agreement(rows: Inspected, twins: np.ndarray) -> float:
    """Return how far twins on both sides agree in their label: 1 always, 0 as often as any two rows (Cohen's kappa)."""
    import numpy as np

    digest, side, y = rows.digests.exact, rows.digests.side, rows.truths.y
    trained, first = np.unique(digest[side == TRAINING], return_index=True)
    then = y[side == TRAINING][first][np.searchsorted(trained, digest[side == HOLDOUT][twins])]
    now = y[side == HOLDOUT][twins]
    if not rows.classes:
        return float(np.isclose(then, now, rtol=1e-9, atol=0).mean())
    shares = [np.bincount(part, minlength=len(rows.classes)) / len(part) for part in (then, now)]
    chance = float((shares[0] * shares[1]).sum())
    return 1.0 if chance == 1 else (float((then == now).mean()) - chance) / (1 - chance)


def _near(digests: Digests, held: np.ndarray, trained: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return which holdout rows are a training row in all columns but one, and the columns, the most frequent first."""
    import numpy as np

    bits, near = digests.variety, np.zeros(len(held), dtype=bool)
    total = sum(digests.rough.values())
    counts: dict[str, int] = {}
    for name, hashes in digests.rough.items():
        if len(trained) * 2.0 ** (-_TIED * (sum(bits.values()) - bits[name])) > _BY_CHANCE:
            continue
        others = total - hashes
        alike = np.isin(others[held], others[trained])
        counts[name] = int(alike.sum())
        near |= alike
    return near, sorted((name for name, n in counts.items() if n), key=lambda name: -counts[name])


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
