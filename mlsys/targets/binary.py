"""Two classes, of which one is positive: a model gives its probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import WithJsonSchema, field_validator

from mlsys.components import AsWritten
from mlsys.errors import DataError, MlsysError, RunError, near_match, nearest
from mlsys.metrics.scores import Scored
from mlsys.targets.base import Target
from mlsys.targets.looks import Looks
from mlsys.targets.truth import Truth, named_rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


class BinaryTarget(Target):
    """One of two classes; the probability of the positive one is learnt.

    Attributes:
        positive: the class that counts as positive, by its name as text (`phishing`, `yes`, `True`, `1`).
        task: what kind of prediction it is: one of two classes.
    """

    positive: Annotated[str, AsWritten(), WithJsonSchema({"type": ["string", "number", "boolean"]})]
    task: Literal["binary"] = "binary"
    estimator = "classifier"
    primary = "roc_auc"
    method = "predict_proba"
    two_classes = True
    predictions = Scored
    looks = Looks(
        "roc_auc", "log_loss", decisions=("accuracy", "f1", "precision", "recall"), beside=("precision", "recall")
    )

    asked = """\
champion.predict_proba(rows)[:, 1]  # of a DataFrame: the probability of the positive class
champion.predict(rows)  # 1 where it reaches the threshold, else 0
"""

    @field_validator("positive", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str:
        return str(value)

    def truth(self, column: pa.ChunkedArray) -> Truth:
        """Return 1 for the positive class and 0 for another; text, booleans and numbers are compared by name."""
        from mlsys.targets.labels import labels_of

        labels = labels_of(column)
        y = labels.binary(labels.resolve(self.positive))
        return Truth(y, {"no label": y < 0}, labels)

    def refused(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:
        """Refuse more than two classes."""
        counts = truth.counts(rows)
        if len(counts) <= 2:
            return None
        return DataError(
            f"The target has {len(counts)} classes, and two are supported: {named_rows(counts)}",
            where=f"column {self.column}",
            remedy="Write `task: multiclass`, or quarantine stray values by a check of kind `in_set`",
        )

    def lacking(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:
        """Say that there is no label, one class alone, or no row of the positive class."""
        counts, where = truth.counts(rows), f"column {self.column}"
        if not counts:
            return super().lacking(truth, rows)
        if len(counts) == 1:
            rule = f"All labelled rows are of one class: {named_rows(counts)}"
            return DataError(rule, where=where, remedy="Take in rows of the other class too")
        positive = self.positive if truth.labels is None else truth.labels.resolve(self.positive)
        if positive in counts:
            return None
        return DataError(
            f"The positive class '{self.positive}' does not occur. {near_match(positive, counts)}",
            where=where,
            remedy=_remedy(self.positive),
            misspelt=(self.positive, nearest(positive, counts)),
        )

    def unfit(self, y: np.ndarray) -> str | None:
        """Return in words that all labels are of one class, or None."""
        return "are of one class" if super().unfit(y) else None

    def class_counts(self, y: np.ndarray) -> dict[str, int]:
        """Return how many labels are positive and negative."""
        n_positive = int((y == 1).sum())
        return {"positive": n_positive, "negative": y.size - n_positive}

    def answers(self, pipeline: Any, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows,)` float64 probabilities of the positive class.

        Raises:
            RunError: the model knows no positive class, or gives anything but finite probabilities.
        """
        import numpy as np

        classes = [int(label) for label in pipeline.classes_]
        if 1 not in classes:
            raise RunError("The model knows no positive class", got=classes)
        table = np.asarray(pipeline.predict_proba(rows), dtype="float64")
        if table.shape != (len(rows), len(classes)):
            raise RunError("The model gives not one probability per row and class", got=table.shape)
        y_score: np.ndarray = table[:, classes.index(1)]
        n_bad = int((~((y_score >= 0) & (y_score <= 1))).sum())
        if n_bad:
            raise RunError(f"{n_bad} of {len(rows)} scores are not finite probabilities")
        return y_score


def _remedy(positive: str) -> str:
    if positive in ("True", "False"):
        return "Set `target.positive`; YAML reads a bare yes, no, on or off as a truth value: quote it"
    return "Set `target.positive` to one of the classes"
