"""The default recipe: robustly scaled numbers, marks for missing ones, one column per frequent category."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mlsys.features.base import FeatureColumns, Features
from mlsys.features.text import TextColumn
from mlsys.schema import LARGEST


class TabularFeatures(Features):
    """Numbers and categories for any model; made of scikit-learn's own parts alone.

    A column that is all missing in training stays, as zeros. A category not seen in training counts as a rare one,
    or as none at all where training had no rare ones.

    Attributes:
        scale: centre numbers on the median and divide by the interquartile range.
        clip: cut scaled numbers at plus and minus this many interquartile ranges; None = at what models can hold.
        missing_indicators: one more column for each number that was missing somewhere in training.
        missing_category: missing categories are a category of their own, or the most frequent one.
        rare_share: categories with a smaller share of the training rows are grouped into one.
        max_categories: columns that one category column may become; the least frequent ones are grouped. A column
            with a different value in almost every row is grouped away altogether, and training says so in a note.
        text: columns to be taken apart into n-grams, by name; the matrix is sparse then. Others of type text are
            categories.
    """

    kind: Literal["tabular"] = "tabular"
    scale: bool = True
    clip: float | None = Field(default=None, gt=0)
    missing_indicators: bool = True
    missing_category: Literal["own", "most_frequent"] = "own"
    rare_share: float = Field(default=0.005, ge=0, lt=0.5)
    max_categories: int = Field(default=30, ge=2, le=1000)
    text: dict[str, TextColumn] = Field(default={}, exclude_if=lambda columns: not columns)

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns that it takes apart into n-grams."""
        return tuple(self.text)

    @property
    def sparse_only(self) -> bool:
        """Whether a column of text has no `reduce`."""
        return any(column.reduce is None for column in self.text.values())

    def build(self, columns: FeatureColumns) -> Any:
        """Return an unfitted ColumnTransformer to a float64 matrix, dense or, with text, CSR; it picks by name."""
        return self._build(columns, dense=False)

    def build_dense(self, columns: FeatureColumns) -> Any:
        """Return one to a dense matrix, with each column of text reduced."""
        return self._build(columns, dense=True)

    def _build(self, columns: FeatureColumns, *, dense: bool) -> Any:
        from sklearn.compose import ColumnTransformer

        texts = [name for name in columns.categorical if name in self.text]
        categories = [name for name in columns.categorical if name not in self.text]
        others = self._others(list(columns.numeric), categories)
        if not texts:
            return others
        # A name in place of a list: text comes as a Series.
        parts: list[tuple[str, Any, Any]] = [
            (f"text {name}", self.text[name].build(dense=dense), name) for name in texts
        ]
        if columns.numeric or categories:
            parts.insert(0, ("others", others, [*columns.numeric, *categories]))
        return ColumnTransformer(parts, sparse_threshold=0.0 if dense else 1.0)

    def _others(self, numeric: list[str], categories: list[str]) -> Any:
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import MissingIndicator

        parts: list[tuple[str, Any, list[str]]] = []
        if numeric:
            parts.append(("numbers", self._numbers(), numeric))
            if self.missing_indicators:
                # Columns complete in training get no mark, and must not fail when they have holes later.
                marks = MissingIndicator(features="missing-only", error_on_new=False)
                parts.append(("missing", marks, numeric))
        if categories:
            parts.append(("categories", self._categories(), categories))
        return ColumnTransformer(parts, sparse_threshold=0.0)

    def _numbers(self) -> Any:
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import RobustScaler

        steps: list[tuple[str, Any]] = [("impute", SimpleImputer(strategy="median", keep_empty_features=True))]
        if self.scale:
            steps.append(("scale", RobustScaler(copy=False)))
        # Scaled, a number that models can just hold may be one that they can't.
        limit = LARGEST if self.clip is None and self.scale else self.clip
        if limit is not None:
            steps.append(("clip", self._clipper(limit)))
        return Pipeline(steps)

    def _clipper(self, limit: float) -> Any:
        import numpy as np
        from sklearn.preprocessing import FunctionTransformer

        return FunctionTransformer(np.clip, kw_args={"a_min": -limit, "a_max": limit}, feature_names_out="one-to-one")

    def _categories(self) -> Any:
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

        steps = _none_where_missing()
        if self.missing_category == "most_frequent":
            imputer = SimpleImputer(strategy="most_frequent", missing_values=None, keep_empty_features=True)
            steps.append(("impute", imputer))
        # Codes first: OneHotEncoder counts numbers in C and texts in Python, 6 x slower. None is a value like any
        # other; -1 was not in training, so the second encoder takes it for unknown too.
        steps.append(("code", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)))
        encoder = OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=self.rare_share or None,
            max_categories=self.max_categories,
            sparse_output=False,
        )
        steps.append(("encode", encoder))
        return Pipeline(steps)


def _none_where_missing() -> list[tuple[str, Any]]:
    """Return the steps after which a missing category is None, as in training.

    A caller's frame, MLflow's too, may have NaN for it, and a column without any value may be one of floats: NaN is
    then another category than None, and an encoder of texts can't compare it with them.
    """
    import pandas as pd
    from sklearn.preprocessing import FunctionTransformer

    objects = FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": "object"}, feature_names_out="one-to-one")
    known = {"cond": pd.notna, "other": None}
    nones = FunctionTransformer(pd.DataFrame.where, kw_args=known, feature_names_out="one-to-one")
    return [("objects", objects), ("nones", nones)]
