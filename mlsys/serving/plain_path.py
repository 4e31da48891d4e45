"""The plain way to answer: rows become a DataFrame, are prepared as in training, and go through the fitted pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlsys.serving.column_rows import ColumnRows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.serving.champion import Champion

JsonRows = Sequence[Mapping[str, Any]]


def frame_of(champion: Champion, rows: JsonRows) -> pd.DataFrame:
    """Return rows of JSON's values as a frame of the champion's features, as objects, for `Champion.prepare`.

    pandas would read whole numbers beside a missing one as floats, and lose digits.
    """
    import pandas as pd

    given = ColumnRows.of(rows, champion.features).columns
    return pd.DataFrame(
        {name: pd.Series(values, dtype=object) for name, values in given.items()}, columns=list(champion.features)
    )


def plain_answers(champion: Champion, rows: JsonRows) -> np.ndarray:
    """Return what the champion says of raw rows in its own way, in the layout of `Champion.answers`.

    Raises:
        DataError: a value can't be read as its column's type.
    """
    return champion.answers(frame_of(champion, rows))


def method_of(champion: Champion) -> str:
    """Return which method of the fitted estimator answers."""
    return "predict_proba" if champion.threshold is not None or champion.classes else "predict"


def laid_out(champion: Champion, said: Any) -> np.ndarray:
    """Return what that method returned in the layout of `Champion.answers`."""
    import numpy as np

    found = np.asarray(said, dtype="float64")
    return found if champion.threshold is None else found[:, 1]
