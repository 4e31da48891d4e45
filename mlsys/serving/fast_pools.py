"""What CatBoost is given: numbers by the steps on arrays, and beside them the categories as they are.

Its own way from a DataFrame looks at every value in Python; numbers and texts apart it takes as they lie in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlsys.serving.fast_blocks import NotConvertibleError
from mlsys.serving.fast_features import FeatureProgram, feature_program
from mlsys.serving.fast_rows import ReadValues

_FRAMED = ["columns", "frame", "names", "types"]  # an array of numbers and texts that becomes a DataFrame
_CATEGORIES = ["objects", "filled"]


@dataclass(frozen=True)
class PoolProgram:
    """What a fitted transformer does whose DataFrame ends in columns of categories.

    Attributes:
        numbers: what becomes of the other columns, which stand before them; None where there are none.
        categories: columns that are taken as they are.
        missing: what stands for a missing category.
        width: columns of all that it makes.
        sparse: never; as `FeatureProgram` has it.
    """

    numbers: FeatureProgram | None
    categories: Sequence[str]
    missing: str
    width: int
    sparse: bool = False

    def matrix(self, values: ReadValues) -> Any:
        """Return rows, at least one, as CatBoost's Pool."""
        import numpy as np
        from catboost import FeaturesData, Pool

        texts = np.empty((len(values), len(self.categories)), dtype=object)
        for place, name in enumerate(self.categories):
            texts[:, place] = [(self.missing if text is None else text).encode() for text in values.texts[name]]
        numbers = None
        if self.numbers is not None:
            with np.errstate(over="ignore"):  # it becomes infinite, as in CatBoost's own float32
                numbers = self.numbers.matrix(values).astype("float32")
        # More threads than one cost more than they bring to the rows of a request.
        return Pool(FeaturesData(num_feature_data=numbers, cat_feature_data=texts), thread_count=1)


def program_of(transformer: Any, numeric: Sequence[str]) -> FeatureProgram | PoolProgram:
    """Return what a fitted transformer does, for values whose numbers have these columns.

    Raises:
        NotConvertibleError: a step of it has no form on arrays.
    """
    from sklearn.compose import ColumnTransformer

    steps = list(getattr(transformer, "steps", []))
    columns = steps[0][1] if [name for name, _ in steps] == _FRAMED else transformer
    parts = list(columns.transformers_) if type(columns) is ColumnTransformer else []
    if [name for name, _, _ in parts] not in (["categories"], ["recipe", "categories"]):
        return feature_program(transformer, numeric)
    _, part, names = parts[-1]
    if [name for name, _ in getattr(part, "steps", [])] != _CATEGORIES:
        return feature_program(transformer, numeric)
    missing = _filling(part.named_steps["filled"])
    numbers = feature_program(parts[0][1], numeric) if len(parts) > 1 else None
    return PoolProgram(numbers, tuple(names), missing, len(names) + (0 if numbers is None else numbers.width))


def _filling(step: Any) -> str:
    """Return what a fitted step writes in place of a missing category."""
    import pandas as pd

    if step.func is not pd.DataFrame.fillna or set(step.kw_args) != {"value"}:
        raise NotConvertibleError("missing categories are filled in another way")
    return str(step.kw_args["value"])
