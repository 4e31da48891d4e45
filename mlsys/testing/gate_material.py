"""What a gate measures on, made up: rows with two models' answers, and how the challenger serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlsys.gates.measuring import GateMaterial, JudgedRows, Moved
from mlsys.metrics.predictions import Predictions
from mlsys.schema import ColumnSpec

_TIMES = {"p50": 4.0, "p99": 9.0, "batch": 20.0}
# A challenger that serves as it was judged.
SERVED: Mapping[str, Any] = {
    "n": 200,
    "seconds": 3.2,
    "difference": 0.0,
    "alone": 0.0,
    "packages": ["numpy", "scikit-learn"],
    "unnamed": [],
    "n_calls": 100,
    "clock_ms": _TIMES,
    "own_ms": _TIMES,
}


def rows_of(
    challenger: Predictions,
    champion: Predictions | None = None,
    columns: Mapping[str, Sequence[Any] | np.ndarray] | None = None,
    group: np.ndarray | None = None,
) -> JudgedRows:
    """Return rows with these raw columns and both models' answers."""
    return JudgedRows(pd.DataFrame(dict(columns or {})), challenger, champion, group)


def material(
    holdout: JudgedRows,
    *,
    validation: JudgedRows | None = None,
    task: str = "binary",
    columns: Mapping[str, ColumnSpec] | None = None,
    moved: Sequence[Moved] = (),
    served: Mapping[str, Any] = SERVED,
    n_bytes: int = 1_000_000,
) -> GateMaterial:
    """Return material; the validation rows are those of the holdout, unless others are given."""
    return GateMaterial(
        task=task,
        columns=columns or {},
        seed=1,
        holdout=holdout,
        validation=lambda: validation or holdout,
        moved=lambda _days, _ignore: (list(moved), 1000, 3000),
        served=lambda: served,
        n_bytes=n_bytes,
    )
