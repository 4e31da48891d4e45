"""A number: a model predicts it in its own unit, and is fitted on it as it is or on a transform of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from mlsys.errors import DataError, MlsysError, RunError
from mlsys.metrics.predicted import Predicted
from mlsys.models.base import FitTask, Fitted, Model
from mlsys.schema import LARGEST, ColumnSpec
from mlsys.targets.base import Target
from mlsys.targets.looks import Looks
from mlsys.targets.truth import Truth
from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

_NUMBERS = ("integer", "number")


class RegressionTarget(Target):
    """A number, such as a price.

    Metrics are in the target's own unit, whatever it was transformed to. A row whose number is infinite, or larger than
    models can hold, counts as one without label.

    Attributes:
        transform: what models are fitted on: the number itself (None), `log` of 1 more than it, for amounts from 0 on
            whose errors are shares rather than sums, or `yeo_johnson`, a power chosen on the training rows that makes
            skewed numbers alike on both sides (Yeo and Johnson, Biometrika 87, 2000).
        task: what kind of prediction it is: a number.
    """

    transform: Literal["log", "yeo_johnson"] | None = None
    task: Literal["regression"] = "regression"
    estimator = "regressor"
    primary = "rmse"
    method = "predict"
    predictions = Predicted
    looks = Looks(errors=("rmse", "mae", "bias"), beside=("bias",))

    asked = "champion.predict(rows)  # of a DataFrame: numbers in the target's unit\n"

    @model_validator(mode="before")
    @classmethod
    def _no_classes(cls, value: Any) -> Any:
        if isinstance(value, dict) and "positive" in value:
            says = "A number has no positive class. Leave `positive` out, or write `task: binary`"
            raise PydanticCustomError("misspelt", "{message}", {"message": says, "where": ""})
        return value

    def misfit(self, column: ColumnSpec) -> str | None:
        """Refuse anything but numbers."""
        if column.type in _NUMBERS:
            return None
        return f"a regression predicts a number, and '{self.column}' is declared as {column.type}"

    def truth(self, column: pa.ChunkedArray) -> Truth:
        """Return the numbers as float64."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        numbers = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        none, too_large = np.isnan(numbers), np.abs(numbers) > LARGEST
        return Truth(np.where(too_large, np.nan, numbers), {"no label": none, "label not finite": too_large})

    def refused(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:
        """Refuse negative numbers where their logarithm would be taken."""
        import numpy as np

        y = truth.y[rows & truth.known]
        negative = y[y < 0]
        if self.transform != "log" or not negative.size:
            return None
        return DataError(
            f"{counted(negative.size, 'labelled row has', 'labelled rows have')} a negative number, and `transform: "
            "log` takes numbers from 0 on",
            where=f"column {self.column}",
            got=float(np.min(negative)),
            remedy="Use `transform: yeo_johnson`, or quarantine such rows by a check of kind `between`",
        )

    def lacking(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:
        """Say that there is no label, or one number alone."""
        y = truth.y[rows & truth.known]
        if not y.size or y.min() < y.max():
            return super().lacking(truth, rows)
        where = f"column {self.column}"
        rule = f"All {counted(y.size, 'labelled row has', 'labelled rows have')} the same number"
        return DataError(rule, where=where, got=float(y[0]), remedy="Take in rows with other numbers, too")

    def fit(self, model: Model, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Return a model fitted on the transformed numbers; the pipeline predicts in the target's unit."""
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.frozen import FrozenEstimator
        from sklearn.pipeline import Pipeline

        if self.transform is None or model.baseline:  # the mean of logarithms would be no mean
            return super().fit(model, features, rows, y, task)
        transformer = self._transformer()
        there = transformer.fit_transform(y.reshape(-1, 1)).ravel()
        fitted = model.fit(features, rows, there, task)
        *steps, (name, estimator) = fitted.pipeline.steps
        # The estimator is fitted already (some stop early on rows of their own); this adds the way back alone.
        back = TransformedTargetRegressor(regressor=FrozenEstimator(estimator), transformer=transformer)
        back.fit(rows, y)
        return Fitted(Pipeline([*steps, (name, back)]), fitted.notes)

    def fitted_part(self, pipeline: Any) -> Any:
        """Return the pipeline that predicts the transformed number."""
        from sklearn.pipeline import Pipeline

        *steps, (name, estimator) = pipeline.steps
        frozen = getattr(estimator, "regressor_", None)
        return pipeline if frozen is None else Pipeline([*steps, (name, frozen.estimator)])

    @property
    def fitted_scale(self) -> str:
        """The column, or what became of it."""
        words = {"log": f"log(1 + {self.column})", "yeo_johnson": f"{self.column} after its Yeo-Johnson transform"}
        return words.get(self.transform or "", self.column)

    def _transformer(self) -> Any:
        import numpy as np
        from sklearn.preprocessing import FunctionTransformer, PowerTransformer

        if self.transform == "log":
            return FunctionTransformer(np.log1p, inverse_func=np.expm1, check_inverse=False)
        return PowerTransformer(method="yeo-johnson")

    def answers(self, pipeline: Any, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows,)` float64 predictions in the target's unit.

        Raises:
            RunError: the model gives anything but one finite number per row.
        """
        import numpy as np

        found = np.asarray(pipeline.predict(rows), dtype="float64")
        if found.shape != (len(rows),):
            raise RunError("The model gives not one number per row", got=found.shape)
        n_bad = int((~np.isfinite(found)).sum())
        if n_bad:
            raise RunError(f"{n_bad} of {len(rows)} predictions are not finite numbers")
        return found
