"""Gradient boosting by LightGBM, stopped early on training rows of its own."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from mlsys.models.base import FitTask, SearchRange
from mlsys.models.boosting import Boosting, Learned
from mlsys.models.contributions import Contributions, of_table
from mlsys.models.optional import optional


class LightGBM(Boosting):
    """Boosted trees that grow leaf by leaf, the most useful one first.

    Attributes:
        num_leaves: most leaves of a tree.
        min_child_samples: fewest training rows in a leaf.
        subsample: share of the training rows that each tree sees.
        colsample_bytree: share of the features that each tree sees.
        reg_lambda: L2 penalty on leaf values.
    """

    kind: Literal["lightgbm"] = "lightgbm"
    libraries: ClassVar = {"lightgbm": "boosting"}
    effort = 4
    search: ClassVar = {
        "learning_rate": SearchRange(0.02, 0.3, log=True),
        "num_leaves": SearchRange(4, 128),
        "min_child_samples": SearchRange(5, 80),
        "subsample": SearchRange(0.5, 1.0),
        "colsample_bytree": SearchRange(0.4, 1.0),
        "reg_lambda": SearchRange(0.001, 20.0, log=True),
    }
    num_leaves: int = Field(default=31, ge=2, le=4096)
    min_child_samples: int = Field(default=20, ge=1)
    subsample: float = Field(default=1.0, gt=0, le=1)
    colsample_bytree: float = Field(default=1.0, gt=0, le=1)
    reg_lambda: float = Field(default=0.0, ge=0)

    def estimator(self, task: FitTask) -> Any:
        """Return an LGBMClassifier or LGBMRegressor; it chooses objective and metric by the classes it finds.

        Raises:
            UsageError: LightGBM is not installed.
        """
        lightgbm = optional("lightgbm", extra="boosting", needed_by="models: lightgbm")
        kind = lightgbm.LGBMRegressor if task.estimator == "regressor" else lightgbm.LGBMClassifier
        return kind(
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            num_leaves=self.num_leaves,
            min_child_samples=self.min_child_samples,
            subsample=self.subsample,
            subsample_freq=int(self.subsample < 1),  # 0, its default, ignores `subsample`
            colsample_bytree=self.colsample_bytree,
            reg_lambda=self.reg_lambda,
            deterministic=True,
            force_row_wise=True,  # else it times both ways and takes the faster one, which differs by chance
            random_state=task.seed,
            n_jobs=task.threads,
            verbosity=-1,
        )

    def learn(self, model: Any, training: Learned, inner: Learned | None) -> int:
        """Fit the estimator in place, stopping early on `inner` if there is one, and return the rounds it uses."""
        import lightgbm
        import numpy as np
        from sklearn.base import is_classifier

        watched: dict[str, Any] = {}
        if inner is not None and self.early_stopping_rounds is not None:
            # It renumbers the classes of `y` from 0 on without a gap, but not those of `eval_y`.
            eval_y = np.searchsorted(np.unique(training.y), inner.y) if is_classifier(model) else inner.y
            weight = None if inner.weight is None else [inner.weight]
            stop = lightgbm.early_stopping(self.early_stopping_rounds, verbose=False)
            watched = {"eval_X": inner.X, "eval_y": eval_y, "eval_sample_weight": weight, "callbacks": [stop]}
        try:
            model.fit(training.X, training.y, sample_weight=training.weight, **watched)
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(f"LightGBM: {error}") from error  # its own errors are no kind of ValueError
        return int(model.best_iteration_ or model.n_estimators_)

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return the TreeSHAP of LightGBM itself."""
        rows = X.toarray() if hasattr(X, "toarray") else X
        table, said = estimator.predict(rows, pred_contrib=True), estimator.predict(rows, raw_score=True)
        return of_table(table, said, classes=hasattr(estimator, "classes_"))
