"""Scores made right as probabilities, on training rows that were neither resampled nor fitted on.

What was fitted stays as it is; what is learnt here turns its score into the share of positive rows among rows of such a
score. All of it is scikit-learn's own, so that a model file needs nothing else to serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mlsys.components import Frozen
from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FEWEST = 10  # rows of each class; below it a curve follows single rows
_CLIP = 1e-6  # scores nearer to 0 and 1 have no log odds worth learning from


class Calibration(Frozen):
    """How scores become probabilities, learnt on training rows set aside for it.

    Attributes:
        method: `sigmoid`: a line on the log odds of the score (Platt 1999), two numbers to learn; `isotonic`: any
            rising steps (Zadrozny and Elkan 2002), for many rows of the rarer class; it makes different scores equal.
        share: of the training rows, by key; the model learns from the others alone.
    """

    method: Literal["sigmoid", "isotonic"] = "sigmoid"
    share: float = Field(default=0.2, gt=0, lt=1)

    def calibrated(self, pipeline: Any, rows: pd.DataFrame, y: np.ndarray) -> Any:
        """Return a pipeline that gives the probabilities which the scores of a fitted one stand for.

        Args:
            pipeline: fitted on other rows.
            rows: `(n_rows, n_columns)` raw feature columns, set aside.
            y: `(n_rows,)` class codes, 1 is the positive one.

        Raises:
            ValueError: too few of the rows are of a class.
        """
        import numpy as np
        from sklearn.pipeline import Pipeline

        counts = np.bincount(y, minlength=2)
        if counts.min() < FEWEST:
            raise ValueError(
                f"`calibrate` needs {FEWEST} rows of each class beside those that the model learns from, and has "
                f"{counted(int(counts[1]), 'positive row')} and {int(counts[0]):,} others: raise its `share`, or take "
                "in more days"
            )
        return Pipeline([("model", _METHODS[self.method](pipeline).fit(rows, y))])


def uncalibrated(pipeline: Any) -> Any | None:
    """Return the pipeline behind a calibrated one, or None where it is none."""
    last = pipeline.steps[-1][1] if hasattr(pipeline, "steps") else None
    known = getattr(last, "estimators_", None) or getattr(last, "calibrated_classifiers_", None)
    if type(last).__name__ not in ("StackingClassifier", "CalibratedClassifierCV") or not known:
        return None
    return getattr(known[0], "estimator", None)


def without_line(pipeline: Any) -> Any:
    """Return the pipeline whose scores a line was put on, or the same one where there is no such line.

    Of two lines, one on the other, one is too many: together they are a line.
    """
    last = pipeline.steps[-1][1] if hasattr(pipeline, "steps") else None
    before = uncalibrated(pipeline) if type(last).__name__ == "StackingClassifier" else None
    return pipeline if before is None else without_line(before)


class Line(Frozen):
    """A fitted line on the log odds of scores."""

    slope: float
    intercept: float

    @classmethod
    def on(cls, scores: np.ndarray, y: np.ndarray) -> Line:
        """Return the line for `(n_rows,)` scores of rows of both classes, `y` their codes; 1 is the positive one."""
        return cls.of(line().fit(scores.reshape(-1, 1), y))

    @classmethod
    def of(cls, fitted: Any) -> Line:
        """Return the numbers of a fitted `line()`."""
        return cls(slope=float(fitted[-1].coef_[0, 0]), intercept=float(fitted[-1].intercept_[0]))

    @property
    def rises(self) -> bool:
        """Whether a higher score still means a higher probability; else nothing keeps the order of rows."""
        return self.slope > 0

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Return the `(n_rows,)` probabilities that scores stand for."""
        import numpy as np
        from scipy.special import expit, logit

        found: np.ndarray = expit(self.slope * logit(np.clip(scores, _CLIP, 1 - _CLIP)) + self.intercept)
        return found


def line_of(pipeline: Any) -> Line | None:
    """Return the line that was put on the scores of a pipeline, or None where there is none."""
    last: Any = pipeline.steps[-1][1] if hasattr(pipeline, "steps") else None
    return Line.of(last.final_estimator_) if type(last).__name__ == "StackingClassifier" else None


def line() -> Any:
    """Return the unfitted line on the log odds of scores in [0, 1]: slope and intercept."""
    import numpy as np
    from scipy.special import logit
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    return Pipeline(
        [
            ("clip", FunctionTransformer(np.clip, kw_args={"a_min": _CLIP, "a_max": 1 - _CLIP})),
            ("log_odds", FunctionTransformer(logit)),
            ("line", LogisticRegression(C=np.inf)),
        ]
    )


def _sigmoid(pipeline: Any) -> Any:
    """Return a logistic regression on the log odds; `CalibratedClassifierCV` would put it on what each library gives.

    That is a probability for trees, and a sigmoid of it can't even leave right ones as they are.
    """
    from sklearn.ensemble import StackingClassifier
    from sklearn.frozen import FrozenEstimator

    members = [("model", FrozenEstimator(pipeline))]
    return StackingClassifier(members, line(), cv="prefit", stack_method="predict_proba")


def _isotonic(pipeline: Any) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    return CalibratedClassifierCV(FrozenEstimator(pipeline), method="isotonic", ensemble=False)


_METHODS = {"sigmoid": _sigmoid, "isotonic": _isotonic}
