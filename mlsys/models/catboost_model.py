"""Gradient boosting by CatBoost, which takes categories as they are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import FitTask, SearchRange
from mlsys.models.boosting import Boosting, Learned
from mlsys.models.contributions import Contributions, of_table
from mlsys.models.optional import optional

if TYPE_CHECKING:
    from mlsys.features.base import FeatureColumns, Features

_SOURCE = re.compile(r"^\S+\.(cpp|h|pyx):\d+: ")
MISSING = "(missing)"  # CatBoost takes texts alone


class CatBoost(Boosting):
    """Boosted symmetric trees on numbers and on categories, each of which becomes the mean target of earlier rows.

    The feature recipe prepares the numbers alone. A missing category is one of its own; one that training had not
    counts as one without any row.

    Attributes:
        depth: levels of a tree.
        l2_leaf_reg: L2 penalty on leaf values.
        random_strength: how much chance is added to the choice between splits, less with every tree.
        rsm: share of the features that each split may choose from.
        one_hot_max_size: categories of a column up to which it becomes a column for each of them instead.
        max_ctr_complexity: most columns of categories that are combined into one.
    """

    kind: Literal["catboost"] = "catboost"
    libraries: ClassVar = {"catboost": "boosting"}
    effort = 9
    sparse = "refuses"  # beside categories as they are
    search: ClassVar = {
        "learning_rate": SearchRange(0.02, 0.3, log=True),
        "depth": SearchRange(3, 9),
        "l2_leaf_reg": SearchRange(0.5, 30.0, log=True),
        "random_strength": SearchRange(0.1, 10.0, log=True),
        "rsm": SearchRange(0.4, 1.0),
    }
    depth: int = Field(default=6, ge=1, le=16)
    l2_leaf_reg: float = Field(default=3.0, ge=0)
    random_strength: float = Field(default=1.0, ge=0)
    rsm: float = Field(default=1.0, gt=0, le=1)
    one_hot_max_size: int = Field(default=2, ge=1, le=255)
    max_ctr_complexity: int = Field(default=2, ge=1, le=8)

    def transformer(self, recipe: Features, columns: FeatureColumns) -> Any:
        """Return the recipe for numbers and text, and the categories as they are, unfitted; both give a DataFrame."""
        texts = tuple(name for name in columns.categorical if name in recipe.texts)
        categories = [name for name in columns.categorical if name not in texts]
        if not categories:
            return recipe.build_dense(columns)
        from sklearn.compose import ColumnTransformer

        parts: list[tuple[str, Any, list[str]]] = [("categories", _texts(), categories)]
        if columns.numeric or texts:
            others = recipe.build_dense(replace(columns, categorical=texts))
            parts.insert(0, ("recipe", others, [*columns.numeric, *texts]))
        # What counts n-grams can't give a DataFrame.
        return _framed(ColumnTransformer(parts)) if texts else ColumnTransformer(parts).set_output(transform="pandas")

    def estimator(self, task: FitTask) -> Any:
        """Return a CatBoostClassifier or CatBoostRegressor; it chooses its loss by the classes it finds.

        Raises:
            UsageError: CatBoost is not installed.
        """
        catboost = optional("catboost", extra="boosting", needed_by="models: catboost")
        kind = catboost.CatBoostRegressor if task.estimator == "regressor" else catboost.CatBoostClassifier
        return kind(
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            depth=self.depth,
            l2_leaf_reg=self.l2_leaf_reg,
            random_strength=self.random_strength,
            rsm=self.rsm,
            one_hot_max_size=self.one_hot_max_size,
            max_ctr_complexity=self.max_ctr_complexity,
            allow_const_label=True,
            random_seed=task.seed,
            thread_count=task.threads,
            allow_writing_files=False,
            logging_level="Silent",
        )

    def learn(self, model: Any, training: Learned, inner: Learned | None) -> int:
        """Fit the estimator in place, stopping early on `inner` if there is one, and return the rounds it uses."""
        import catboost

        if (training.y == training.y[0]).all():
            model.set_params(bootstrap_type="No")  # it samples by gradients, and finds none
        try:
            watched: dict[str, Any] = {}
            threads = model.get_param("thread_count")  # a Pool takes all cores otherwise
            if inner is not None:
                watched = {"eval_set": _pool(inner, threads), "early_stopping_rounds": self.early_stopping_rounds}
            model.fit(_pool(training, threads), **watched)
        except catboost.CatBoostError as error:
            # Its own errors are no kind of ValueError, and begin with a file of its source.
            raise ValueError(f"CatBoost: {_SOURCE.sub('', str(error))}") from error
        # An id by chance and the time of day are no part of what was learned.
        told = model.get_metadata()
        del told["model_guid"], told["train_finish_time"]
        return int(model.tree_count_)

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return the TreeSHAP of CatBoost itself."""
        import numpy as np
        from sklearn.base import is_classifier

        threads = estimator.get_param("thread_count")
        rows = _pool(Learned(X, np.zeros(X.shape[0])), threads)
        table = estimator.get_feature_importance(rows, type="ShapValues", thread_count=threads)
        said = estimator.predict(rows, prediction_type="RawFormulaVal", thread_count=threads)
        return of_table(table, said, classes=is_classifier(estimator))


def _texts() -> Any:
    """Return the transformer of categories to texts, whether None or NaN, as in MLflow, stands for a missing one."""
    import pandas as pd
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    objects = FunctionTransformer(pd.DataFrame.astype, kw_args={"dtype": "object"}, feature_names_out="one-to-one")
    filled = FunctionTransformer(pd.DataFrame.fillna, kw_args={"value": MISSING}, feature_names_out="one-to-one")
    return Pipeline([("objects", objects), ("filled", filled)])


def _framed(transformer: Any) -> Any:
    """Return a transformer whose array of numbers and texts becomes a DataFrame of columns of either type."""
    import pandas as pd
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    named = FunctionTransformer(pd.DataFrame.add_prefix, kw_args={"prefix": "column_"})
    steps = [("frame", FunctionTransformer(pd.DataFrame)), ("names", named)]
    return Pipeline([("columns", transformer), *steps, ("types", FunctionTransformer(pd.DataFrame.infer_objects))])


def _pool(rows: Learned, threads: int) -> Any:
    from catboost import Pool

    named = getattr(rows.X, "dtypes", None)  # a DataFrame where there are categories
    categories = [] if named is None else [str(name) for name, kind in named.items() if kind.kind not in "fiub"]
    return Pool(rows.X, rows.y, cat_features=categories, weight=rows.weight, thread_count=threads)
