"""Gradient boosting by XGBoost, stopped early on training rows of its own."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import FitTask, SearchRange
from mlsys.models.boosting import Boosting, Learned
from mlsys.models.contributions import Contributions, of_table


class XGBoost(Boosting):
    """Boosted trees by the histogram method.

    Attributes:
        max_depth: most levels of a tree.
        min_child_weight: least weight of the rows in a leaf.
        subsample: share of the training rows that each tree sees.
        colsample_bytree: share of the features that each tree sees.
        reg_lambda: L2 penalty on leaf values.
    """

    kind: Literal["xgboost"] = "xgboost"
    effort = 5
    search: ClassVar = {
        "learning_rate": SearchRange(0.02, 0.3, log=True),
        "max_depth": SearchRange(2, 9),
        "min_child_weight": SearchRange(0.5, 20.0, log=True),
        "subsample": SearchRange(0.5, 1.0),
        "colsample_bytree": SearchRange(0.4, 1.0),
        "reg_lambda": SearchRange(0.1, 20.0, log=True),
    }
    max_depth: int = Field(default=6, ge=1, le=20)
    min_child_weight: float = Field(default=1.0, ge=0)
    subsample: float = Field(default=1.0, gt=0, le=1)
    colsample_bytree: float = Field(default=1.0, gt=0, le=1)
    reg_lambda: float = Field(default=1.0, ge=0)

    def estimator(self, task: FitTask) -> Any:
        """Return an XGBClassifier or XGBRegressor; it chooses objective and metric by the classes it finds."""
        import xgboost

        kind = xgboost.XGBRegressor if task.estimator == "regressor" else xgboost.XGBClassifier
        return kind(
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            min_child_weight=self.min_child_weight,
            subsample=self.subsample,
            colsample_bytree=self.colsample_bytree,
            reg_lambda=self.reg_lambda,
            tree_method="hist",
            n_jobs=task.threads,
            random_state=task.seed,
            verbosity=0,
        )

    def learn(self, model: Any, training: Learned, inner: Learned | None) -> int:
        """Fit the estimator in place, stopping early on `inner` if there is one, and return the rounds it uses."""
        training = _without_gaps(training)
        if inner is None:
            model.fit(training.X, training.y, sample_weight=training.weight, verbose=False)
            return self.n_estimators
        model.set_params(early_stopping_rounds=self.early_stopping_rounds).fit(
            training.X,
            training.y,
            sample_weight=training.weight,
            eval_set=[(inner.X, inner.y)],
            sample_weight_eval_set=None if inner.weight is None else [inner.weight],
            verbose=False,
        )
        return int(model.best_iteration) + 1

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return the TreeSHAP of XGBoost itself, of the rounds that it uses; its numbers are float32."""
        import xgboost

        rounds = (0, estimator.best_iteration + 1) if hasattr(estimator, "best_iteration") else (0, 0)
        rows = xgboost.DMatrix(X, nthread=estimator.n_jobs)
        table = estimator.get_booster().predict(rows, pred_contribs=True, iteration_range=rounds)
        said = estimator.predict(X, output_margin=True)
        return of_table(table, said, classes=hasattr(estimator, "classes_"), tolerance=1e-4)


def _without_gaps(training: Learned) -> Learned:
    """Return the rows, and one that weighs nothing for each class that has none, as XGBoost takes codes 0, 1, 2 ...

    Regression, whose targets are floats, is left alone.
    """
    import numpy as np

    y = training.y
    if y.dtype.kind == "f" or not len(y):
        return training
    absent = np.setdiff1d(np.arange(y.max(), dtype=y.dtype), y)
    if not absent.size:
        return training
    from scipy.sparse import issparse, vstack

    filler = training.X[np.zeros(absent.size, dtype=int)]
    X = vstack([training.X, filler], format="csr") if issparse(training.X) else np.vstack([training.X, filler])
    weight = np.ones(len(y)) if training.weight is None else training.weight
    return Learned(X, np.concatenate([y, absent]), np.concatenate([weight, np.zeros(absent.size)]))
