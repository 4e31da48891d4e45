"""The rows that models are judged on: validation and holdout, with every column that one of the models reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlsys.dataset import dataset
from mlsys.dataset.dataset import Dataset
from mlsys.dataset.learnt_rows import row_names
from mlsys.evaluation import known_rows
from mlsys.evaluation.champion import ChampionModel, obstacle_of
from mlsys.evaluation.measured import columns_read
from mlsys.evaluation.ties import Ties, grouping, ties_of
from mlsys.metrics.predictions import Predictions
from mlsys.records import Prepared
from mlsys.schema import ColumnSpec
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT, VALIDATION
from mlsys.store import Store
from mlsys.targets.base import Target


@dataclass(frozen=True)
class EvaluationRows:
    """Rows to judge on, less those of the holdout that the champion was fitted on.

    Attributes:
        data: the rows, with what gates read.
        classes: those that the champion tells apart; empty where it can't be compared, or tells none apart.
        obstacle: why the champion can't be compared on them, or None.
        n_known: how many rows of the holdout the champion was fitted on.
    """

    data: Dataset
    classes: tuple[str, ...]
    obstacle: str | None
    n_known: int

    @property
    def frame(self) -> pd.DataFrame:
        """The columns of this spec and of past models that can be scored."""
        return self.data.rows

    @property
    def y(self) -> np.ndarray:
        """`(n_rows,)` the truth as the learning task codes it."""
        return self.data.y

    @property
    def target(self) -> Target:
        """The learning task, knowing the classes of these rows."""
        return self.data.target

    @property
    def on_holdout(self) -> np.ndarray:
        """`(n_rows,)` bool; the others are validation rows."""
        found: np.ndarray = self.data.side == HOLDOUT
        return found

    def ties(self, spec: Spec) -> Ties:
        """Return what rows of the holdout have in common."""
        return ties_of(spec, self.data, self.on_holdout)

    def judged(self, answers: np.ndarray, inside: np.ndarray, *, threshold: float) -> Predictions:
        """Return the truth and a model's answers `(n_rows,)` on the rows of a mask."""
        return self.target.predictions.of(self.y[inside], answers[inside], threshold=threshold)


def rows_to_judge(
    spec: Spec, prepared: Prepared, *, champion: ChampionModel | None, past: ChampionModel | None, store: Store
) -> EvaluationRows:
    """Load the rows to judge on; `past` is one more model that is to be scored on them.

    Raises:
        IntegrityError: the snapshot or the split is missing or was changed.
    """
    obstacle = obstacle_of(spec, champion)
    usable = champion if obstacle is None else None
    others = [model for model in (usable, past) if model is not None and obstacle_of(spec, model) is None]
    data = dataset.load(
        spec,
        prepared.snapshot,
        prepared.split,
        store=store,
        sides=(VALIDATION, HOLDOUT),
        columns=_columns(spec, others),
        classes=[name for model in others for name in model.candidate.classes],
        grouping=grouping(spec),
    )
    names = row_names(data.key_hash, data.day, keyed=bool(spec.key))
    known = known_rows.known_of(usable.fitted_on if usable else None, names, data.side == HOLDOUT)
    obstacle = obstacle or known_rows.too_many(known, data.side == HOLDOUT)
    if obstacle is not None:
        known = np.zeros_like(known)
    classes = tuple(usable.candidate.classes) if usable and obstacle is None else ()
    return EvaluationRows(data.where(~known), classes, obstacle, int(known.sum()))


def _columns(spec: Spec, others: Sequence[ChampionModel]) -> dict[str, ColumnSpec]:
    columns = dict(spec.feature_columns())
    for model in others:
        columns |= {name: column for name, column in model.columns.items() if name not in columns}
    return {**columns_read(spec), **columns}
