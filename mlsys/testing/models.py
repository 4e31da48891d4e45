"""What every model must do; subclass it for a model of your own and set `model` (small and quick to fit)."""
# ruff: noqa: D102 - a test's name says what it shows

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from mlsys.components import STORED, tuples
from mlsys.models.base import Model
from mlsys.testing.features import some_frame
from mlsys.testing.model_problems import PROBLEMS, LearningProblem, fit, task_of
from mlsys.testing.model_process import digest, suits

_fitted: dict[tuple[type, LearningProblem], Any] = {}  # pipelines, by contract and problem


class ModelContract:
    """Tests of one model, for each thing that it can be."""

    model: ClassVar[Model]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give each test that asks for a `problem` those that the model can solve."""
        if "problem" in metafunc.fixturenames:
            found = suits(type(self).model)
            metafunc.parametrize("problem", list(found.values()), ids=list(found))

    def fitted(self, problem: LearningProblem) -> Any:
        """Return the pipeline fitted on a problem: once for all tests, which only ask it."""
        key = (type(self), problem)
        if key not in _fitted:
            _fitted[key] = problem.fit(self.model).pipeline
        return _fitted[key]

    def test_the_same_seed_gives_identical_bytes(self, problem: LearningProblem, tmp_path: Path) -> None:
        frame, _ = problem.make(seed=1)
        one, two = self.fitted(problem), problem.fit(self.model).pipeline
        assert (problem.predicted(one, frame) == problem.predicted(two, frame)).all()
        assert digest(one, tmp_path) == digest(two, tmp_path)

    def test_predictions_are_finite_and_probabilities_sum_to_1(self, problem: LearningProblem) -> None:
        found = problem.predicted(self.fitted(problem), problem.make(seed=1)[0])
        assert np.isfinite(found).all()
        if problem.estimator == "classifier":
            assert found.min() >= 0
            assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)

    def test_classes_are_the_codes_and_have_a_column_each(self, problem: LearningProblem) -> None:
        if problem.estimator == "classifier":
            frame, y = problem.make()
            pipeline = self.fitted(problem)
            assert set(pipeline.classes_.tolist()) >= set(y.tolist())
            assert problem.predicted(pipeline, frame).shape == (len(y), len(pipeline.classes_))

    def test_predicts_unseen_categories_and_rows_without_any_value(self, problem: LearningProblem) -> None:
        frame = some_frame(2, seed=3).assign(brand=pd.Series(["never", None], dtype=object))
        frame.loc[1, ["length", "age"]] = np.nan
        frame["owner"] = pd.Series(["new owner", None], dtype=object)
        assert np.isfinite(problem.predicted(self.fitted(problem), frame)).all()

    def test_predicts_categories_as_pandas_reads_them(self, problem: LearningProblem) -> None:
        frame = some_frame(20, seed=3)
        frame["brand"] = frame["brand"].astype("str")  # its own type of text, with NaN for missing ones
        pipeline = self.fitted(problem)
        assert np.isfinite(problem.predicted(pipeline, frame)).all()
        empty = problem.predicted(pipeline, frame.assign(owner=np.nan))  # a column without any value comes as floats
        assert (empty == problem.predicted(pipeline, frame.assign(owner=pd.Series([None] * 20, dtype=object)))).all()

    def test_survives_columns_without_any_value_in_training(self, problem: LearningProblem) -> None:
        frame, y = problem.make()
        frame["length"], frame["brand"], frame["owner"] = np.nan, pd.Series([None] * len(y), dtype=object), np.nan
        fitted = fit(self.model, frame, y, task_of(len(y), estimator=problem.estimator))
        assert np.isfinite(problem.predicted(fitted.pipeline, some_frame(20, seed=2))).all()

    def test_one_row_gets_what_it_gets_among_others(self, problem: LearningProblem) -> None:
        frame, _ = problem.make(seed=1)
        pipeline = self.fitted(problem)
        alone = problem.predicted(pipeline, frame.iloc[[7]])
        assert alone == pytest.approx(problem.predicted(pipeline, frame)[[7]], rel=1e-6)

    def test_predicts_frames_with_more_columns_in_another_order(self, problem: LearningProblem) -> None:
        frame, _ = problem.make(seed=1)
        pipeline = self.fitted(problem)
        wider = frame.assign(extra="x")[["extra", *reversed(frame.columns)]]
        assert (problem.predicted(pipeline, wider) == problem.predicted(pipeline, frame)).all()

    def test_beats_its_baseline_unless_it_is_one(self, problem: LearningProblem) -> None:
        frame, y = problem.make(seed=1)
        pipeline = self.fitted(problem)
        found = problem.predicted(pipeline, frame)
        if problem.estimator == "policy":
            right = np.searchsorted([33, 66], frame["age"].to_numpy())
            chosen = found.argmax(axis=1) if found.shape[1] > 1 else found[:, 0]
            share_left = float((chosen != right).mean() / (2 / 3))  # of the errors of chance
        elif problem.estimator == "regressor":
            share_left = float(((found[:, 0] - y) ** 2).mean() / y.var())
        else:
            p = np.clip(found[np.arange(len(y)), np.searchsorted(pipeline.classes_, y)], 1e-9, 1)
            shares = np.unique(y, return_counts=True)[1] / len(y)
            share_left = float(-np.log(p).mean() / -(shares * np.log(shares)).sum())
        assert (share_left < 0.8) is not self.model.baseline

    @pytest.mark.parametrize("n_rows", [4, 16])
    def test_few_rows_are_fitted_or_refused_with_a_reason(self, problem: LearningProblem, n_rows: int) -> None:
        frame, y = problem.make(n_rows, seed=4)
        with suppress(ValueError):
            fitted = fit(self.model, frame, y, task_of(n_rows, estimator=problem.estimator))
            assert np.isfinite(problem.predicted(fitted.pipeline, frame)).all()

    @pytest.mark.parametrize("place", [0, 1], ids=["among_the_inner_rows", "among_the_others"])
    def test_a_class_of_one_row_is_no_trouble(self, problem: LearningProblem, place: int) -> None:
        if problem.estimator == "classifier" and not self.model.two_classes:
            frame, y = problem.make()
            y[place] = y.max() + 1
            fitted = fit(self.model, frame, y, task_of(len(y)))
            assert y[place] in fitted.pipeline.classes_

    def test_a_constant_target_gives_that_constant(self, problem: LearningProblem) -> None:
        if problem.estimator == "regressor":
            frame, y = problem.make()
            fitted = fit(self.model, frame, np.full(len(y), 12.5), task_of(len(y), estimator="regressor"))
            assert problem.predicted(fitted.pipeline, frame) == pytest.approx(12.5)

    def test_works_in_one_thread_where_it_may_use_one(self, problem: LearningProblem) -> None:
        frame, y = problem.make(2000)
        task = task_of(2000, estimator=problem.estimator)
        fit(self.model, frame, y, task)  # what libraries do once is not the model's
        everyone, here = time.process_time(), time.thread_time()
        fit(self.model, frame, y, task)
        everyone, here = time.process_time() - everyone, time.thread_time() - here
        assert everyone - here < 0.25 * everyone + 0.02  # a second thread at work would take half

    @pytest.mark.slow
    def test_another_process_loads_it_fits_the_same_bytes_and_forks_well_after_threads(self, tmp_path: Path) -> None:
        (tmp_path / "model.pickle").write_bytes(pickle.dumps(self.model))
        expected = {}
        for name, problem in suits(self.model).items():
            pipeline, (frame, _) = self.fitted(problem), problem.make(seed=1)
            content = (pipeline, frame, problem.predicted(pipeline, frame))
            (tmp_path / f"{name}.pickle").write_bytes(pickle.dumps(content))
            same = digest(pipeline, tmp_path / "store")
            expected[name] = {"same": True, "digest": same, "children": [same]}
        told = subprocess.run(
            [sys.executable, "-m", "mlsys.testing.model_process", str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "2"},
        )
        assert json.loads(told.stdout) == expected

    def test_what_it_can_t_be_it_says_and_refuses(self) -> None:
        for problem in PROBLEMS.values():
            if problem.estimator not in self.model.estimators:
                says = self.model.obstacle(problem.estimator)
                assert says is not None
                assert f"needs a {problem.estimator}" in says
                with pytest.raises(ValueError, match="needs a"):
                    problem.fit(self.model)

    def test_tuning_draws_values_that_its_fields_allow(self) -> None:
        random = np.random.default_rng(0)
        for _ in range(50):
            drawn = {name: place.draw(random) for name, place in self.model.search.items()}
            again = type(self.model).model_validate({**self.model.model_dump(), **drawn})
            assert again.model_dump().items() >= drawn.items()

    def test_dumped_and_parsed_again_it_is_equal(self) -> None:
        assert type(self.model).model_validate(self.model.model_dump()) == self.model
        kept = json.loads(json.dumps(self.model.model_dump(mode="json")))
        assert type(self.model).model_validate(tuples(kept), context={STORED: True}) == self.model
