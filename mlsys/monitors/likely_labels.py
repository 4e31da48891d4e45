"""The labels that rows without one are likely to have: each row stands there with every label, weighted by its chance.

Chances come from the champion's holdout, whose labels are known, weighted so that its rows are like those now. Of
classes the champion's probabilities are calibrated on them (performance estimation by probabilistic adaptive
calibration, PAPE: Bialek, Kuberski, Perrakis and Bifet, arXiv 2401.08348, 2024). Of numbers a model of the size of the
champion's error takes the place of the calibration, and the holdout's errors as multiples of that size are what may
happen to each row.

All is computed under `(n_replicates, n_rows)` weightings of both sides at once; in the first of them every row weighs
1, in the others rows are drawn with replacement, so that metrics of them have an interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsys.metrics.classified import Classified
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import Scored
from mlsys.monitors.logit_fit import fit_logit, log_odds, probability

if TYPE_CHECKING:
    import numpy as np

MOST_CLASSES = 20
_SURE = 1e-4  # scores nearer to 0 or 1 say no more than this
_PULL = 0.2  # of log odds: a calibration under weights stays about so near to the one without
_SEED = 0
N_ERRORS = 40  # that may happen to a row whose label is a number


@dataclass(frozen=True)
class Known:
    """Rows whose labels are known, and how much each resembles the rows now.

    Attributes:
        encoded: `(n_rows, n_columns)` float64, what they are told apart by.
        y_true, y_score: as in `Window`.
        weights: `(n_rows,)` float64, 1 on average.
        drawn: `(n_replicates, n_rows)` float64, how often each row was drawn.
    """

    encoded: np.ndarray
    y_true: np.ndarray
    y_score: np.ndarray
    weights: np.ndarray
    drawn: np.ndarray


@dataclass(frozen=True)
class Unknown:
    """Rows whose labels are asked for; attributes as in `Known`."""

    encoded: np.ndarray
    y_score: np.ndarray
    drawn: np.ndarray


@dataclass(frozen=True)
class Likely:
    """Rows with likely labels.

    Attributes:
        rows: `(n,)` places among those asked for.
        labels: `(n,)` one label each.
        weights: `(n_replicates, n)` float64: its chance, times how often the row was drawn.
    """

    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


Method = Callable[[Known, Unknown], Likely]


def of_two_classes(known: Known, asked: Unknown) -> Likely:
    """Return every row with both labels; scores are `(n_rows,)`."""
    import numpy as np

    n_rows = asked.y_score.size
    chance = _calibrated(known, known.y_score, asked.y_score, (known.y_true == 1).astype("float64"))
    weights = np.hstack([(1 - chance) * asked.drawn, chance * asked.drawn])
    return Likely(np.tile(np.arange(n_rows), 2), np.repeat(np.array([0, 1], dtype=np.int8), n_rows), weights)


def of_classes(known: Known, asked: Unknown) -> Likely:
    """Return every row with each label; scores are `(n_rows, n_classes)`, each class calibrated against all others."""
    import numpy as np

    n_rows, n_classes = asked.y_score.shape
    chances = np.stack(
        [
            _calibrated(known, known.y_score[:, i], asked.y_score[:, i], (known.y_true == i).astype("float64"))
            for i in range(n_classes)
        ]
    )
    chances /= chances.sum(axis=0)
    weights = np.hstack(list(chances * asked.drawn))
    return Likely(np.tile(np.arange(n_rows), n_classes), np.repeat(np.arange(n_classes), n_rows), weights)


def of_numbers(known: Known, asked: Unknown) -> Likely:
    """Return every row with its prediction less each error that may happen to it."""
    import numpy as np

    error = known.y_score - known.y_true
    size, size_now = _sizes(known, asked, np.abs(error))
    multiples, shares = _bins(error / size, known.weights * known.drawn)
    n_rows, n_bins = asked.y_score.size, multiples.size
    labels = asked.y_score[:, None] - size_now[:, None] * multiples
    weights = asked.drawn[:, :, None] * shares[:, None, :]
    return Likely(np.repeat(np.arange(n_rows), n_bins), labels.ravel(), weights.reshape(len(weights), -1))


METHODS: Mapping[type[Predictions], Method] = {
    Scored: of_two_classes,
    Classified: of_classes,
    Predicted: of_numbers,
}


def drawn(n_rows: int, n_replicates: int) -> np.ndarray:
    """Return `(n_replicates, n_rows)` how often each row is drawn: once in the first replicate."""
    import numpy as np

    random = np.random.default_rng(_SEED + n_rows)
    again = [np.bincount(random.integers(0, n_rows, n_rows), minlength=n_rows) for _ in range(n_replicates - 1)]
    return np.vstack([np.ones(n_rows), *again])


def _calibrated(known: Known, score: np.ndarray, score_now: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return `(n_replicates, n_now)` chances of `y` by a score: its log odds, bent at two places."""
    import numpy as np

    odds, odds_now = (log_odds(np.clip(each, _SURE, 1 - _SURE)) for each in (score, score_now))
    bends = np.unique(np.quantile(odds, [1 / 3, 2 / 3]))
    basis, basis_now = (
        np.column_stack([np.ones(each.size), each, *(np.maximum(each - bend, 0) for bend in bends)])
        for each in (odds, odds_now)
    )
    weights = known.drawn * known.weights
    weights *= weights.sum(axis=1, keepdims=True) / (weights**2).sum(axis=1, keepdims=True)  # what they are worth
    plain = fit_logit(basis, y, known.drawn)
    return probability(fit_logit(basis, y, weights, near=plain, spread=_PULL) @ basis_now.T)


def _sizes(known: Known, asked: Unknown, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `(n_known,)` and `(n_asked,)` absolute errors to be expected, by columns and prediction.

    Of known rows it is what a model that was not fitted on them expects.
    """
    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor

    floor = float(np.mean(error)) / 20 or 1.0
    fold = np.arange(error.size) % 4
    size, size_now = np.empty(error.size), np.zeros(asked.y_score.size)
    for i in range(4):
        model = HistGradientBoostingRegressor(
            loss="gamma", max_iter=60, learning_rate=0.08, max_leaf_nodes=6, min_samples_leaf=30, random_state=_SEED
        )
        inside = fold != i
        model.fit(known.encoded[inside], np.maximum(error[inside], floor), sample_weight=known.weights[inside])
        size[~inside] = model.predict(known.encoded[~inside])
        size_now += model.predict(asked.encoded) / 4
    return np.maximum(size, floor), np.maximum(size_now, floor)


def _bins(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two values of each bin, with its mean and spread, and the `(n_replicates, n_values)` shares of both."""
    import numpy as np

    order = np.argsort(values, kind="stable")
    means, spreads, shares = [], [], []
    for part in np.array_split(order, min(N_ERRORS // 2, order.size)):
        means.append(values[part].mean())
        spreads.append(values[part].std())
        shares.append(weights[:, part].sum(axis=1))
    mean, spread, share = np.array(means), np.array(spreads), np.array(shares).T
    share = share / share.sum(axis=1, keepdims=True) / 2
    return np.concatenate([mean - spread, mean + spread]), np.hstack([share, share])
