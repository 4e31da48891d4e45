"""What a report draws where the positive class is rare: how much of it the top of a list holds, and what calls cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlsys.metrics.binary_costs import Costs, cost_points
from mlsys.metrics.curves import gain_points
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import Scored


def pictures(k: float | None, costs: Costs | None, models: Mapping[str, Predictions]) -> dict[str, Any]:
    """Return the lists' lengths and gains, the costs, thresholds and curves of models, by id, JSON-pure.

    Args:
        k: of the metrics of a list's top; None draws no list.
        costs: of wrong decisions; None draws no costs.
        models: truth and scores of the same holdout rows.
    """
    scored = {name: rows for name, rows in models.items() if isinstance(rows, Scored) and rows.y_true.size}
    found: dict[str, Any] = {}
    if k is not None and scored:
        n_rows = next(iter(scored.values())).y_true.size
        length = float(k) if isinstance(k, int) else max(1.0, np.floor(k * n_rows + 1e-9))
        gains = {name: gain_points(rows.y_true, rows.y_score) for name, rows in scored.items()}
        found["list"] = {"share": min(round(length / n_rows, 6), 1.0), "rows": int(length), "gains": gains}
    if costs is not None and scored:
        y_true = next(iter(scored.values())).y_true
        n_positive = int(y_true.sum())
        alone = min(costs.false_negative * n_positive, costs.false_positive * (y_true.size - n_positive)) / y_true.size
        found["costs"] = {
            "false_positive": costs.false_positive,
            "false_negative": costs.false_negative,
            "alone": round(alone, 6),
            "thresholds": {name: round(float(np.max(rows.threshold)), 6) for name, rows in scored.items()},
            "curves": {name: cost_points(rows.y_true, rows.y_score, costs) for name, rows in scored.items()},
        }
    return found
