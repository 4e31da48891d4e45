"""Hyperparameters by random search (Bergstra and Bengio, JMLR 2012) or over a grid, inside a candidate's training rows.

A part of the training rows judges the sets of hyperparameters that the rest was fitted on: the newest days where the
split goes by time, else a sample by key or by group. Validation rows choose between candidates and the holdout judges
the chosen one, so neither may be looked at here. Why at random: docs/adr/0010-tuning-stays-random.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from mlsys.events import get_logger
from mlsys.models.base import FitTask, Model
from mlsys.records import TriedSet
from mlsys.spec import Spec
from mlsys.spec.grids import points
from mlsys.splits.base import uniform
from mlsys.training import rare_class
from mlsys.training.trials import SHOWN, Memory

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
        group: `(n_rows,)` numbers of the groups that the split keeps together; None where it keeps none.
    """

    rows: pd.DataFrame
    y: np.ndarray
    key_hash: np.ndarray
    day: np.ndarray
    group: np.ndarray | None = None


@dataclass(frozen=True)
class Tuned:
    """The model with the best set of hyperparameters.

    Attributes:
        note: a sentence about the search, for the candidate's notes.
        trials: the best that were tried, best first, and the spec's own set.
    """

    model: Model
    note: str | None = None
    trials: tuple[TriedSet, ...] = ()


def tune(
    spec: Spec, model: Model, features: Any, training: Rows, task: FitTask, *, memory: Memory | None = None
) -> Tuned:
    """Return the best of the spec's own set and of those that `spec.tuning` tries, by the primary metric.

    The spec's own set is tried first and a later one must be better, so that tuning never loses by its own measure.
    A set that a library refuses is passed over. The same seed draws the same sets; what `memory` knows of a search that
    was killed is not tried again.
    """
    if not spec.tuning.enabled or not (model.search or model.label in spec.tuning.grid):
        return Tuned(model)
    judging = _judging(spec, training)
    if any(spec.target.unfit(training.y[part]) for part in (judging, ~judging)):
        return Tuned(model, "Not tuned: a part of the training rows holds one label only")
    metric = spec.metrics.metric(spec.metrics.primary)
    sign = 1.0 if metric.direction == "higher" else -1.0
    tried: list[tuple[Model, TriedSet]] = []
    for candidate in _sets(spec, model, task.seed):
        if tried and _spent(spec, tried):
            break
        trial = memory.known(candidate) if memory else None
        if trial is None:
            trial = _trial(spec, model, candidate, features, training, task=task, judging=judging)
            if memory:
                memory.keep(candidate, trial)
        tried.append((candidate, trial))
    judged = [(sign * trial.value, each, trial) for each, trial in tried if trial.value is not None]
    log.info("tuned", candidate=model.label, trials=len(tried), failed=len(tried) - len(judged))
    if not judged:
        return Tuned(model, f"Not tuned: none of {len(tried)} sets of hyperparameters could be fitted and judged")
    ranked = sorted(judged, key=lambda each: -each[0])  # stable: of equal ones the first, which may be the spec's own
    shown = tuple(trial for place, (_, _, trial) in enumerate(ranked) if place < SHOWN or trial.own)
    own, best = tried[0][1], ranked[0][2]
    return Tuned(ranked[0][1], _sentence(metric.title, best, own, int(judging.sum()), len(tried)), shown)


def _judging(spec: Spec, training: Rows) -> np.ndarray:
    """Return `(n_rows,)` bool: the rows that judge, about a quarter."""
    if not spec.split.in_time:
        by = training.key_hash if training.group is None else training.group
        return uniform(by, _SALT) < JUDGING_SHARE
    start = np.quantile(training.day.astype("datetime64[D]").astype(np.int64), 1 - JUDGING_SHARE)
    newest: np.ndarray = training.day.astype("datetime64[D]").astype(np.int64) > start
    return newest


def _sets(spec: Spec, model: Model, seed: int) -> Iterator[Model]:
    yield model
    grid = spec.tuning.grid.get(model.label)
    if grid is not None:
        yield from (point for point in points(model, grid) if point != model)
        return
    random = np.random.default_rng([seed, _SALT])
    for _ in range(spec.tuning.trials):
        yield model.model_copy(update={name: place.draw(random) for name, place in model.search.items()})


def _spent(spec: Spec, tried: list[tuple[Model, TriedSet]]) -> bool:
    budget = spec.tuning.budget
    return budget is not None and sum(trial.seconds for _, trial in tried) >= budget.total_seconds()


def _trial(
    spec: Spec, own: Model, model: Model, features: Any, training: Rows, *, task: FitTask, judging: np.ndarray
) -> TriedSet:
    begun = process_time()
    value = _value(spec, model, features, training, task=task, judging=judging)
    searched = spec.tuning.grid.get(own.label, own.search)
    params = {} if model is own else {name: getattr(model, name) for name in searched}
    return TriedSet(params=params, value=value, seconds=round(process_time() - begun, 3), own=model is own)


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


def _sentence(title: str, best: TriedSet, own: TriedSet, n_judging: int, n_tried: int) -> str:
    rows = f"{n_judging:,} of its training rows"
    if best.own:
        return f"Tuned: the spec's own hyperparameters stay the best of {n_tried} sets by {title} on {rows}"
    before = "they could not be fitted" if own.value is None else f"the spec's own gave {own.value:.4g}"
    return f"Tuned: the best of {n_tried} sets by {title} on {rows}, {best.value:.4g} ({before})"
