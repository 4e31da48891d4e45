"""Which columns a model leans on for some rows: by how much its answers change where one column is shuffled among them.

That needs no labels, and says what a drift of the column would do to the answers. It is not importance for being right,
which is `explanation/importance.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from mlsys.targets.base import Target

MOST_ROWS = 500
FEWEST_ROWS = 50
_SEED = 0x1EA4


def leans(model: Any, target: Target, rows: pd.DataFrame) -> dict[str, float]:
    """Return by column the share of all changes of answers that shuffling it makes; empty with few rows or no change.

    At most `MOST_ROWS` of `(n_rows, n_columns)` rows are asked about, chosen by their content: their order plays no
    part.
    """
    if len(rows) < FEWEST_ROWS:
        return {}
    # Rows alike in all columns are interchangeable, and any other order is settled by the hash.
    order = np.argsort(pd.util.hash_pandas_object(rows, index=False).to_numpy(), kind="stable")[:MOST_ROWS]
    sample = rows.iloc[order].reset_index(drop=True)
    shuffled = np.random.default_rng(_SEED).permutation(len(sample))
    found = changes(sample, sample.iloc[shuffled], model=model, target=target)
    means = {name: float(each.mean()) for name, each in found.items()}
    total = sum(means.values())
    return {name: mean / total for name, mean in means.items()} if np.isfinite(total) and total > 0 else {}


def changes(rows: pd.DataFrame, others: pd.DataFrame, *, model: Any, target: Target) -> dict[str, np.ndarray]:
    """Return by column `(n_rows,)` by how much answers change where its values are those of `(n_rows,)` other rows.

    Of several numbers that make one answer it is the mean change.
    """
    with threadpool_limits(limits=1):
        before = target.answers(model, rows)
        return {
            str(name): np.abs(target.answers(model, rows.assign(**{str(name): others[name].to_numpy()})) - before)
            .reshape(len(rows), -1)
            .mean(axis=1)
            for name in rows.columns
        }
