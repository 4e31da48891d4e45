"""The threshold of a candidate whose spec says what wrong decisions cost: chosen on validation rows.

It is fixed together with the model and travels with it: the candidate is judged, serves and is watched by it, and a
champion keeps its own. The holdout plays no part, and neither do the rows that the model has learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlsys.errors import RunError
from mlsys.metrics.binary_costs import cheapest
from mlsys.spec import Spec
from mlsys.wording import counted, number


@dataclass(frozen=True)
class Judging:
    """Validation rows.

    Attributes:
        rows: `(n_rows, n_columns)` raw feature columns; y: `(n_rows,)` labels.
    """

    rows: pd.DataFrame
    y: np.ndarray


@dataclass(frozen=True)
class Chosen:
    """A threshold, or None for the spec's own, and what is worth saying about it."""

    threshold: float | None
    notes: tuple[str, ...] = ()


def choose(spec: Spec, pipeline: Any, judging: Judging | None) -> Chosen:
    """Return the threshold at which a fitted pipeline's wrong decisions cost least on validation rows."""
    costs = spec.metrics.costs
    if costs is None or judging is None:
        return Chosen(None)
    if np.unique(judging.y).size < 2:
        note = f"Threshold {number(costs.break_even)}, where costs break even: validation rows are not of both classes"
        return Chosen(costs.break_even, (note,))
    try:
        found = cheapest(judging.y, spec.target.answers(pipeline, judging.rows), costs)
    except (RunError, ValueError):  # the evaluation asks again, and says why it can't be scored
        return Chosen(None)
    n_positive = int((judging.y == 1).sum())
    rows = f"{counted(len(judging.y), 'validation row')}, {n_positive:,} of them positive"
    even = f"right probabilities would break even at {number(costs.break_even)}"
    return Chosen(found, (f"Threshold {number(found)} costs least on {rows}; {even}",))
