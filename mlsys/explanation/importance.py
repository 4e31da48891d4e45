"""Permutation importance with intervals: what the primary metric loses when one raw column is shuffled.

Breiman, Random Forests, 2001, section 10. The rows are dealt into parts that share none, with classes alike; a
column is shuffled within each part, and each part says what is lost. The mean of the parts has a t interval over them:
it covers the shuffling and the choice of rows, not another fit. All that one raw column becomes inside the pipeline is
shuffled together, for the shuffling comes before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mlsys.explanation.asked import Asked
from mlsys.explanation.kept_values import short

MOST_COLUMNS = 30
PARTS, FEW_PARTS, FEWEST_IN_PART = 10, 5, 25
ALIKE = 0.7
_ASKED_AT_ONCE = 8_000  # rows
_FEWEST_DEFINED = 3
_LEVEL = 0.95
_TOGETHER = 30  # rows that must have both numbers before they are compared


def importance(asked: Asked) -> dict[str, Any]:
    """Return what is lost by column, most first, with a 95 % interval; or why it can't be said.

    A positive number is a loss, whatever the metric's direction.
    """
    parts = dealt(asked)
    if len(parts) < _FEWEST_DEFINED:
        few = FEW_PARTS * FEWEST_IN_PART
        return {"left_out": f"{len(asked.rows):,} holdout rows are too few to shuffle them; {few} would do"}
    before = [asked.metric.value(asked.predictions.where(part)).value for part in parts]
    found: list[tuple[str, float, float, float]] = []
    for name, answers in _shuffled(asked, list(asked.ranked)[:MOST_COLUMNS], parts):
        lost = _lost(asked, answers, parts, before)
        if len(lost) >= _FEWEST_DEFINED:
            mean, lower, upper = mean_and_interval(np.array(lost))
            found.append((name, short(mean), short(lower), short(upper)))
    if not found:
        return {"left_out": f"{asked.metric.title} is undefined on parts of the holdout rows"}
    found.sort(key=lambda row: (-row[1], row[0]))
    return {
        "metric": asked.metric.kind,
        "n_rows": sum(part.size for part in parts),
        "n_parts": len(parts),
        "n_columns": len(asked.columns),
        "columns": found,
        "alike": alike(asked, [row[0] for row in found]),
    }


def dealt(asked: Asked) -> list[np.ndarray]:
    """Return positions of rows in parts without a common row, each with about the same share of each class."""
    n = len(asked.rows)
    n_parts = PARTS if n >= PARTS * FEWEST_IN_PART * 2 else FEW_PARTS
    if n < n_parts * FEWEST_IN_PART:
        return []
    random = np.random.default_rng(asked.seed + 1)
    y = asked.predictions.y_true
    # By size of a number, parts would differ less than other rows do, and the intervals would be too narrow.
    order = np.lexsort((random.random(n), np.zeros(n) if y.dtype.kind == "f" else y))
    return [np.sort(order[i::n_parts]) for i in range(n_parts)]


def mean_and_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of independent `(n,)` values, n at least 2, and its two-sided 95 % t interval."""
    from scipy.stats import t

    mean, n = float(values.mean()), values.size
    reach = float(t.ppf((1 + _LEVEL) / 2, n - 1) * values.std(ddof=1) / n**0.5)
    return mean, mean - reach, mean + reach


def _shuffled(asked: Asked, names: list[str], parts: list[np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each column's name, and the answers about the rows with that column shuffled within each part."""
    n, order = len(asked.rows), list(asked.columns)
    at_once = max(1, _ASKED_AT_ONCE // n)
    for start in range(0, len(names), at_once):
        some = names[start : start + at_once]
        arrays = {name: np.tile(asked.rows[name].to_numpy(), len(some)) for name in order}
        for i, name in enumerate(some):
            random = np.random.default_rng([asked.seed, order.index(name)])  # the same, whichever columns are asked
            for part in parts:
                arrays[name][i * n + part] = asked.rows[name].to_numpy()[random.permutation(part)]
        answers = asked.answers(pd.DataFrame(arrays, columns=order, copy=False))
        yield from ((name, answers[i * n : (i + 1) * n]) for i, name in enumerate(some))


def _lost(asked: Asked, answers: np.ndarray, parts: list[np.ndarray], before: list[float | None]) -> list[float]:
    """Return what each part loses by other answers; nothing of a part where the metric is undefined."""
    there = asked.predictions.answered(answers)
    sign = 1 if asked.metric.direction == "higher" else -1
    after = [asked.metric.value(there.where(part)).value for part in parts]
    return [sign * (b - a) for b, a in zip(before, after, strict=True) if a is not None and b is not None]


def alike(asked: Asked, names: list[str]) -> dict[str, list[Any]]:
    """Return `[the column that goes most with it, rank correlation]` of columns of numbers, where that is strong."""
    numbers = [name for name in asked.columns if asked.is_number(name) and asked.rows[name].nunique() > 1]
    table = asked.rows[numbers].corr(method="spearman", min_periods=_TOGETHER)
    found = {}
    for name in names:
        if name in table:
            others = table[name].drop(name).dropna()
            if len(others) and others.abs().max() >= ALIKE:
                most = str(others.abs().idxmax())
                found[name] = [most, round(float(others[most]), 2)]
    return found
