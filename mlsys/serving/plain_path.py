"""The plain way to answer: rows become a DataFrame, are prepared as in training, and go through the fitted pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlsys.errors import RunError

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

    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=object) for name in champion.features},
        columns=list(champion.features),
    )


def plain_answers(champion: Champion, rows: JsonRows) -> np.ndarray:
    """Return what the champion says of raw rows in its own way, laid out as `chosen` does.

    Raises:
        DataError: a value can't be read as its column's type.
        RunError: an answer is not a finite number.
    """
    return answers_to(champion, champion.prepare(frame_of(champion, rows)))


def answers_to(champion: Champion, prepared: pd.DataFrame) -> np.ndarray:
    """Return what the champion's pipeline says of prepared rows, laid out as `chosen` does."""
    import numpy as np

    if prepared.empty:  # scikit-learn refuses to predict nothing
        width = len(champion.classes) or len(champion.actions)
        return np.empty((0, width) if width else 0)
    return chosen(champion, getattr(champion.model, method_of(champion))(prepared))


def method_of(champion: Champion) -> str:
    """Return which method of the fitted estimator answers."""
    return "predict_proba" if champion.threshold is not None or champion.classes else "predict"


def chosen(champion: Champion, table: Any) -> np.ndarray:
    """Return an estimator's answers as float64: `(n_rows,)` probabilities of the positive class, or numbers;
    `(n_rows, n_classes)` probabilities of several classes, or what each action is worth.

    Raises:
        RunError: one is not a finite number.
    """
    import numpy as np

    found = np.asarray(table, dtype="float64")
    if champion.threshold is not None:
        found = found[:, list(champion.model.classes_).index(1)]
    if not np.isfinite(found).all():
        raise RunError("The model gives answers that are not finite numbers", where=champion.pipeline)
    return found
