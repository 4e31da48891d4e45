"""Several classes, none of which is positive: a model gives the probability of each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from mlsys.components import AsWritten
from mlsys.errors import DataError, MlsysError, RunError
from mlsys.metrics.classified import Classified
from mlsys.models.base import FitTask, Fitted, Model
from mlsys.schema import SAID, SCORE
from mlsys.targets.base import Target
from mlsys.targets.looks import Looks
from mlsys.targets.truth import Truth, named_rows
from mlsys.wording import counted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

MOST_CLASSES = 100
_MOST_BYTES = 4000  # of their names together: a split names them three times, and a record has room for 16 KB
_Name = Annotated[str, AsWritten(), WithJsonSchema({"type": ["string", "number", "boolean"]})]


class MulticlassTarget(Target):
    """One of several classes, such as a kind of wine; the probability of each is learnt.

    A model knows the classes of its training rows by name, in alphabetical order, which is that of its probabilities.
    A class that it does not know has probability 0.

    Attributes:
        classes: those that there are, by name as text, in the order that a report shows them in; a label of no other
            class counts. Default: all that occur.
        task: what kind of prediction it is: one of several classes.
    """

    classes: tuple[_Name, ...] | None = None
    task: Literal["multiclass"] = "multiclass"
    estimator = "classifier"
    primary = "log_loss"
    method = "predict_proba"
    predictions = Classified
    files: ClassVar = (SAID, SCORE)
    looks = Looks(
        "roc_auc_ovr",
        "log_loss",
        decisions=("accuracy", "f1_macro", "precision_macro", "recall_macro"),
        beside=("precision_macro", "recall_macro"),
    )

    asked: ClassVar = """\
champion.predict(rows)  # of a DataFrame: the most probable class of each row, by name
champion.predict_proba(rows)  # a column for each of `champion.classes`
"""

    @model_validator(mode="before")
    @classmethod
    def _none_is_positive(cls, value: Any) -> Any:
        if isinstance(value, dict) and "positive" in value:
            says = "Of several classes none is positive. Leave `positive` out, or write `task: binary`"
            raise PydanticCustomError("misspelt", "{message}", {"message": says, "where": ""})
        return value

    @field_validator("classes", mode="before")
    @classmethod
    def _as_texts(cls, value: object) -> object:
        return tuple(str(each) for each in value) if isinstance(value, list | tuple) else value

    @field_validator("classes")
    @classmethod
    def _several(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is None:
            return None
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"The class '{twice[0]}' stands there twice")
        if not 2 <= len(value) <= MOST_CLASSES:
            raise ValueError(f"There are 2 to {MOST_CLASSES} classes, not {len(value)}")
        return value

    def about(self, classes: Iterable[str]) -> Self:
        """Return the task of exactly these classes, in alphabetical order."""
        return self.model_copy(update={"classes": tuple(sorted(set(classes)))})

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that answers have a column for, where they are known."""
        return self.classes or ()

    def truth(self, column: pa.ChunkedArray) -> Truth:
        """Return which of the classes each row is of; text, booleans and numbers are compared by name."""
        import numpy as np

        from mlsys.targets.labels import labels_of

        labels = labels_of(column)
        places = {labels.resolve(name): place for place, name in enumerate(self.classes or labels.names)}
        code_of = np.array([places.get(name, -1) for name in labels.names] + [-1], dtype=np.int16)
        y, unlabelled = code_of[labels.codes], labels.codes < 0
        unusable = {"no label": unlabelled}
        if self.classes is not None:
            unusable["label of no declared class"] = ~unlabelled & (y < 0)
        return Truth(y, unusable, replace(labels, codes=np.where(y < 0, -1, labels.codes)))

    def refused(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:
        """Refuse more classes, or longer names, than a column that names a kind has."""
        counts, where = truth.counts(rows), f"column {self.column}"
        n_bytes = sum(len(json.dumps(name)) for name in counts)
        if len(counts) > MOST_CLASSES:
            rule = f"The target has {len(counts):,} classes, and at most {MOST_CLASSES} are supported"
            remedy = "Derive a column with fewer classes, or list those that matter in `target.classes`"
            return DataError(f"{rule}: {named_rows(counts)}", where=where, remedy=remedy)
        if n_bytes > _MOST_BYTES:
            rule = f"The names of {len(counts)} classes have {n_bytes:,} bytes, and at most {_MOST_BYTES:,} are kept"
            longest = max(counts, key=len)
            return DataError(rule, where=where, got=longest[:80], remedy="Derive a column with shorter names")
        return None

    def lacking(self, truth: Truth, rows: np.ndarray) -> MlsysError | None:
        """Say that there is no label, or one class alone."""
        counts, where = truth.counts(rows), f"column {self.column}"
        if len(counts) > 1:
            return None
        strays = int(truth.unusable.get("label of no declared class", rows & False).sum())
        if not counts and strays:
            rule = f"{counted(strays, 'row has', 'rows have')} a label, and none is of a class in `target.classes`"
            remedy = "Write the classes as the column does"
            return DataError(rule, where=where, got=list(self.names)[:10], remedy=remedy)
        if not counts:
            return super().lacking(truth, rows)
        rule = f"All labelled rows are of one class: {named_rows(counts)}"
        return DataError(rule, where=where, remedy="Take in rows of other classes too")

    def unfit(self, y: np.ndarray) -> str | None:
        """Return in words that all labels are of one class, or None."""
        return "are of one class" if super().unfit(y) else None

    def class_counts(self, y: np.ndarray) -> dict[str, int]:
        """Return how many labels are of each class that occurs, by name where names are known."""
        import numpy as np

        codes, counts = np.unique(y, return_counts=True)
        named = [self.names[code] if self.names else f"class {code}" for code in codes.tolist()]
        return dict(zip(named, counts.tolist(), strict=True))

    def fit(self, model: Model, features: Any, rows: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
        """Return a model fitted on the classes that have rows; the pipeline knows them by name.

        Rows set aside to stop early are taken back where a class has no others.
        """
        import numpy as np
        from sklearn.ensemble import VotingClassifier
        from sklearn.frozen import FrozenEstimator

        present, places = np.unique(y, return_inverse=True)
        names, codes = np.unique([self._name(code) for code in present], return_inverse=True)
        inner = task.inner & np.isin(y, y[~task.inner])
        fitted = model.fit(features, rows, codes[places].astype(y.dtype), replace(task, inner=inner))
        *steps, (name, estimator) = fitted.pipeline.steps
        # One voter alone: it puts the names of the classes in the place of codes, which not all libraries take.
        named = VotingClassifier([(name, FrozenEstimator(estimator))], voting="soft")
        named.fit(rows.iloc[: names.size], names)
        return Fitted(type(fitted.pipeline)([*steps, (name, named)]), (*fitted.notes, *self._few(y)))

    def _name(self, code: int) -> str:
        return self.names[code] if self.names else str(code)

    def _few(self, y: np.ndarray) -> list[str]:
        """Return what is worth saying of classes with hardly a row to learn from."""
        counts = self.class_counts(y)
        absent, single = ([f"'{name}'" for name in self.names if counts.get(name, 0) == n] for n in (0, 1))
        notes = []
        if absent:
            it = "it" if len(absent) == 1 else "them"
            notes.append(f"{_in_a_row(absent)} no training row: the model gives {it} probability 0")
        if single:
            notes.append(f"{_in_a_row(single)} one training row alone")
        return notes

    def fitted_part(self, pipeline: Any) -> Any:
        """Return the pipeline that knows codes, one for each class that `knows` names, in that order."""
        *steps, (name, named) = pipeline.steps
        voters: list[Any] = getattr(named, "estimators_", [])
        lone = len(voters) == 1 and hasattr(voters[0], "estimator")
        return type(pipeline)([*steps, (name, voters[0].estimator)]) if lone else pipeline

    def knows(self, pipeline: Any) -> tuple[str, ...]:
        """Return the classes that a fitted pipeline knows, in the order of its probabilities."""
        return tuple(str(name) for name in pipeline.classes_)

    def answers(self, pipeline: Any, rows: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows, n_classes)` float64 probabilities, 0 for classes that the model does not know.

        Raises:
            RunError: the model gives anything but finite probabilities.
        """
        import numpy as np

        known = self.knows(pipeline)
        table = np.asarray(pipeline.predict_proba(rows), dtype="float64")
        if table.shape != (len(rows), len(known)):
            raise RunError("The model gives not one probability per row and class", got=table.shape)
        n_bad = int((~((table >= 0) & (table <= 1))).any(axis=1).sum())
        if n_bad:
            raise RunError(f"{n_bad} of {len(rows)} rows have scores that are not finite probabilities")
        return self.arranged(table, known)

    def arranged(self, answers: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
        """Return `(n_rows, n_classes)` answers about some classes as answers about those of this task."""
        import numpy as np

        if classes == (self.names or classes):
            return answers
        found = np.zeros((len(answers), len(self.names)))
        for place, name in enumerate(self.names):
            if name in classes:
                found[:, place] = answers[:, classes.index(name)]
        return found

    def filed(self, answers: np.ndarray) -> dict[str, pa.Array]:
        """Return the most probable class of each row, and the probabilities as a struct with a field for each class."""
        import numpy as np
        import pyarrow as pa

        said = pa.array(np.array(self.names)[np.argmax(answers, axis=1)], pa.string())
        columns = [pa.array(np.ascontiguousarray(column)) for column in answers.T]
        return {SAID: said, SCORE: pa.StructArray.from_arrays(columns, names=list(self.names))}

    def unfiled(self, scores: pa.ChunkedArray) -> np.ndarray:
        """Return `(n_rows, n_classes)` probabilities from the struct in a prediction file."""
        import numpy as np

        names = tuple(field.name for field in scores.type)
        columns = [column.to_numpy() for column in scores.flatten()]
        return self.arranged(np.column_stack(columns), names)


def _in_a_row(names: list[str]) -> str:
    if len(names) == 1:
        return f"Class {names[0]} has"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"Classes {', '.join(names[:5])}{more} have"
