"""Whether the fast way answers as the plain one: on rows that are known, and on others made of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsys.serving.plain_path import JsonRows, plain_answers
from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np

    from mlsys.serving.champion import Champion

MOST_APART = 1e-12  # with the same label on every row
N_ALONE = 8  # rows asked one by one as well: a library may add up a single row in another order
_CHANGED = 0.3  # of a made row's values
_UNSEEN = "a value that no row has"


@dataclass(frozen=True)
class PathAgreement:
    """How far two ways to answer the same rows are apart.

    Attributes:
        n_rows: rows asked together.
        apart: the largest difference of two answers; 0 = the same bits.
        other_labels: rows that would be labelled otherwise.
    """

    n_rows: int
    apart: float
    other_labels: int

    @property
    def holds(self) -> bool:
        """Whether the fast way may answer."""
        return self.apart <= MOST_APART and not self.other_labels

    @property
    def words(self) -> str:
        """What was found, as a part of a sentence."""
        rows = counted(self.n_rows, "row")
        if not self.holds:
            labels = f", and labels {self.other_labels:,} of them otherwise" if self.other_labels else ""
            return f"differs by up to {self.apart:.2g} from the plain way on {rows}{labels}"
        return f"{'bit-equal to' if not self.apart else f'within {self.apart:.1g} of'} the plain way on {rows}"


def agreement(champion: Champion, fast: Callable[[JsonRows], np.ndarray], rows: JsonRows) -> PathAgreement:
    """Return how far a fast way's answers are from the plain ones, rows asked together, and some of them alone.

    Raises:
        MlsysError: one of the two can't answer.
    """
    import numpy as np

    plain = plain_answers(champion, rows)
    quick = fast(rows)
    step = max(len(rows) // N_ALONE, 1)
    singles = [[row] for row in rows[::step][:N_ALONE]]
    pairs = [(plain, quick), *((plain_answers(champion, single), fast(single)) for single in singles)]
    if any(one.shape != other.shape for one, other in pairs):
        return PathAgreement(len(rows), float("inf"), len(rows))
    apart = max(float(np.abs(one - other).max(initial=0.0)) for one, other in pairs)
    labels = sum(int((_labels(champion, one) != _labels(champion, other)).sum()) for one, other in pairs)
    return PathAgreement(len(rows), apart, labels)


def _labels(champion: Champion, answers: np.ndarray) -> np.ndarray:
    """Return `(n_rows,)` what is decided by answers; of numbers nothing is."""
    import numpy as np

    if answers.ndim > 1:
        best: np.ndarray = answers.argmax(axis=1)
        return best
    return np.zeros(len(answers)) if champion.threshold is None else np.asarray(answers >= champion.threshold)


def made_rows(rows: JsonRows, n_rows: int) -> list[dict[str, Any]]:
    """Return rows like the given ones: values exchanged, missing, unseen, beyond what there is; always the same."""
    chance = random.Random(0)  # noqa: S311 - nothing here is secret
    values = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    made = []
    for _ in range(n_rows if rows else 0):
        row = dict(chance.choice(rows))
        for name in values:
            if chance.random() < _CHANGED:
                row[name] = _changed(row, name, values, chance)
        made.append(row)
    return made


def _changed(row: Mapping[str, Any], name: str, values: Mapping[str, Sequence[Any]], chance: random.Random) -> Any:
    """Return another value for a column of a row, of the column's own type."""
    was, other, how = row[name], chance.choice(values[name]), chance.random()
    if how < 0.2:
        return None
    if how < 0.6 or was is None or isinstance(was, bool):
        return other
    if isinstance(was, str):
        end = str(other or "")
        return _UNSEEN if how < 0.8 else was[: chance.randint(0, len(was))] + end[chance.randint(0, len(end)) :]
    beyond = was * chance.choice([-3, 0, 2, 1000]) + chance.randint(-5, 5)
    return beyond if isinstance(was, int) else beyond + chance.random()
