"""What the challenger relies on, whether its probabilities are right, and how it does on parts of the holdout.

Permutation importance (Breiman, Random Forests, 2001, section 10): what the primary metric loses when one raw column is
shuffled among rows, and all others stay. It says what this model uses, not what causes the label; of columns that say
the same, each looks dispensable. About `MOST_SCORED` rows are scored in all, so that the cost is bounded whatever the
holdout; each column is shuffled on at least `FEWEST_ROWS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import Predictions
from mlsys.schema import ColumnSpec

MOST_SCORED = 8_000
MOST_ROWS, FEWEST_ROWS = 1_000, 50
BINS = 10
SEGMENTED, VALUES, IN_SEGMENT = 2, 6, 50
_DECIMALS = 6


def importance(
    ask: Callable[[pd.DataFrame], np.ndarray],
    frame: pd.DataFrame,
    predictions: Predictions,
    metric: Metric,
    *,
    seed: int,
) -> dict[str, Any] | None:
    """Return what the metric loses by shuffling each column, most first; None where it is undefined on the rows asked.

    Args:
        ask: gives the model's answers about raw rows.
        frame: `(n_rows, n_columns)` the raw columns it was fitted on, of the holdout.
        predictions: the truth of these rows, and its answers.
        metric: measured on the same rows before and after; positive is a loss, whatever its direction.
        seed: of the rows that are asked, and of the shuffling.
    """
    generator, n_columns = np.random.default_rng(seed), frame.shape[1]
    found: list[tuple[str, float]] = []
    most = min(len(frame), MOST_ROWS, max(FEWEST_ROWS, MOST_SCORED // max(n_columns, 1)))
    places = np.sort(generator.permutation(len(frame))[:most])
    rows, asked = frame.iloc[places].reset_index(drop=True), predictions.where(places)
    before = metric.value(asked).value
    if before is None:
        return None
    at_once = max(1, MOST_SCORED // most)
    for start in range(0, n_columns, at_once):
        names = [str(name) for name in rows.columns[start : start + at_once]]
        answers = ask(_copies(rows, names, generator))
        for i, name in enumerate(names):
            after = metric.value(asked.answered(answers[i * most : (i + 1) * most])).value
            if after is not None:
                loss = before - after if metric.direction == "higher" else after - before
                found.append((name, round(loss + 0.0, _DECIMALS)))
    found.sort(key=lambda pair: (-pair[1], pair[0]))
    return {"metric": metric.kind, "n_rows": most, "columns": found}


def calibration(predictions: Predictions) -> list[list[float]]:
    """Return `[mean answer, mean truth, rows]` of tenths of the rows, by rising answer; fewer where rows tie.

    Of a model that is right about its probabilities, or its numbers, the first two are alike. Of several classes the
    answer is the probability of the one that was said, and the truth whether it was right.
    """
    expected, came = predictions.expected
    return [
        [round(float(expected[part].mean()), _DECIMALS), round(float(came[part].mean()), _DECIMALS), int(part.size)]
        for part in predictions.parts(BINS)
    ]


def rightness(predictions: Predictions) -> dict[str, float]:
    """Return how far scores are from being probabilities: two numbers, 0 where each score is right and sure.

    `brier` is the mean square of score less truth (Brier 1950), which a better ranking lowers, too; `ece` the mean
    distance between the two in tenths of the rows by score (Naeini and others, AAAI 2015), which it does not.
    """
    tenths = calibration(predictions)
    gaps = sum(abs(score - truth) * n for score, truth, n in tenths) / max(sum(n for *_, n in tenths), 1)
    brier = float(np.square(predictions.answers - predictions.y_true).mean())
    return {"brier": round(brier, _DECIMALS), "ece": round(gaps, _DECIMALS)}


def segments(
    frame: pd.DataFrame,
    columns: Mapping[str, ColumnSpec],
    models: Mapping[str, Predictions],
    metric: Metric,
    *,
    ranked: Sequence[str],
) -> list[dict[str, Any]]:
    """Return the metric of each model by the values of the columns that matter most and have few of them.

    Args:
        frame: `(n_rows, n_columns)` raw columns of the holdout.
        columns: of the spec; categories and booleans divide rows.
        models: truth and answers of these rows, by model id; at least one.
        metric: None where it is undefined in a segment.
        ranked: names of columns, the most important one first.
    """
    dividing = [name for name in ranked if name in columns and columns[name].type in ("category", "boolean")]
    found = []
    for name in dividing[:SEGMENTED]:
        values = _words(frame[name], columns[name])
        counts = values.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
        rows = []
        for value, n in list(counts.items())[:VALUES]:
            if n < IN_SEGMENT:
                continue
            inside = (values == value).to_numpy(dtype=bool)
            parts = {key: rows_of.where(inside) for key, rows_of in models.items()}
            known = {key: metric.value(part).value for key, part in parts.items()}
            positive = float(next(iter(parts.values())).expected[1].mean())
            rounded = {key: None if v is None else round(v, _DECIMALS) for key, v in known.items()}
            rows.append({"value": value, "n": int(n), "positive": round(positive, _DECIMALS), "values": rounded})
        if len(rows) > 1:
            found.append({"column": name, "rows": rows})
    return found


def _copies(rows: pd.DataFrame, names: Sequence[str], generator: np.random.Generator) -> pd.DataFrame:
    """Return one copy of the rows below the other for each of some columns, with that column shuffled in it."""
    n = len(rows)
    arrays = {str(name): np.tile(rows[name].to_numpy(), len(names)) for name in rows.columns}
    for i, name in enumerate(names):
        arrays[name][i * n : (i + 1) * n] = rows[name].to_numpy()[generator.permutation(n)]
    return pd.DataFrame(arrays, columns=list(rows.columns), copy=False)


def _words(values: pd.Series, column: ColumnSpec) -> pd.Series:
    """Return a column's values as texts, None where they are missing."""
    spelling = {1.0: "true", 0.0: "false"}.get if column.type == "boolean" else str
    return values.astype("object").map(spelling, na_action="ignore")
