"""How much more often rows like each of those then come now, and whether then has rows like those now at all.

A classifier tells rows then from rows now; its odds, corrected for how many there are of each, are the ratio of both
densities (Bickel, Brückner and Scheffer, Discriminative learning under covariate shift, JMLR 10, 2009; Sugiyama, Suzuki
and Kanamori, Density Ratio Estimation in Machine Learning, 2012). Each row is told apart by a classifier that was not
fitted on it, and its log odds are fitted again: where nothing moved they say nothing, and every row weighs 1.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsys.monitors.logit_fit import fit_logit, log_odds

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_FOLDS = 4
_MOST_CATEGORIES = 60
_RARE = 20.0  # rows that come so much more often now than then have hardly an example then
_SEED = 0


@dataclass(frozen=True)
class DensityRatio:
    """How two sets of rows differ.

    Attributes:
        weights: `(n_then,)` float64, 1 on average: how much more often rows like this one come now.
        effective: rows of then that are as good as all of them weighted (Kish 1965): `sum(w)**2 / sum(w**2)`.
        beyond: share of the rows now that then has hardly any like.
    """

    weights: np.ndarray
    effective: float
    beyond: float


def density_ratio(then: np.ndarray, now: np.ndarray, *, categories: np.ndarray) -> DensityRatio:
    """Return the ratio of two tables as `encoded` makes them: `(n_then, n_columns)` and `(n_now, n_columns)`.

    Rows must come in an order of their own: which of them are told apart together goes by their places.
    `categories` is `(n_columns,)` bool.
    """
    import numpy as np

    x, is_now = np.vstack([then, now]), np.repeat([0.0, 1.0], [len(then), len(now)])
    fold = np.concatenate([np.arange(len(then)) % _FOLDS, np.arange(len(now)) % _FOLDS])
    told = np.empty(len(x))
    for i in range(_FOLDS):
        told[fold == i] = log_odds(
            _classifier(categories).fit(x[fold != i], is_now[fold != i]).predict_proba(x[fold == i])[:, 1]
        )
    basis = np.column_stack([np.ones(len(x)), told])
    fitted = fit_logit(basis, is_now, np.ones((1, len(x))))[0]
    ratio = np.exp(basis @ fitted) * len(then) / len(now)
    weights = ratio[: len(then)] / ratio[: len(then)].mean()
    beyond = float((ratio[len(then) :] > _RARE).mean())
    return DensityRatio(weights, float(weights.sum() ** 2 / (weights**2).sum()), beyond)


def encoded(then: pd.DataFrame, now: pd.DataFrame, texts: Collection[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both tables as `(n, n_columns)` float64, NaN where a value is missing, and which columns are categories.

    Categories are counted by how often they occur then, the rarest and the new ones together; of a text there is its
    length.
    """
    import numpy as np

    columns, is_category = [], []
    for name in then.columns:
        pair = then[name], now[name]
        category = pair[0].dtype.kind != "f" and name not in texts
        if category:
            columns.append(_codes(*pair))
        else:
            columns.append(
                [(each.str.len() if name in texts else each).to_numpy("float64", na_value=np.nan) for each in pair]
            )
        is_category.append(category)
    first, second = (
        np.column_stack(side) if side else np.empty((len(table), 0))
        for side, table in zip(zip(*columns, strict=True), (then, now), strict=True)
    )
    return first, second, np.array(is_category)


def _codes(then: pd.Series, now: pd.Series) -> list[np.ndarray]:
    import numpy as np
    import pandas as pd

    counts = then.value_counts()
    names = sorted(counts.index, key=lambda name: (-counts[name], str(name)))[:_MOST_CATEGORIES]
    kept = pd.Index(names, dtype=object)
    found = []
    for column in (then, now):
        codes = kept.get_indexer(pd.Index(column, dtype=object)).astype("float64")
        found.append(np.where(column.isna(), np.nan, np.where(codes < 0, len(kept), codes)))
    return found


def _classifier(categories: np.ndarray) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=60,
        max_leaf_nodes=8,
        min_samples_leaf=20,
        l2_regularization=1.0,
        categorical_features=categories,
        early_stopping=False,
        random_state=_SEED,
    )
