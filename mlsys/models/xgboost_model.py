"""Gradient boosting by XGBoost, stopped early on training rows of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import NO_EARLY_STOPPING, FitTask, Fitted, Model, SearchRange

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class XGBoost(Model):
    """Boosted trees by the histogram method.

    Attributes:
        learning_rate: how much of each tree's correction is taken.
        max_depth: most levels of a tree.
        min_child_weight: least weight of the rows in a leaf.
        subsample: share of the training rows that each tree sees.
        colsample_bytree: share of the features that each tree sees.
        reg_lambda: L2 penalty on leaf values.
        n_estimators: most rounds; early stopping usually ends sooner.
        early_stopping_rounds: stop when the log loss on the inner rows has not improved for so many rounds; None
            fits all rounds on all training rows. The inner rows are training rows set aside by their key, never
            validation rows, so that choosing a candidate on validation rows stays fair.
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
    n_estimators: int = Field(default=400, ge=1, le=20_000)
    learning_rate: float = Field(default=0.08, gt=0, le=1)
    max_depth: int = Field(default=6, ge=1, le=20)
    min_child_weight: float = Field(default=1.0, ge=0)
    subsample: float = Field(default=1.0, gt=0, le=1)
    colsample_bytree: float = Field(default=1.0, gt=0, le=1)
    reg_lambda: float = Field(default=1.0, ge=0)
    early_stopping_rounds: int | None = Field(default=30, ge=1, le=20_000)

    def estimator(self, task: FitTask) -> Any:
        """Return an XGBClassifier without early stopping (`fit` adds it where the inner rows allow it)."""
        from xgboost import XGBClassifier

        return XGBClassifier(
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            min_child_weight=self.min_child_weight,
            subsample=self.subsample,
            colsample_bytree=self.colsample_bytree,
            reg_lambda=self.reg_lambda,
            objective="binary:logistic",
            eval_metric="logloss",
            tree_method="hist",
            n_jobs=task.threads,
            random_state=task.seed,
            verbosity=0,
        )

    def fit(self, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Fit features and trees on the training rows less the inner ones, and stop on the inner ones."""
        from sklearn.pipeline import Pipeline

        inner = task.inner
        if self.early_stopping_rounds is None:
            return super().fit(features, rows, y, task)
        if not task.can_stop_early(y):
            fitted = super().fit(features, rows, y, task)
            return Fitted(fitted.pipeline, (NO_EARLY_STOPPING,))
        X = features.fit_transform(rows[~inner], y[~inner])
        model = self.estimator(task).set_params(early_stopping_rounds=self.early_stopping_rounds)
        model.fit(X, y[~inner], eval_set=[(features.transform(rows[inner]), y[inner])], verbose=False)
        rounds = model.best_iteration + 1
        note = f"Uses {rounds} of at most {self.n_estimators} rounds, stopped on {int(inner.sum())} inner training rows"
        return Fitted(Pipeline([("features", features), ("model", model)]), (note,))
