"""A blend: several models side by side, whose predictions are averaged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from mlsys.components import Table
from mlsys.models.base import EstimatorType, FitTask, Fitted, Model
from mlsys.models.catboost_model import CatBoost
from mlsys.models.contributions import Contributions, of_pipeline
from mlsys.models.elastic_net import ElasticNet
from mlsys.models.extra_trees import ExtraTrees
from mlsys.models.hist_gradient_boosting import HistGradientBoosting
from mlsys.models.lightgbm_model import LightGBM
from mlsys.models.linear import Linear
from mlsys.models.logistic import Logistic
from mlsys.models.random_forest import RandomForest
from mlsys.models.ridge import Ridge
from mlsys.models.xgboost_model import XGBoost

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.features.base import FeatureColumns, Features

_LINES: list[type[Model]] = [Logistic, Linear, Ridge, ElasticNet]
_TREES: list[type[Model]] = [RandomForest, ExtraTrees, HistGradientBoosting, XGBoost, LightGBM, CatBoost]
MEMBERS = Table("member of a blend", "mlsys.models", Model, [*_LINES, *_TREES])

FEWEST, MOST = 2, 10


class Blend(Model):
    """Fits its members on the same rows, each in its own way, and averages their probabilities, or their numbers.

    It is worth its price where the members are good and differ: boosted trees and a line, say. It is not tuned.

    Attributes:
        of: two to ten members, as candidates are written; two of a kind need a `name` each.
        weights: what each one counts, in their order; none = all alike.
    """

    kind: Literal["blend"] = "blend"
    effort = 12
    estimators: ClassVar[tuple[EstimatorType, ...]] = ("classifier", "regressor")
    of: tuple[MEMBERS.field(), ...]  # type: ignore[valid-type]
    weights: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Blend:
        names = [member.label for member in self.of]
        if not FEWEST <= len(names) <= MOST:  # no limit of the field: it would count the members that can be read
            raise ValueError(f"A blend has {FEWEST} to {MOST} members, not {len(names)}")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"Two members are called '{twice[0]}': give each a `name`")
        prepared = [member.label for member in self.of if member.resample or member.calibrate]
        if prepared:
            raise ValueError(f"'{prepared[0]}' is a member: give `resample` and `calibrate` to the blend itself")
        if self.weights is not None and (len(self.weights) != len(names) or min(self.weights) <= 0):
            raise ValueError(f"`weights` takes a number above 0 for each of the {len(names)} members")
        return self

    def obstacle(self, estimator: EstimatorType) -> str | None:
        """Return the first member's obstacle, if one has any."""
        return next((found for found in (member.obstacle(estimator) for member in self.of) if found), None)

    def misfit(self, recipe: Features) -> str | None:
        """Return the first member's misfit, if one has any."""
        return next((found for found in (member.misfit(recipe) for member in self.of) if found), None)

    def transformer(self, recipe: Features, columns: FeatureColumns) -> list[Any]:
        """Return each member's transformer."""
        return [member.transformer(recipe, columns) for member in self.of]

    def estimator(self, task: FitTask) -> Any:
        """Return scikit-learn's VotingClassifier or VotingRegressor of the members' estimators."""
        return self._voting([(m.label, m.estimator(task)) for m in self.of], task)

    def fit(self, features: list[Any], rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Fit the members one after another, each behind its own features and with a seed of its own.

        They see the classes renumbered without gaps, so that all have the same ones.
        """
        import numpy as np
        from sklearn.frozen import FrozenEstimator
        from sklearn.pipeline import Pipeline

        self.require(task)
        dense = y if task.estimator == "regressor" else np.unique(y, return_inverse=True)[1].astype(y.dtype)
        parts: list[tuple[str, Any]] = []
        notes: list[str] = []
        for place, (member, transformer) in enumerate(zip(self.of, features, strict=True)):
            found = member.fit(transformer, rows, dense, replace(task, seed=(task.seed + place) % 2**31))
            parts.append((member.label, FrozenEstimator(found.pipeline)))  # voting would fit it again otherwise
            notes += [f"{member.label}: {note}" for note in found.notes]
        return Fitted(Pipeline([("model", self._voting(parts, task).fit(rows, y))]), tuple(notes))

    @property
    def shared_rows(self) -> int:  # type: ignore[override]  # a property: it depends on the members
        """Most rows whose `shares` are asked for: those of the member for which they cost most."""
        fewest: int = min(member.shared_rows for member in self.of)
        return fewest

    def shares(self, estimator: Any, X: Any) -> Contributions:
        """Return the weighted mean of what the members say, on the scale on which they are averaged.

        That is the number which regressors predict, and the probability of classifiers that add up probabilities.

        Raises:
            ValueError: members add up log odds, of which the mean probability is no sum; or one can't be divided.
        """
        import numpy as np

        classes = hasattr(estimator, "classes_")
        weights = np.full(len(self.of), 1.0) if self.weights is None else np.array(self.weights)
        weights /= weights.sum()
        fitted = [each.estimator for each in estimator.estimators_]
        parts: dict[int, Contributions] = {}
        for place, member in sorted(enumerate(self.of), key=lambda each: each[1].effort):  # who refuses costs little
            parts[place] = part = of_pipeline(member.shares, fitted[place], X)
            if classes and part.scale != "probability":
                raise ValueError(
                    f"This blend averages probabilities, and its member '{member.label}' adds up {part.scale}: what a "
                    "column adds to the mean is no sum of what it adds to the members. It is where all members add up "
                    "probabilities, as `random_forest` and `extra_trees` do"
                )
        shared = [(weight, parts[place]) for place, weight in enumerate(weights)]
        values, base = (np.sum([w * getattr(part, of) for w, part in shared], axis=0) for of in ("values", "base"))
        lines = [weight * part.values for weight, part in shared if part.from_zero]
        said = estimator.predict_proba(X) if classes else estimator.predict(X).reshape(-1, 1)
        return Contributions(
            values=values,
            base=base,
            said=said[:, -base.size :],  # of two classes the positive one alone
            scale="probability" if classes else "fitted",
            from_zero=bool(lines),
            lines=np.sum(lines, axis=0) if lines else None,
            tolerance=max(part.tolerance for _, part in shared),
        )

    def _voting(self, parts: list[tuple[str, Any]], task: FitTask) -> Any:
        from sklearn.ensemble import VotingClassifier, VotingRegressor

        if task.estimator == "regressor":
            return VotingRegressor(parts, weights=self.weights)
        return VotingClassifier(parts, voting="soft", weights=self.weights)
