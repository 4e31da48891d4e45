"""Partial dependence: what the model says on average when one raw column has the same value in every row.

Friedman, Annals of Statistics 29, 2001, section 8.2. The rows go through the whole pipeline as it would serve, so the
answer is in its own unit. Where columns go together it asks about rows that there are none of; how many rows have which
value is drawn beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlsys.explanation.asked import Asked
from mlsys.explanation.kept_values import short, value_of

MOST_ROWS = 200
POINTS = 15
CATEGORIES = 30
BINS = 24
_EDGE = 0.02  # of the rows lies outside the numbers asked about, on either side


def dependence(asked: Asked) -> dict[str, Any]:
    """Return the mean answers by the values of the columns that matter most."""
    rows = asked.of(asked.sample(MOST_ROWS)).rows
    found = [curve for name in _worth_it(asked) if (curve := _curve(asked, rows, name)) is not None]
    base = asked.answers(rows).reshape(len(rows), -1).mean(axis=0)
    return {"n_rows": len(rows), "columns": found, "mean": [short(v) for v in base], "classes": list(asked.classes)}


def _worth_it(asked: Asked) -> list[str]:
    """Return the first columns that have a scale or categories; a text has neither."""
    drawn = [name for name in asked.ranked if asked.columns[name].type != "text"]
    return drawn[: asked.settings.top]


def _curve(asked: Asked, rows: pd.DataFrame, name: str) -> dict[str, Any] | None:
    """Return what is said at each value of a column; None where it has one value alone."""
    column, there = asked.columns[name], asked.rows[name]
    numbers = column.type in ("integer", "number")
    values, n_more = (_numbers(there), 0) if numbers else _categories(there)
    asked_for: list[Any] = [*values, *([None] if there.isna().any() else [])]
    if len(values) < 1 or len(asked_for) < 2:
        return None
    said = asked.answers(_copies(rows, name, asked_for)).reshape(len(asked_for), len(rows), -1).mean(axis=1)
    counts = there.value_counts()
    known = {
        "column": name,
        "numbers": numbers,
        "values": [value_of(value, column) for value in asked_for],
        "answers": [[short(number) for number in answers] for answers in said],
        "n_missing": int(there.isna().sum()),
    }
    if numbers:
        return known | {"density": _density(there, values[0], values[-1])}
    return known | {"counts": [int(counts[value]) for value in values], "n_more": n_more}


def _copies(rows: pd.DataFrame, name: str, values: list[Any]) -> pd.DataFrame:
    """Return one copy of the rows below the other, each with one of the values in a column: a model is asked once."""
    arrays = {str(column): np.tile(rows[column].to_numpy(), len(values)) for column in rows.columns}
    kind = arrays[name].dtype
    given = [np.nan if value is None and kind.kind == "f" else value for value in values]
    arrays[name] = np.repeat(np.array(given, dtype=kind), len(rows))
    return pd.DataFrame(arrays, columns=list(rows.columns), copy=False)


def _numbers(there: pd.Series) -> list[float]:
    """Return the numbers asked about, all but the outermost ones: each of them where they are few, else quantiles."""
    known = np.sort(there.dropna().to_numpy(dtype="float64"))
    if not known.size:
        return []
    low, high = np.quantile(known, [_EDGE, 1 - _EDGE], method="nearest")
    usual = known[(known >= low) & (known <= high)] if low < high else known
    distinct = np.unique(usual)
    if distinct.size > POINTS:
        distinct = np.unique(np.quantile(usual, np.linspace(0, 1, POINTS), method="nearest"))
    return [float(value) for value in distinct]


def _categories(there: pd.Series) -> tuple[list[Any], int]:
    """Return the most frequent values, equally frequent ones by name, and how many there are besides."""
    counts = there.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    return list(counts.index[:CATEGORIES]), max(0, len(counts) - CATEGORIES)


def _density(there: pd.Series, low: float, high: float) -> list[int]:
    """Return how many rows lie in equal steps between the first and the last number asked about."""
    known = there.dropna().to_numpy(dtype="float64")
    return [int(n) for n in np.histogram(known, bins=BINS, range=(low, high))[0]]
