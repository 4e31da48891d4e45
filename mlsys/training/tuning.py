"""Hyperparameters by random search (Bergstra and Bengio, JMLR 2012), inside a candidate's training rows.

A part of the training rows judges the sets of hyperparameters that the rest was fitted on: the newest days where the
split goes by time, else a sample by key. Validation rows choose between candidates and the holdout judges the chosen
one, so neither may be looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlsys.events import get_logger
from mlsys.models.base import FitTask, Model
from mlsys.spec import Spec
from mlsys.splits.base import uniform
from mlsys.training import rare_class

log = get_logger(__name__)

JUDGING_SHARE = 0.25
_SALT = 0x7D4E1  # another one than the split's and early stopping's
_FIT_ERRORS = (ValueError, ArithmeticError, RuntimeError)


@dataclass(frozen=True)
class Rows:
    """Training rows.

    Attributes:
        rows: `(n_rows, n_columns)` raw feature columns; y: `(n_rows,)` labels.
        key_hash: `(n_rows,)` uint64; day: `(n_rows,)` datetime64[D].
    """

    rows: pd.DataFrame
    y: np.ndarray
    key_hash: np.ndarray
    day: np.ndarray


@dataclass(frozen=True)
class Tuned:
    """The model with the best set of hyperparameters, and a sentence about the search for the candidate's notes."""

    model: Model
    note: str | None = None


def tune(spec: Spec, model: Model, features: Any, training: Rows, task: FitTask) -> Tuned:
    """Return the best of the spec's own set and `spec.tuning.trials` random ones, by the primary metric.

    The spec's own set is tried first and a later one must be better, so that tuning never loses by its own measure.
    A set that a library refuses is passed over. The same seed draws the same sets.
    """
    if not spec.tuning.enabled or not model.search:
        return Tuned(model)
    judging = _judging(spec, training)
    if any(spec.target.unfit(training.y[part]) for part in (judging, ~judging)):
        return Tuned(model, "Not tuned: a part of the training rows holds one label only")
    metric = spec.metrics.metric(spec.metrics.primary)
    sign = 1.0 if metric.direction == "higher" else -1.0
    best, best_value, own, n_failed = model, -np.inf, None, 0
    for tried in _sets(model, spec.tuning.trials, task.seed):
        value = _value(spec, tried, features, training, task=task, judging=judging)
        if value is None:
            n_failed += 1
            continue
        own = value if tried is model else own
        if sign * value > best_value:
            best, best_value = tried, sign * value
    log.info("tuned", candidate=model.label, trials=spec.tuning.trials + 1, failed=n_failed)
    if best_value == -np.inf:
        return Tuned(model, f"Not tuned: none of {n_failed} sets of hyperparameters could be fitted and judged")
    return Tuned(best, _sentence(metric.title, sign * best_value, own, judging, spec.tuning.trials, kept=best is model))


def _judging(spec: Spec, training: Rows) -> np.ndarray:
    """Return `(n_rows,)` bool: the rows that judge, about a quarter."""
    if not spec.split.in_time:
        return uniform(training.key_hash, _SALT) < JUDGING_SHARE
    start = np.quantile(training.day.astype("datetime64[D]").astype(np.int64), 1 - JUDGING_SHARE)
    newest: np.ndarray = training.day.astype("datetime64[D]").astype(np.int64) > start
    return newest


def _sets(model: Model, trials: int, seed: int) -> list[Model]:
    random = np.random.default_rng([seed, _SALT])
    drawn = [{name: place.draw(random) for name, place in model.search.items()} for _ in range(trials)]
    return [model, *(model.model_copy(update=values) for values in drawn)]


def _value(
    spec: Spec, model: Model, features: Any, training: Rows, *, task: FitTask, judging: np.ndarray
) -> float | None:
    from sklearn.base import clone

    part = task.part(~judging)
    try:
        fitted = rare_class.fit(
            model, clone(features), training.rows[~judging], training.y[~judging], part, target=spec.target
        )
        answers = spec.target.answers(fitted.pipeline, training.rows[judging])
    except _FIT_ERRORS as error:
        log.warning("trial_failed", candidate=model.label, reason=str(error).splitlines()[:1])
        return None
    judged = spec.target.predictions.of(training.y[judging], answers, threshold=spec.metrics.usual_threshold)
    return spec.metrics.metric(spec.metrics.primary).value(judged).value


def _sentence(title: str, value: float, own: float | None, judging: np.ndarray, trials: int, *, kept: bool) -> str:
    rows = f"{int(judging.sum()):,} of its training rows"
    if kept:
        return f"Tuned: the spec's own hyperparameters stay the best of {trials + 1} sets by {title} on {rows}"
    before = "they could not be fitted" if own is None else f"the spec's own gave {own:.4g}"
    return f"Tuned: the best of {trials + 1} sets by {title} on {rows}, {value:.4g} ({before})"
