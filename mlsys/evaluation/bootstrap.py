"""The bootstrap: many weightings of the same rows, and intervals from what metrics make of them.

Every model and every metric sees the same stream of weights, so differences between models are paired. Intervals are
percentile intervals (Efron and Tibshirani 1993, chapter 13) for fitted models on independent rows: they know nothing
of the luck of training. Where the split or the learning task keeps groups together, whole groups are drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from mlsys.metrics.base import Metric
from mlsys.metrics.intervals import Interval, percentile
from mlsys.metrics.predictions import Predictions

CHUNK_BYTES = 4 << 20  # weights at a time; with what metrics derive from them about 64 MB, most of it in the cache


def bootstrap_weights(n_rows: int, n_replicates: int, seed: int, *, strata: Sequence[int] = ()) -> Iterator[np.ndarray]:
    """Yield `(n, n_rows)` chunks of how often each row was drawn; `n` sums to `n_replicates`.

    With `strata`, sizes of neighbouring groups that sum to `n_rows`, each group is drawn from by itself and keeps its
    size. Whole numbers as float32, as long as their sum `n_rows` is exact in it, else float64.
    """
    sizes = tuple(strata) or (n_rows,)
    # A stream of its own for each group, so that the weights don't depend on the chunks.
    generators = [np.random.default_rng([seed, i] if strata else seed) for i in range(len(sizes))]
    starts = np.cumsum([0, *sizes])
    dtype = np.dtype("float32" if n_rows < 2**24 else "float64")
    size = max(1, CHUNK_BYTES // (n_rows * dtype.itemsize))
    for start in range(0, n_replicates, size):
        n = min(size, n_replicates - start)
        groups = zip(generators, starts[:-1], starts[1:], strict=True)
        drawn = np.concatenate([g.integers(first, end, (n, end - first)) for g, first, end in groups], axis=1)
        weights = np.empty(drawn.shape, dtype)
        for row, positions in zip(weights, drawn, strict=True):
            row[:] = np.bincount(positions, minlength=n_rows)
        yield weights


def group_weights(groups: np.ndarray, n_replicates: int, seed: int) -> Iterator[np.ndarray]:
    """Yield `(n, n_rows)` chunks in which all rows of a group weigh as often as it was drawn, of as many as there are.

    `groups` are `(n_rows,)` whole numbers. Rows of a company, a person or a device resemble each
    other: drawing them one by one would take each for news (Davison and Hinkley 1997, section 3.8). Types as in
    `bootstrap_weights`.
    """
    _, groups = np.unique(groups, return_inverse=True)
    sizes = np.bincount(groups)
    dtype = np.dtype("float32" if sizes.max() * sizes.size < 2**24 else "float64")
    generator, size = np.random.default_rng(seed), max(1, CHUNK_BYTES // (groups.size * dtype.itemsize))
    for start in range(0, n_replicates, size):
        drawn = generator.integers(0, sizes.size, (min(size, n_replicates - start), sizes.size))
        weights = np.empty((len(drawn), groups.size), dtype)
        for row, places in zip(weights, drawn, strict=True):
            row[:] = np.bincount(places, minlength=sizes.size)[groups]
        yield weights


def block_counts(n_blocks: int, n_replicates: int, seed: int) -> np.ndarray:
    """Return `(n_replicates, n_blocks)` int64: how often each block was drawn, of as many as there are."""
    drawn = np.random.default_rng(seed).integers(0, n_blocks, (n_replicates, n_blocks))
    return np.stack([np.bincount(places, minlength=n_blocks) for places in drawn])


def block_weights(sizes: Sequence[int], counts: np.ndarray) -> Iterator[np.ndarray]:
    """Yield `(n, n_rows)` chunks of weights that give every row of a block the count of its block.

    `sizes` are those of neighbouring blocks, `counts` as `block_counts` gives them. Types as in `bootstrap_weights`.
    """
    n_rows, most = sum(sizes), max(sizes) * len(sizes)
    dtype = np.dtype("float32" if most < 2**24 else "float64")
    size = max(1, CHUNK_BYTES // (n_rows * dtype.itemsize))
    for start in range(0, len(counts), size):
        yield np.repeat(counts[start : start + size].astype(dtype), sizes, axis=1)


def replicate(
    models: Mapping[str, Predictions],
    metrics: Sequence[Metric],
    *,
    n_replicates: int,
    seed: int,
    strata: Sequence[int] = (),
    groups: np.ndarray | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Return `(n_replicates,)` values by model and metric, NaN where undefined.

    The models' scores are of the same rows in the same order, at least one row; `strata` as in `bootstrap_weights`, of
    rows that come in no groups. With `groups`, `(n_rows,)` whole numbers (by default those of the predictions), whole
    groups are drawn.
    """
    if not models:
        return {}
    rows = next(iter(models.values()))
    groups = rows.groups if groups is None else groups
    if groups is not None:
        weights = group_weights(groups, n_replicates, seed)
    else:
        weights = bootstrap_weights(rows.y_true.size, n_replicates, seed, strata=strata)
    return replicate_under(weights, models, metrics, n_replicates=n_replicates)


def replicate_under(
    chunks: Iterable[np.ndarray], models: Mapping[str, Predictions], metrics: Sequence[Metric], *, n_replicates: int
) -> dict[str, dict[str, np.ndarray]]:
    """Return `(n_replicates,)` values by model and metric under weights that come in chunks, NaN where undefined."""
    values = {name: {metric.kind: np.empty(n_replicates) for metric in metrics} for name in models}
    start = 0
    for weights in chunks:
        stop = start + len(weights)
        for name, predictions in models.items():
            resampled = predictions.resampled(weights)
            for metric in metrics:
                values[name][metric.kind][start:stop] = metric.replicates(resampled)
        start = stop
    return values


def paired_interval(
    challenger: np.ndarray,
    champion: np.ndarray,
    *,
    direction: Literal["higher", "lower"],
    level: float,
    stretch: float = 1.0,
) -> Interval:
    """Return the interval of the difference, turned so that positive is better for the challenger.

    Both are replicates under the same weights. `level` is that of the one-sided lower bound; the interval as a whole
    has level `2 * level - 1`, its bounds moved out by a factor of `stretch`.
    """
    difference = challenger - champion if direction == "higher" else champion - challenger
    return percentile(difference, 2 * level - 1, stretch=stretch)
