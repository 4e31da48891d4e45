"""SHAP: what each raw column adds to the model's answers, on the whole and for single rows of the holdout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlsys.explanation.asked import Asked
from mlsys.explanation.kept_values import short, value_of
from mlsys.metrics.predictions import Predictions
from mlsys.models.calibration import uncalibrated
from mlsys.models.contributions import Contributions, of_pipeline

SINGLE_ROWS = 10
IN_A_ROW = 5  # columns named
_RANKED = 30


@dataclass(frozen=True)
class _Chosen:
    """Positions of single rows: those of which the answer is most wrong, and those of which the model is surest."""

    wrong: np.ndarray
    certain: np.ndarray


def shares(asked: Asked) -> dict[str, Any]:
    """Return mean absolute SHAP values by column, and the single rows with what pushed their answers.

    Nothing is returned but the reason where the values do not add up to what the model says.

    Raises:
        ValueError: the model's kind can't be divided, or its features mix columns; says why.
        UsageError: the library that divides it is not installed.
    """
    sample = asked.sample(asked.model.shared_rows)
    chosen = _chosen(asked)
    places = np.concatenate([sample, chosen.wrong, chosen.certain])
    rows = asked.rows.iloc[places].reset_index(drop=True)
    before = uncalibrated(asked.pipeline)
    part = asked.target.fitted_part(asked.pipeline if before is None else before)
    found = of_pipeline(asked.model.shares, part, rows).centred(slice(0, sample.size))
    if not found.gap <= found.tolerance:
        away = f"they lie {found.gap:.2g} of the largest answer away, and {found.tolerance:g} may be lost to rounding"
        return {"left_out": f"The SHAP values do not add up to what the model says: {away}"}
    codes = _codes(asked, part) if found.base.size > 1 else []
    n, n_wrong = sample.size, chosen.wrong.size
    return {
        "scale": _scale(asked, found, calibrated=before is not None),
        "n_rows": int(n),
        "base": [short(value) for value in found.base],
        "columns": _on_the_whole(asked, found.values[:n], rows[:n]),
        "wrong": _single(asked, found, rows, chosen.wrong, (n, codes)),
        "certain": _single(asked, found, rows, chosen.certain, (n + n_wrong, codes)),
    }


def _codes(asked: Asked, part: Any) -> list[int]:
    """Return which column of the answers each output of a model of several classes is about."""
    names = asked.target.knows(asked.pipeline)
    if names:
        return [asked.classes.index(name) if name in asked.classes else -1 for name in names]
    return [int(label) for label in part.classes_]


def _scale(asked: Asked, found: Contributions, *, calibrated: bool) -> str:
    """Return in words on which scale the values add up."""
    if found.scale == "fitted":
        return asked.target.fitted_scale
    return f"{found.scale} before calibration" if calibrated else found.scale


def wrongness(predictions: Predictions) -> np.ndarray:
    """Return `(n_rows,)` how far each answer is from the truth: of classes what the true one lacks."""
    answers, truth = predictions.answers, predictions.y_true
    if answers.ndim > 1:
        lacking: np.ndarray = 1 - answers[np.arange(truth.size), truth.astype(int)]
        return lacking
    away: np.ndarray = np.abs(answers - truth)
    return away


def certainty(predictions: Predictions) -> np.ndarray:
    """Return `(n_rows,)` the probability of the class that is said, whether that is right or not."""
    answers = predictions.answers
    found: np.ndarray = np.maximum(answers, 1 - answers) if answers.ndim == 1 else answers.max(axis=1)
    return found


def _chosen(asked: Asked) -> _Chosen:
    if not asked.settings.show_rows:
        return _Chosen(np.zeros(0, dtype=int), np.zeros(0, dtype=int))
    wrong = np.argsort(-wrongness(asked.predictions), kind="stable")[:SINGLE_ROWS]
    if asked.target.method == "predict":  # a number says nothing of how sure it is
        return _Chosen(wrong, np.zeros(0, dtype=int))
    return _Chosen(wrong, np.argsort(-certainty(asked.predictions), kind="stable")[:SINGLE_ROWS])


def _on_the_whole(asked: Asked, values: np.ndarray, rows: pd.DataFrame) -> list[list[Any]]:
    """Return `[column, mean absolute value, rank correlation with the column]`, most first; None without an order."""
    size = np.abs(values).mean(axis=0).sum(axis=1)
    order = sorted(range(size.size), key=lambda i: (-size[i], rows.columns[i]))[:_RANKED]
    found = []
    for i in order:
        name = str(rows.columns[i])
        ordered = values.shape[2] == 1 and asked.is_number(name)
        found.append([name, short(size[i]), _goes_with(rows[name], values[:, i, 0]) if ordered else None])
    return found


def _goes_with(column: pd.Series, values: np.ndarray) -> float | None:
    known = column.notna().to_numpy()
    x, y = column[known].to_numpy(dtype="float64"), values[known]
    if known.sum() < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    from scipy.stats import spearmanr

    return round(float(spearmanr(x, y).statistic), 3)


def _single(
    asked: Asked, found: Contributions, rows: pd.DataFrame, places: np.ndarray, at: tuple[int, list[int]]
) -> list[dict[str, Any]]:
    """Return rows that stand in `found` from a place on, each with the columns that pushed its answer furthest."""
    start, codes = at
    listed = []
    for i, place in enumerate(places, start):
        row = asked.predictions.where(np.array([place]))
        output = codes.index(int(row.answers[0].argmax())) if codes else 0
        values = found.values[i, :, output]
        order = sorted(range(values.size), key=lambda j: (-abs(values[j]), j))
        pushed = [
            [name := str(rows.columns[j]), value_of(rows[name].iloc[i], asked.columns[name]), short(values[j])]
            for j in order[:IN_A_ROW]
        ]
        listed.append(
            {
                "answer": [short(value) for value in np.atleast_1d(row.answers[0])],
                "truth": short(float(row.y_true[0])),
                "pushed": pushed,
                "rest": short(float(values[order[IN_A_ROW:]].sum())),
                "base": short(found.base[output]),
                "said": short(found.said[i, output]),
            }
        )
    return listed
