"""Estimators around fitted pipelines (a calibration, a blend): their own code, with arrays inside.

The wrapper is copied, and in each pipeline within it the feature recipe is replaced by the same steps on arrays. What
scikit-learn does with the members' answers stays scikit-learn's.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mlsys.serving.fast_blocks import NotConvertibleError
from mlsys.serving.fast_features import FeatureProgram
from mlsys.serving.fast_pools import PoolProgram, program_of
from mlsys.serving.fast_rows import ReadValues


class ArrayFeatures:
    """Stands in a pipeline where a fitted feature recipe stood; takes what `RowReader` reads."""

    def __init__(self, program: FeatureProgram | PoolProgram) -> None:
        self.program = program

    def fit(self, values: ReadValues, y: object = None) -> ArrayFeatures:  # noqa: ARG002 - a step must have it
        """Return itself: the steps are fitted."""
        return self

    def transform(self, values: ReadValues) -> Any:
        """Return the matrix that the recipe would give."""
        matrix = self.program.matrix(values)
        if not self.program.sparse:
            return matrix
        from scipy.sparse import csr_matrix

        return csr_matrix(matrix)


def on_arrays(estimator: Any, numeric: Sequence[str]) -> tuple[Any, list[FeatureProgram | PoolProgram]]:
    """Return a copy of a fitted wrapper that takes read values, and what its members make features by.

    Raises:
        NotConvertibleError: it is of a kind that is not known here, or a member has no form on arrays.
    """
    programs: list[FeatureProgram | PoolProgram] = []

    def inside(part: Any) -> Any:
        kind, found = type(part).__name__, copy.copy(part)
        if kind == "Pipeline" and [name for name, _ in part.steps] == ["features", "model"]:
            programs.append(program_of(part.steps[0][1], numeric))
            found.steps = [("features", ArrayFeatures(programs[-1])), part.steps[1]]
        elif kind == "Pipeline" and [name for name, _ in part.steps] == ["model"]:
            found.steps = [("model", inside(part.steps[0][1]))]
        elif kind in ("FrozenEstimator", "_CalibratedClassifier"):
            found.estimator = inside(part.estimator)
        elif kind in ("VotingClassifier", "VotingRegressor", "StackingClassifier"):
            found.estimators_ = [inside(member) for member in part.estimators_]
        elif kind == "CalibratedClassifierCV":
            found.calibrated_classifiers_ = [inside(member) for member in part.calibrated_classifiers_]
        elif kind == "TransformedTargetRegressor":
            found.regressor_ = inside(part.regressor_)
        else:
            raise NotConvertibleError(f"{kind} takes the rows as they are")
        return found

    return inside(estimator), programs
