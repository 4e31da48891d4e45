"""How the answers of a learning task are laid out: one number a row, unless the task says otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from mlsys.schema import SCORE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa


class AnswerLayout:
    """One number a row; a task with an answer for each of several classes overrides all of this.

    Attributes:
        files: the columns that prediction files hold of answers.
    """

    files: ClassVar[tuple[str, ...]] = (SCORE,)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that answers have a column for, in order; empty where an answer is one number."""
        return ()

    def about(self, classes: Iterable[str]) -> Self:  # noqa: ARG002 - there are no columns
        """Return the task of exactly these classes, to which labels and answers then refer."""
        return self

    def knows(self, pipeline: Any) -> tuple[str, ...]:  # noqa: ARG002 - there are no columns
        """Return the classes that a fitted pipeline has an answer for, in order."""
        return ()

    def arranged(self, answers: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:  # noqa: ARG002 - as above
        """Return answers about some classes as answers about those of this task."""
        return answers

    def filed(self, answers: np.ndarray) -> dict[str, pa.Array]:
        """Return what a prediction file holds of answers, by column."""
        import pyarrow as pa

        return {SCORE: pa.array(answers)}

    def unfiled(self, scores: pa.ChunkedArray) -> np.ndarray:
        """Return answers from the column `SCORE` of a prediction file."""
        found: np.ndarray = scores.to_numpy()
        return found

    def columns(self, answers: np.ndarray) -> list[pd.Series]:
        """Return `(n_rows,)` answers, or each class's of `(n_rows, n_classes)`, as columns: numbers, or choices."""
        import numpy as np
        import pandas as pd

        return [pd.Series(column, dtype="float64") for column in np.atleast_2d(answers.T)]
