"""What every model must do; subclass it for a model of your own and set `model` (small and quick to fit)."""
# ruff: noqa: D102 - a test's name says what it shows

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mlsys.features.tabular import TabularFeatures
from mlsys.models.base import FitTask, Fitted, Model
from mlsys.testing.features import COLUMNS, some_frame


def easy_problem(n_rows: int = 400, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows and labels that `age` decides but for a tenth."""
    frame = some_frame(n_rows, seed=seed)
    flipped = np.random.default_rng(seed + 100).random(n_rows) < 0.1
    return frame, ((frame["age"].to_numpy() > 60) ^ flipped).astype(np.int8)


def task_of(n_rows: int = 400, *, seed: int = 7) -> FitTask:
    """Return a task of one thread with every eighth row for early stopping."""
    return FitTask(seed=seed, threads=1, inner=np.arange(n_rows) % 8 == 0)


class ModelContract:
    """Tests of one model."""

    model: ClassVar[Model]

    def fitted(self, seed: int = 7) -> Fitted:
        """Return the model fitted on the easy problem."""
        return self.model.fit(TabularFeatures().build(COLUMNS), *easy_problem(), task_of(seed=seed))

    def probabilities(self, pipeline: Any, frame: pd.DataFrame) -> np.ndarray:
        """Return the probability of the positive class."""
        found: np.ndarray = pipeline.predict_proba(frame)[:, 1]
        return found

    def test_the_same_seed_gives_identical_bits(self) -> None:
        frame, _ = easy_problem(seed=1)
        one, two = (self.probabilities(self.fitted().pipeline, frame) for _ in range(2))
        assert (one == two).all()

    def test_probabilities_are_finite_and_between_0_and_1(self) -> None:
        p = self.probabilities(self.fitted().pipeline, easy_problem(seed=1)[0])
        assert np.isfinite(p).all()
        assert p.min() >= 0
        assert p.max() <= 1

    def test_classes_are_0_and_1(self) -> None:
        assert self.fitted().pipeline.classes_.tolist() == [0, 1]

    def test_pickles(self) -> None:
        frame, _ = easy_problem(seed=1)
        pipeline = self.fitted().pipeline
        again = pickle.loads(pickle.dumps(pipeline))  # noqa: S301 - from here
        assert (self.probabilities(again, frame) == self.probabilities(pipeline, frame)).all()

    def test_predicts_unseen_categories_and_rows_without_any_value(self) -> None:
        frame = some_frame(2, seed=3).assign(brand=pd.Series(["never", None], dtype=object))
        frame.loc[1, ["length", "age"]] = np.nan
        frame["owner"] = pd.Series(["new owner", None], dtype=object)
        assert np.isfinite(self.probabilities(self.fitted().pipeline, frame)).all()

    def test_predicts_frames_with_more_columns_in_another_order(self) -> None:
        frame, _ = easy_problem(seed=1)
        pipeline = self.fitted().pipeline
        wider = frame.assign(extra="x")[["extra", *reversed(frame.columns)]]
        assert (self.probabilities(pipeline, wider) == self.probabilities(pipeline, frame)).all()

    def test_beats_the_prior_unless_it_is_the_baseline(self) -> None:
        frame, y = easy_problem(seed=1)
        p = np.clip(self.probabilities(self.fitted().pipeline, frame), 1e-9, 1 - 1e-9)
        share = y.mean()
        loss = -np.where(y == 1, np.log(p), np.log(1 - p)).mean()
        prior = -(share * np.log(share) + (1 - share) * np.log(1 - share))
        assert (loss < 0.8 * prior) is not self.model.baseline

    def test_tuning_draws_values_that_its_fields_allow(self) -> None:
        random = np.random.default_rng(0)
        for _ in range(50):
            drawn = {name: place.draw(random) for name, place in self.model.search.items()}
            assert (
                type(self.model).model_validate({**self.model.model_dump(), **drawn}).model_dump().items()
                >= drawn.items()
            )

    def test_dumped_and_parsed_again_it_is_equal(self) -> None:
        assert type(self.model).model_validate(self.model.model_dump()) == self.model
