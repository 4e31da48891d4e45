"""Fits a candidate whose positive class is rare as its spec says: on made-up rows beside its own, then calibrated.

Who learns from what: made-up rows come from the rows that the model learns from, never from those that it stops early
on, is calibrated on, or is chosen and judged on; and nobody is calibrated on a row that a model has learnt from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlsys.models.base import FitTask, Fitted, Model
from mlsys.targets.base import Target
from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def fit(model: Model, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask, *, target: Target) -> Fitted:
    """Return a model fitted for a target with what its `resample` and `calibrate` ask for; the rest as in `Model.fit`.

    Raises:
        ValueError: too few rows for one of them, or as in `Model.fit`.
    """
    if model.calibrate is None:
        return _resampled(model, features, rows, y, task, target=target)
    aside = task.aside(len(y), model.calibrate.share)
    fitted = _resampled(model, features, rows[~aside], y[~aside], task.part(~aside), target=target)
    note = f"Calibrated ({model.calibrate.method}) on {counted(int(aside.sum()), 'training row')} set aside"
    return Fitted(model.calibrate.calibrated(fitted.pipeline, rows[aside], y[aside]), (*fitted.notes, note))


def _resampled(
    model: Model, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask, *, target: Target
) -> Fitted:
    if model.resample is None:
        return target.fit(model, features, rows, y, task)
    import numpy as np
    import pandas as pd

    learnt = ~task.inner
    extra, labels = model.resample.made_up(rows[learnt].reset_index(drop=True), y[learnt], seed=task.seed)
    together = pd.concat([rows, extra], ignore_index=True) if len(extra) else rows
    inner = np.concatenate([task.inner, np.zeros(len(extra), dtype=bool)])
    told = replace(task, inner=inner)
    fitted = target.fit(model, features, together, np.concatenate([y, labels]), told)
    note = f"Learnt from {counted(len(extra), 'made-up row')} of the rarer class, too, made from real training rows"
    return Fitted(fitted.pipeline, (*fitted.notes, note))
