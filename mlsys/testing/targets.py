"""What every learning task must keep; subclass `TargetContract` and set `target`, `column`, `model` and `y`."""

from __future__ import annotations

import json
import pickle
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from mlsys.errors import DataError
from mlsys.features.tabular import TabularFeatures
from mlsys.metrics import METRICS
from mlsys.models.base import FitTask, Model
from mlsys.targets.base import Target
from mlsys.testing.features import COLUMNS, some_frame

N_ROWS = 300


class TargetContract:
    """Tests of one learning task.

    Attributes:
        column: a raw column of the target with labels, of more than one kind, and rows without.
        model: quick to fit; `y`: `(N_ROWS,)` labels that `some_frame(N_ROWS, seed=2)` knows something of.
    """

    target: ClassVar[Target]
    column: ClassVar[pa.ChunkedArray]
    model: ClassVar[Model]
    y: ClassVar[np.ndarray]

    def test_rows_are_labelled_or_have_a_reason(self) -> None:
        """Every row of a column has a label, or one reason why not; both kinds are among the rows."""
        truth = self.target.truth(self.column)
        assert truth.y.shape == (len(self.column),)
        reasons = np.stack(list(truth.unusable.values())).sum(axis=0)
        assert reasons.tolist() == (~truth.known).astype(int).tolist()
        assert truth.known.any()
        assert not truth.known.all()
        assert self.target.labelled(truth.y).tolist() == truth.known.tolist()

    def test_labels_without_an_answer_are_refused(self) -> None:
        """No label, or one label alone, teaches nothing, and the error says what to do."""
        truth = self.target.truth(self.column)
        self.target.require_learnable(truth, truth.known)
        for rows in (~truth.known, np.arange(len(self.column)) == np.flatnonzero(truth.known)[0]):
            with pytest.raises(DataError) as caught:
                self.target.require_learnable(truth, rows)
            assert caught.value.remedy
        assert self.target.unfit(truth.y[truth.known][:1])
        assert self.target.unfit(self.y) is None

    def test_its_metrics_measure_it(self) -> None:
        """The primary metric and those of a walk-forward are metrics of the task."""
        looks = self.target.looks
        named = {self.target.primary, *looks.decisions, *looks.errors, *looks.beside}
        named |= {name for name in (looks.ranking, looks.probabilities) if name is not None}
        assert all(self.target.task in METRICS.find(name).tasks for name in named)

    def test_imagined_models_are_as_good_as_they_are_said_to_be(self) -> None:
        """Whoever errs more has a worse primary metric."""
        metric, values = METRICS.parse(self.target.primary), []
        for wrong in (0.0, 0.1, 0.4):
            made = self.target.predictions.imagined(2000, wrong=wrong, threshold=0.5, seed=3)
            assert made.y_true.size == 2000
            value = metric.value(made).value
            assert value is not None
            values.append(value)
        assert values == sorted(values, reverse=metric.direction == "higher")

    def test_predictions_are_taken_apart_and_joined(self) -> None:
        """Rows keep their truth and answer, and pictures of them are plain and small."""
        made = self.target.predictions.imagined(2000, wrong=0.1, threshold=0.5, seed=3)
        halves = [made.where(np.arange(2000) % 2 == part) for part in (0, 1)]
        joined = type(made).joined(halves)
        order = np.argsort(np.r_[np.arange(0, 2000, 2), np.arange(1, 2000, 2)])
        assert (joined.where(order).answers == made.answers).all()
        assert (made.answered(made.answers[::-1]).y_true == made.y_true).all()
        assert len(json.dumps(made.pictures(), allow_nan=False)) < 60_000

    def test_what_is_fitted_answers_in_the_targets_unit_without_our_code(self) -> None:
        """A fitted pipeline gives a finite number per raw row, or class of it, from a copy, and better than nothing."""
        frame = some_frame(N_ROWS, seed=2)
        task = FitTask(1, 1, np.arange(N_ROWS) % 8 == 0, self.target.estimator)
        fitted = self.target.fit(self.model, TabularFeatures().build(COLUMNS), frame, self.y, task)
        data = pickle.dumps(fitted.pipeline)
        answers = self.target.answers(pickle.loads(data), frame)  # noqa: S301 - from here
        assert b"mlsys" not in data
        classes = self.target.knows(fitted.pipeline)
        assert answers.shape == ((N_ROWS, len(classes)) if classes else (N_ROWS,))
        assert hasattr(fitted.pipeline, self.target.method)
        metric = METRICS.parse(self.target.primary)
        rows = self.target.predictions.of(self.y, answers, threshold=0.5)
        known, shuffled = (metric.value(each).value for each in (rows, rows.answered(answers[::-1])))
        assert known is not None
        assert shuffled is not None
        assert (known > shuffled) == (metric.direction == "higher")
