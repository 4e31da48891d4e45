"""The population stability index, its bins, and how large it gets by chance.

The index of shares p (now) and q (then) over the same bins is the sum of (p - q) * ln(p / q): the Kullback-Leibler
divergence in both directions, added up (Lewis, An Introduction to Credit Scoring, 1994; Siddiqi, Credit Risk
Scorecards, 2006, who call less than 0.1 no change and more than 0.25 a major one). Where nothing changed it is
distributed as (1/n + 1/m) times a chi-square of one degree less than there are bins (Yurdakul and Naranjo, Statistical
properties of the population stability index, Journal of Risk Model Validation 14(4), 2020). Small samples reach the
usual limits by chance, so an alarm takes both: beyond the limit, and beyond chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RARE_SHARE = 0.01  # categories with less of the reference are one bin, together with those it does not have
MAX_CATEGORIES = 30


@dataclass(frozen=True)
class Shift:
    """How far one column moved.

    Attributes:
        psi: population stability index, 0 for the same shares.
        by_chance: what it stays below with the wanted probability when nothing changed.
    """

    psi: float
    by_chance: float


def shift(reference: pd.Series, current: pd.Series, *, n_bins: int, false_alarms: float) -> Shift:
    """Return how far a column's values moved from `(n_reference,)` to `(n_current,)` of them; neither is empty.

    Rows are taken as independent. `false_alarms` is the probability that `by_chance` leaves out.
    """
    import numpy as np
    from scipy.special import chdtri

    codes = binned(reference, current, n_bins=n_bins)
    size = 1 + max(int(each.max()) for each in codes)
    then, now = (np.bincount(each, minlength=size) for each in codes)
    n_filled = int(((then + now) > 0).sum())
    chance = float(chdtri(n_filled - 1, false_alarms)) if n_filled > 1 else 0.0
    return Shift(psi(then, now), chance * (1 / then.sum() + 1 / now.sum()))


def binned(reference: pd.Series, current: pd.Series, *, n_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the bin of each of `(n_reference,)` and `(n_current,)` values.

    Numbers fall into bins with about the same share of the reference, a value that fills a bin alone has its own;
    categories are bins themselves. Missing values are a bin of their own.
    """
    if reference.dtype.kind == "f":
        edges = edges_of(reference.to_numpy(), n_bins)
        return _codes_of_numbers(reference.to_numpy(), edges), _codes_of_numbers(current.to_numpy("float64"), edges)
    return _codes_of_categories(reference, current)


def psi(then: np.ndarray, now: np.ndarray) -> float:
    """Return the index of two `(n_bins,)` counts; half a row is added to each bin, so that an empty one is finite.

    A bin without any row says nothing and is left out.
    """
    import numpy as np

    filled = (then + now) > 0
    then, now = then[filled], now[filled]
    q, p = ((counts + 0.5) / (counts.sum() + 0.5 * counts.size) for counts in (then, now))
    return float(np.sum((p - q) * np.log(p / q)))


def edges_of(values: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the rising `(n_edges,)` edges of bins that hold about the same share of the known values.

    A value that fills more than one bin is set apart by an edge on either side: else a column that is mostly zero
    would be one bin, and nothing that happens above zero would show.
    """
    import numpy as np

    known = values[np.isfinite(values)]
    if not known.size:
        return np.empty(0)
    inner = np.linspace(0, 1, n_bins + 1)[1:-1]
    quantiles = np.quantile(known, inner, method="inverted_cdf")
    distinct, times = np.unique(quantiles, return_counts=True)
    return np.unique(np.concatenate([distinct, np.nextafter(distinct[times > 1], np.inf)]))


def _codes_of_numbers(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    import numpy as np

    found = np.searchsorted(edges, values, side="right")  # NaN counts as larger than all
    return np.where(np.isfinite(values), found, edges.size + 1)


def _codes_of_categories(reference: pd.Series, current: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np
    import pandas as pd

    shares = reference.value_counts(normalize=True)
    common = [(-share, str(name)) for name, share in shares.items() if share >= RARE_SHARE]
    kept = pd.Index([name for _, name in sorted(common)[:MAX_CATEGORIES]], dtype=object)
    others, missing = len(kept), len(kept) + 1
    codes = []
    for column in (reference, current):
        found = kept.get_indexer(pd.Index(column, dtype=object))
        codes.append(np.where(column.isna(), missing, np.where(found < 0, others, found)))
    return codes[0], codes[1]
