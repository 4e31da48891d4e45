"""Labels that changed their meaning: the same rows have other classes than before, or columns say the opposite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from mlsys.flaws.association import directed_auc, means_by_code, rank_correlation
from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import LEAST_OF_CLASS, Inspected, LabelledRows
from mlsys.records.inspection import FlawFound

if TYPE_CHECKING:
    import numpy as np

_LEAST_COMMON, _LEAST_OF_NAME = 30, 5
_LEAST_ROWS, _MOST_CATEGORIES = 60, 50
_STANDARD_ERRORS = 4


class FlippedLabels(Flaw):
    """Rows that an earlier run had read have other labels now, or the newest rows contradict the older ones.

    Certain: most rows of every class are of another one now, or numbers changed their sign or their unit. Likely: what
    the columns said of the label, each weighted by how much that was, has turned round, which the world may do, too.

    Attributes:
        changed: share of the common rows whose label differs, from here on it is shown.
        turned: how far what columns say has turned, from 1 (as before) to -1; at most this it is shown.
    """

    kind: Literal["flipped_labels"] = "flipped_labels"
    usual: ClassVar = "critical"
    changed: float = Field(default=0.2, gt=0, le=1)
    turned: float = Field(default=-0.5, ge=-1, lt=0)

    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield what has changed of the labels."""
        known = self._of_same_rows(rows)
        if known is not None:
            yield known
        elif rows.judgeable and rows.change is not None:
            turned = self._of_columns(rows, *rows.change)
            if turned is not None:
                yield turned

    def _of_same_rows(self, rows: Inspected) -> FlawFound | None:
        import numpy as np

        now, before = rows.truths, rows.before
        if before is None:
            return None
        _, here, there = np.intersect1d(now.key, before.key, return_indices=True)
        y_now, y_then = now.y[here], before.y[there]
        if not rows.classes:
            known = ~(np.isnan(y_now) | np.isnan(y_then))
            return self._of_numbers(y_then[known], y_now[known]) if known.sum() >= _LEAST_COMMON else None
        known = (y_now >= 0) & (y_then >= 0)
        if known.sum() < _LEAST_COMMON:
            return None
        return self._of_names(np.array(before.classes)[y_then[known]], np.array(now.classes)[y_now[known]])

    def _of_names(self, then: np.ndarray, now: np.ndarray) -> FlawFound | None:
        import numpy as np

        changed = float((then != now).mean())
        if changed < self.changed:
            return None
        turned = []
        for name, n in zip(*np.unique(then, return_counts=True), strict=True):
            if n >= _LEAST_OF_NAME:
                names, counts = np.unique(now[then == name], return_counts=True)
                turned.append((str(name), str(names[counts.argmax()])))
        certain = changed > 0.5 and all(old != new for old, new in turned)
        said = ", ".join(f"'{old}' is now '{new}'" for old, new in turned[:4])
        sentence = f"The labels of {100 * changed:.3g} % of {len(then):,} rows read before are others now" + (
            f": {said}. The classes have changed places: see where the label is made, and read those days again."
            if certain
            else f" ({said}): the past was restated. See whether that was meant."
        )
        return self.found(
            sentence, certain=certain, observed=changed, observed_as="share of changed labels", limit=self.changed
        )

    def _of_numbers(self, then: np.ndarray, now: np.ndarray) -> FlawFound | None:
        import numpy as np

        other = ~np.isclose(then, now, rtol=1e-9, atol=0)
        changed = float(other.mean())
        if changed < self.changed:
            return None
        ratios = now[other & (then != 0)] / then[other & (then != 0)]
        factor = float(np.median(ratios)) if len(ratios) else 1.0
        certain = len(ratios) >= _LEAST_COMMON and bool(np.mean(np.isclose(ratios, factor, rtol=0.01)) >= 0.9)
        sentence = f"The numbers to predict of {100 * changed:.3g} % of {len(then):,} rows read before are others now"
        sentence += (
            f": {factor:.4g} times what they were. Their unit or sign has changed: see where the label is made."
            if certain
            else ": the past was restated. See whether that was meant."
        )
        return self.found(
            sentence, certain=certain, observed=changed, observed_as="share of changed labels", limit=self.changed
        )

    def _of_columns(self, rows: Inspected, old: LabelledRows, new: LabelledRows) -> FlawFound | None:
        import numpy as np

        if min(len(old.y), len(new.y)) < _LEAST_ROWS:
            return None
        for name in rows.one_against_rest or [""]:
            place = rows.classes.index(name) if name else -1
            truths = [(part.y == place).astype(np.float64) if name else part.y for part in (old, new)]
            if name and any(min(y.sum(), (1 - y).sum()) < LEAST_OF_CLASS for y in truths):
                continue
            then, now = _directions(_parts(rows, old, new, truths[0]), truths, classes=bool(name))
            if then <= 0:
                continue
            # The variance of a Mann-Whitney statistic, and of a rank correlation, of rows that say nothing.
            sizes = (truths[1].sum(), (1 - truths[1]).sum())
            error = sum(1 / (3 * n) for n in sizes) ** 0.5 if name else len(new.y) ** -0.5
            turned = now / then
            if turned > self.turned or now + _STANDARD_ERRORS * error >= 0:
                continue
            what = f"class '{name}'" if name else "the target"
            when = "the newest" if rows.timed else "this reading's"
            sentence = (
                f"What the columns say of {what} has turned round in {when} {len(new.y):,} rows: {turned:.2f} of what"
                " it was, where 1 is no change. Have the classes changed places, or the number its sign?"
            )
            return self.found(sentence, observed=turned, observed_as="direction against before", limit=self.turned)
        return None


def _parts(rows: Inspected, old: LabelledRows, new: LabelledRows, y: np.ndarray) -> list[np.ndarray]:
    """Return by column `(n_old + n_new,)` numbers that order the rows: numbers by rank, categories by older labels."""
    import numpy as np
    import pandas as pd
    from scipy.stats import rankdata

    found = []
    for column in rows.columns():
        both = pd.concat([old.frame[column.name], new.frame[column.name]], ignore_index=True)
        if column.numbers is not None:
            scores = rankdata(np.nan_to_num(both.to_numpy(), nan=np.finfo(float).min))
        elif column.n_distinct <= _MOST_CATEGORIES:
            codes = pd.factorize(both)[0] + 1
            scores = means_by_code(codes[: len(y)], y, size=int(codes.max()) + 1)[codes]
        else:
            continue
        if scores.std() > 0:
            found.append((scores - scores.mean()) / scores.std())
    return found


def _directions(parts: list[np.ndarray], truths: list[np.ndarray], *, classes: bool) -> tuple[float, float]:
    """Return how the sum of all columns, each weighted by what it said of older rows, goes with older and newer labels.

    Both are from -1 to 1.
    """
    import numpy as np

    def direction(scores: np.ndarray, y: np.ndarray) -> float:
        return 2 * directed_auc(y, scores) - 1 if classes else rank_correlation(scores, y)

    n_old, total = len(truths[0]), np.zeros(len(truths[0]) + len(truths[1]))
    for scores in parts:
        total += direction(scores[:n_old], truths[0]) * scores
    return direction(total[:n_old], truths[0]), direction(total[n_old:], truths[1])
