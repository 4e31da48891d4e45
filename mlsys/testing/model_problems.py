"""Small problems that a model must solve, for each thing that a target may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mlsys.features.tabular import TabularFeatures
from mlsys.metrics.logged import Logged, pack
from mlsys.models.base import EstimatorType, FitTask, Fitted, Model
from mlsys.models.fit_task import Foundation
from mlsys.models.logistic import Logistic
from mlsys.testing.features import COLUMNS, some_frame


def easy_problem(n_rows: int = 400, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows and labels that `age` decides but for a tenth."""
    frame = some_frame(n_rows, seed=seed)
    flipped = np.random.default_rng(seed + 100).random(n_rows) < 0.1
    return frame, ((frame["age"].to_numpy() > 60) ^ flipped).astype(np.int8)


def three_classes(n_rows: int = 400, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows and one of three classes, which `age` decides but for a tenth."""
    frame = some_frame(n_rows, seed=seed)
    random = np.random.default_rng(seed + 100)
    y = np.searchsorted([33, 66], frame["age"].to_numpy())
    return frame, np.where(random.random(n_rows) < 0.1, random.integers(0, 3, n_rows), y).astype(np.int8)


def class_without_rows(n_rows: int = 400, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return `three_classes` as 0, 1 and 3: nobody in these rows is of class 2."""
    frame, y = three_classes(n_rows, seed=seed)
    return frame, np.where(y == 2, 3, y).astype(np.int8)


def numbers(n_rows: int = 400, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows and a price in the hundred thousands, four fifths of whose variance is from `age` and `brand`."""
    frame = some_frame(n_rows, seed=seed)
    noise = np.random.default_rng(seed + 100).normal(0, 15_000, n_rows)
    return frame, 200_000 + 1_000 * frame["age"].to_numpy() + 30_000 * (frame["brand"] == "acme").to_numpy() + noise


def decisions(n_rows: int = 400, *, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows and packed decisions among three actions, of which `age` says the right one."""
    frame = some_frame(n_rows, seed=seed)
    random = np.random.default_rng(seed + 100)
    right, action = np.searchsorted([33, 66], frame["age"].to_numpy()), random.integers(0, 3, n_rows)
    success = random.random(n_rows) < np.where(action == right, 0.8, 0.1)
    ones = np.ones(n_rows, dtype=np.int64)
    return frame, pack(Logged(np.arange(n_rows) // 2, right, 1 + np.arange(n_rows) % 2, 3 * ones, action, success))


@dataclass(frozen=True)
class LearningProblem:
    """Rows and a target, made for a seed, and what kind of estimator they need."""

    estimator: EstimatorType
    make: Callable[..., tuple[pd.DataFrame, np.ndarray]]
    two_classes: bool = False

    def fit(self, model: Model, *, threads: int = 1, seed: int = 7) -> Fitted:
        """Return the model fitted on its rows."""
        frame, y = self.make()
        return fit(model, frame, y, task_of(len(y), seed=seed, threads=threads, estimator=self.estimator))

    def predicted(self, pipeline: Any, frame: pd.DataFrame) -> np.ndarray:
        """Return `(n_rows, n_classes)` probabilities, `(n_rows, 1)` numbers, or what each action is worth."""
        if self.estimator == "policy":
            return np.asarray(pipeline.predict(frame)).reshape(len(frame), -1)
        if self.estimator == "regressor":
            found: np.ndarray = np.asarray(pipeline.predict(frame)).reshape(-1, 1)
            return found
        return np.asarray(pipeline.predict_proba(frame))


PROBLEMS = {
    "two_classes": LearningProblem("classifier", easy_problem, two_classes=True),
    "three_classes": LearningProblem("classifier", three_classes),
    "class_without_rows": LearningProblem("classifier", class_without_rows),
    "numbers": LearningProblem("regressor", numbers),
    "decisions": LearningProblem("policy", decisions),
}


def task_of(n_rows: int = 400, *, seed: int = 7, threads: int = 1, estimator: EstimatorType = "classifier") -> FitTask:
    """Return a task with every eighth row for early stopping."""
    return FitTask(seed=seed, threads=threads, inner=np.arange(n_rows) % 8 == 0, estimator=estimator)


def fit(model: Model, frame: pd.DataFrame, y: np.ndarray, task: FitTask) -> Fitted:
    """Return the model fitted behind the default recipe, with the threads of its task as training grants them.

    One that is made of the champion gets a logistic regression of the first half of the rows, which the other half is
    fresh to.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=task.threads):
        if model.of_champion:
            fresh = np.arange(len(y)) >= len(y) // 2
            champion = fit(Logistic(), frame[~fresh], y[~fresh], task.part(~fresh)).pipeline
            task = replace(task, champion=Foundation(champion, fresh, age=np.zeros(len(y), dtype=int)))
        return model.fit(model.transformer(TabularFeatures(), COLUMNS), frame, y, task)
