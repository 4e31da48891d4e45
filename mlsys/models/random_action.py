"""Any action: what a policy is worth that chooses by lot."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from mlsys.models.base import EstimatorType, FitTask
from mlsys.models.baseline import Baseline

_ANY = -1.0  # `metrics.decided.ANY`


class RandomAction(Baseline):
    """Takes every action with the same chance; a sanity line, never chosen. Its value is a mean, not one draw."""

    kind: Literal["random_action"] = "random_action"
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("policy",)
    counterpart = "prior"

    def estimator(self, task: FitTask) -> Any:  # noqa: ARG002 - the lot is drawn when it is judged
        """Return scikit-learn's DummyRegressor, which gives the number that stands for any action."""
        from sklearn.dummy import DummyRegressor

        return DummyRegressor(strategy="constant", constant=_ANY)
