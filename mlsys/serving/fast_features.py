"""A fitted feature recipe as a program on arrays: the same operations on the same numbers, without pandas.

Nothing here is a second preprocessing: each block is made from the fitted attributes of a step, or by asking the step
itself what becomes of each known value. A step that is not known here, or has another setting, is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsys.serving.fast_blocks import CategoryColumns, ColumnBlock, MissingMarks, NotConvertibleError, Numbers
from mlsys.serving.fast_rows import ReadValues
from mlsys.serving.fast_text import text_block

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class FeatureProgram:
    """What a fitted transformer does.

    Attributes:
        blocks: with the column where each begins, and the one before which it ends.
        width: columns of the matrix.
        sparse: whether the transformer gives a sparse matrix, in which zeros are not stored.
    """

    blocks: Sequence[tuple[int, int, ColumnBlock]]
    width: int
    sparse: bool

    def matrix(self, values: ReadValues) -> np.ndarray:
        """Return `(n_rows, width)` float64."""
        import numpy as np

        found = np.zeros((len(values), self.width))
        for begin, end, block in self.blocks:
            block.fill(found[:, begin:end], values)
        return found


def feature_program(transformer: Any, numeric: Sequence[str]) -> FeatureProgram:
    """Return what a fitted recipe does, for values whose numbers have these columns.

    Raises:
        NotConvertibleError: a step of it has no form on arrays.
    """
    from sklearn.compose import ColumnTransformer

    if type(transformer) is not ColumnTransformer:
        raise NotConvertibleError(f"the features are made by {type(transformer).__name__}")
    places = {name: place for place, name in enumerate(numeric)}
    blocks = list(_blocks(transformer, places, 0))
    return FeatureProgram(blocks, max(end for _, end, _ in blocks), bool(transformer.sparse_output_))


def _blocks(transformer: Any, places: dict[str, int], offset: int) -> list[tuple[int, int, ColumnBlock]]:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator

    found: list[tuple[int, int, ColumnBlock]] = []
    for name, part, columns in transformer.transformers_:
        where = transformer.output_indices_[name]
        begin, end = offset + where.start, offset + where.stop
        if begin == end:
            continue
        if isinstance(columns, str):
            found.append((begin, end, text_block(part, columns)))
        elif type(part) is ColumnTransformer:
            found += _blocks(part, places, begin)
        elif type(part) is MissingIndicator:
            found.append((begin, end, _marks(part, [places[column] for column in columns])))
        elif all(column in places for column in columns):
            found.append((begin, end, _numbers(part, [places[column] for column in columns])))
        else:
            found += _categories(part, list(columns), begin)
    return found


def _marks(part: Any, places: list[int]) -> ColumnBlock:
    if part.features != "missing-only" or part.error_on_new:
        raise NotConvertibleError("missing numbers are marked in another way")
    return MissingMarks(_run([places[i] for i in part.features_]))


def _numbers(part: Any, places: list[int]) -> ColumnBlock:
    import numpy as np

    steps: dict[str, Any] = dict(part.steps) if hasattr(part, "steps") else {"impute": part}
    for name, step in steps.items():
        if (name, type(step).__name__) not in _KNOWN_NUMBERS:
            raise NotConvertibleError(f"numbers go through {type(step).__name__}")
    if list(steps) != [name for name, _ in _KNOWN_NUMBERS if name in steps] or "impute" not in steps:
        raise NotConvertibleError(f"numbers go through {' and '.join(steps)} in this order")
    imputer: Any = steps["impute"]
    scaler, clip = steps.get("scale"), steps.get("clip")
    plain = not imputer.add_indicator and imputer.keep_empty_features and np.isnan(imputer.missing_values)
    if not plain or (scaler is not None and scaler.unit_variance):
        raise NotConvertibleError("numbers are imputed or scaled in another way")
    if clip is not None and (clip.func is not np.clip or set(clip.kw_args) != {"a_min", "a_max"}):
        raise NotConvertibleError("numbers go through a function that is not known")
    return Numbers(
        _run(places),
        np.asarray(imputer.statistics_, dtype="float64"),
        scaler.center_ if scaler is not None and scaler.with_centering else None,
        scaler.scale_ if scaler is not None and scaler.with_scaling else None,
        None if clip is None else (clip.kw_args["a_min"], clip.kw_args["a_max"]),
    )


def _run(places: list[int]) -> slice | np.ndarray:
    """Return places as what takes them fastest from an array."""
    import numpy as np

    alike = places == list(range(places[0], places[0] + len(places)))
    return slice(places[0], places[0] + len(places)) if alike else np.array(places)


_KNOWN_NUMBERS = (("impute", "SimpleImputer"), ("scale", "RobustScaler"), ("clip", "FunctionTransformer"))
_KNOWN_CATEGORIES = (
    ("objects", "FunctionTransformer"),
    ("nones", "FunctionTransformer"),
    ("impute", "SimpleImputer"),
    ("code", "OrdinalEncoder"),
    ("encode", "OneHotEncoder"),
)


def _categories(part: Any, names: list[str], offset: int) -> list[tuple[int, int, ColumnBlock]]:
    """Return a block for each column, by asking the fitted steps what becomes of each value that they know."""
    import numpy as np
    import pandas as pd

    steps = [(name, type(step).__name__) for name, step in getattr(part, "steps", [])]
    if not steps or steps != [step for step in _KNOWN_CATEGORIES if step in steps] or steps[-1][0] != "encode":
        raise NotConvertibleError("categories go through steps that are not known")
    unseen = "\0"
    categories = part.named_steps["code"].categories_
    while any(unseen in known for known in categories):
        unseen += "\0"
    # Which input column each output column is of: `c3_...` is of the fourth.
    named = part.named_steps["encode"].get_feature_names_out([f"c{i}" for i in range(len(names))])
    of = np.array([int(str(name)[1:].partition("_")[0]) for name in named])
    found: list[tuple[int, int, ColumnBlock]] = []
    for i, name in enumerate(names):
        values = [unseen, None, *(value for value in categories[i] if isinstance(value, str))]
        asked = pd.DataFrame({other: pd.Series([unseen] * len(values), dtype=object) for other in names})
        asked[name] = pd.Series(values, dtype=object)
        mine = np.flatnonzero(of == i)
        table = np.asarray(part.transform(asked))[:, mine]
        if not np.isin(table, (0, 1)).all() or (table.sum(axis=1) > 1).any():
            raise NotConvertibleError("a category has more than one column")
        columns = np.where(table.any(axis=1), table.argmax(axis=1), -1).tolist()
        otherwise = columns[0]
        known = {value: column for value, column in zip(values[1:], columns[1:], strict=True) if column != otherwise}
        if mine.size:
            found.append((offset + int(mine[0]), offset + int(mine[-1]) + 1, CategoryColumns(name, known, otherwise)))
    return found
