"""Fit candidates: each one its own pipeline of features and model, on training rows alone, side by side.

Candidates are fitted in forked children when there are several workers and one thread per candidate. The parent
imports the libraries and loads the training rows once, and the children share both. With more threads per candidate
they are fitted one after another in this process: their threads fill the cores, and a forked child must not use an
OpenMP pool that its parent has started.
"""

from __future__ import annotations

import hashlib
import pickle
import time
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mlsys.children import ChildExit, side_by_side
from mlsys.dataset import dataset
from mlsys.dataset.of_run import SIDES_FITTED
from mlsys.errors import RunError, UsageError, near_match
from mlsys.events import get_logger
from mlsys.features.base import FeatureColumns
from mlsys.flaws.identifiers import as_identifier
from mlsys.models import MODELS
from mlsys.models.base import FitTask, Fitted, Model
from mlsys.models.fit_task import Foundation
from mlsys.records import Candidate, Plan, Prepared, Refit, RefitOn, Split
from mlsys.schema import ColumnSpec
from mlsys.spec import Spec
from mlsys.spec.parts import fitted_part
from mlsys.splits.base import TRAINING, VALIDATION, uniform
from mlsys.store import Store
from mlsys.targets.base import Target
from mlsys.training import model_file, rare_class
from mlsys.training import threshold as thresholds
from mlsys.training.adoption import as_first_fitted
from mlsys.training.of_champion import champion_for
from mlsys.training.trials import Memory
from mlsys.training.tuning import Rows, Tuned, tune
from mlsys.wording import counted

log = get_logger(__name__)

INNER_SHARE = 0.125
_LOT_SALT = 0x3C8D7  # for calibration; neither early stopping nor tuning draws by it
_INNER_SALT = 0x1A2E5  # another one than the split's, so that inner rows are an even sample of the training rows

# What scikit-learn, SciPy and XGBoost raise when data and parameters do not fit together (XGBoostError and
# LinAlgError are ValueErrors). Anything else, a MemoryError or a mistake in mlsys, is no property of the candidate
# and ends the run.
_FIT_ERRORS = (ValueError, ArithmeticError, RuntimeError)


@dataclass(frozen=True)
class Material:
    """What a candidate is fitted on.

    Attributes:
        inner: `(n_rows,)` bool, a fixed eighth of the rows by key, for early stopping.
        key_hash, day, group: `(n_rows,)` each, by which tuning sets rows aside; the last for a group split.
        notes: what is worth saying about the columns.
        target: the learning task, which knows the classes that `y` counts.
        judging: validation rows, where thresholds are chosen on them.
        champion: for candidates that are made of it, or why they are left out.
    """

    rows: pd.DataFrame
    y: np.ndarray
    inner: np.ndarray
    key_hash: np.ndarray
    day: np.ndarray
    columns: FeatureColumns
    notes: tuple[str, ...]
    target: Target
    judging: thresholds.Judging | None = None
    group: np.ndarray | None = None
    champion: Foundation | str = ""


def train(spec: Spec, prepared: Prepared, *, name: str, store: Store) -> Candidate:
    """Fit one candidate in this process and store its model.

    Raises:
        UsageError: the spec has no candidate of that name.
        DataError: the rows can't be read as the spec's columns.
    """
    model = _models(spec, [name])[0]
    material = _material(spec, prepared, store=store, sides=(TRAINING,))
    return _candidate(spec, prepared.plan, model, material, store=store)


def train_all(
    spec: Spec, prepared: Prepared, *, store: Store, workers: int, names: Collection[str] | None = None
) -> list[Candidate]:
    """Fit all candidates (or those named), the longest first, and return them in the spec's order.

    Raises:
        UsageError: the spec has no candidate of a name.
        DataError: the rows can't be read as the spec's columns.
        RunError: none could be fitted, with all reasons; or a child ended with an error that is no candidate's.
    """
    models = _models(spec, names)
    plan, material = prepared.plan, _material(spec, prepared, store=store, sides=(TRAINING,))
    if workers > 1 and len(models) > 1 and spec.training.threads == 1:
        found = _forked(spec, plan, models, material, store=store, workers=workers)
    else:
        found = {m.label: _candidate(spec, plan, m, material, store=store) for m in models}
    return [found[model.label] for model in models]


def require_fitted(candidates: Sequence[Candidate], split: Split) -> None:
    """Refuse to go on without a single fitted candidate, unless the training rows, being of one class, allow none.

    Raises:
        RunError: only baselines are fitted, or nothing; holds each failed one's reason.
    """
    fitted = any(candidate.status == "fitted" and not candidate.baseline for candidate in candidates)
    if not fitted and not split.one_class("training"):
        reasons = "; ".join(f"{c.name}: {c.reason}" for c in candidates if c.status == "failed")
        raise RunError(f"No candidate could be fitted. {reasons}", where="training")


def refit(spec: Spec, prepared: Prepared, *, candidate: Candidate, on: RefitOn, store: Store) -> Candidate:
    """Fit a candidate again on more sides, as `training.refit` names them; its id ends in `-refit`.

    The result is not the model that was judged, and a note of it says so. It keeps the threshold.
    """
    again = _once_more(spec, prepared, candidate, SIDES_FITTED[on], prepared.plan, store=store)
    rows = "training and validation rows" if on == "train+validation" else "all rows, those of the holdout too"
    note = f"Fitted again on {rows}; this very model was not judged"
    return again.model_copy(
        update={
            "candidate_id": Candidate.refitted(again.candidate_id),
            "threshold": candidate.threshold,  # it has learnt from the rows that would choose another one
            "refit": Refit(on=on),
            "notes": (note, *again.notes),
        }
    )


def with_other_seed(spec: Spec, prepared: Prepared, *, candidate: Candidate, place: int, store: Store) -> Candidate:
    """Fit a candidate again on the same rows with its `place`-th other seed, from 1 on."""
    plan = prepared.plan.model_copy(update={"seed": (prepared.plan.seed + place) % 2**32})
    return _once_more(spec, prepared, candidate, (TRAINING,), plan, store=store)


def _once_more(
    spec: Spec, prepared: Prepared, candidate: Candidate, sides: Collection[int], plan: Plan, *, store: Store
) -> Candidate:
    untuned = spec.model_copy(update={"tuning": spec.tuning.model_copy(update={"enabled": False})})
    model = MODELS.stored(candidate.params)  # with the hyperparameters that tuning found
    prepared, plan = as_first_fitted(prepared, [candidate]), plan.model_copy(update={"built_on": candidate.built_on})
    return _candidate(untuned, plan, model, _material(spec, prepared, store=store, sides=sides), store=store)


def preload(models: Sequence[Model], spec: Spec) -> None:
    """Import what fits need, without fitting: children forked later share the libraries."""
    for model in models:
        model.estimator(FitTask(seed=0, threads=1, inner=np.zeros(0, dtype=bool), estimator=spec.target.estimator))
        model.transformer(spec.features, columns_of(spec.feature_columns()))


def columns_of(columns: Mapping[str, ColumnSpec]) -> FeatureColumns:
    """Return feature columns by what they hold."""
    numeric = tuple(name for name, column in columns.items() if column.type in dataset.NUMERIC)
    return FeatureColumns(numeric, tuple(name for name in columns if name not in numeric))


def seed_of(plan: Plan, name: str) -> int:
    """Return a candidate's seed, in 0 to 2**31 - 1: from the plan's seed and its name, not from its neighbours."""
    return int.from_bytes(hashlib.sha256(f"{plan.seed}:{name}".encode()).digest()[:4], "big") >> 1


def _models(spec: Spec, names: Collection[str] | None) -> list[Model]:
    known = {model.label: model for model in spec.models}
    for name in names or ():
        if name not in known:
            raise UsageError(f"No candidate named '{name}'. {near_match(name, known)}", where="models")
    return [model for label, model in known.items() if names is None or label in names]


def _material(spec: Spec, prepared: Prepared, *, store: Store, sides: Collection[int]) -> Material:
    spec = fitted_part(spec)
    data = dataset.load(spec, prepared.snapshot, prepared.split, store=store, sides=sides)
    columns = columns_of(spec.feature_columns())
    judging = None
    if spec.metrics.costs is not None and VALIDATION not in sides:
        others = dataset.load(spec, prepared.snapshot, prepared.split, store=store, sides=(VALIDATION,))
        judging = thresholds.Judging(others.rows, others.y)
    inner = uniform(data.key_hash, _INNER_SALT) < INNER_SHARE
    notes = tuple(_column_notes(data.rows, columns, texts=spec.features.texts))
    return Material(
        data.rows,
        data.y,
        inner,
        data.key_hash,
        data.day,
        columns,
        notes,
        target=data.target,
        judging=judging,
        group=data.group,
        champion=_champion(spec, prepared, data, store=store),
    )


def _champion(spec: Spec, prepared: Prepared, data: dataset.Dataset, *, store: Store) -> Foundation | str:
    if not any(model.of_champion for model in spec.models):
        return "no candidate is made of it"
    return champion_for(prepared, data.key_hash, data.day, keyed=bool(spec.key), store=store)


def _column_notes(rows: pd.DataFrame, columns: FeatureColumns, *, texts: Collection[str]) -> list[str]:
    notes = [f"Column '{name}' is missing in every row" for name in rows.columns[rows.isna().all()]]
    for name in (each for each in columns.categorical if each not in texts):  # text never repeats
        n_known, n_distinct = int(rows[name].notna().sum()), int(rows[name].nunique())
        found = as_identifier(name, n_distinct=n_distinct, n_known=n_known)
        if found is not None:
            notes.append(found)
    return notes[:10]


def _candidate(spec: Spec, plan: Plan, model: Model, material: Material, *, store: Store) -> Candidate:
    spec = fitted_part(spec).model_copy(update={"target": material.target})  # which knows the classes that y counts
    obstacle = _obstacle(spec.target, model, material)
    if obstacle is not None:
        return _failed(plan, model, obstacle, material=material)
    task = FitTask(
        seed=seed_of(plan, model.label),
        threads=spec.training.threads,
        inner=material.inner,
        estimator=spec.target.estimator,
        lot=uniform(material.key_hash, _LOT_SALT),
        champion=material.champion if model.of_champion and isinstance(material.champion, Foundation) else None,
    )
    features = model.transformer(spec.features, material.columns)
    started = time.perf_counter()
    try:
        memory = Memory.of(store, plan.training_key, model.label)
        (fitted, warned), tuned = _fit(spec, model, features, material, task, memory=memory)
    except _FIT_ERRORS as error:
        return _failed(plan, model, f"{type(error).__name__}: {_first_line(error)}", material=material)
    seconds = time.perf_counter() - started
    digest, n_bytes = model_file.save(fitted.pipeline, store)
    chosen = thresholds.choose(spec, fitted.pipeline, material.judging)
    log.info("fitted", candidate=model.label, rows=len(material.y), seconds=round(seconds, 2), bytes=n_bytes)
    return _record(plan, tuned.model, material).model_copy(
        update={
            "model": digest,
            "model_bytes": n_bytes,
            "seed": task.seed,
            "n_features": int(getattr(fitted.pipeline[-1], "n_features_in_", 0)),
            "threshold": chosen.threshold,
            "fit_seconds": round(seconds, 3),
            "classes": spec.target.knows(fitted.pipeline),
            "notes": (*([tuned.note] if tuned.note else []), *fitted.notes, *chosen.notes, *material.notes, *warned),
            "trials": tuned.trials,
            "built_on": plan.built_on if model.of_champion else None,
        }
    )


def _obstacle(target: Target, model: Model, material: Material) -> str | None:
    """Return why a model can't be fitted on rows, as known before; None: it may."""
    unfit = target.unfit(material.y)
    if unfit is not None:
        # Some libraries would fit a constant, others refuse, each in words of its own.
        return f"All {counted(len(material.y), 'row')} to fit on {unfit}"
    return f"Left out: {material.champion}" if model.of_champion and isinstance(material.champion, str) else None


def _fit(
    spec: Spec, model: Model, features: Any, material: Material, task: FitTask, *, memory: Memory
) -> tuple[tuple[Fitted, tuple[str, ...]], Tuned]:
    # Warnings (no convergence, say) belong to the candidate's record, where people look for them.
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=task.threads), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        rows = Rows(material.rows, material.y, material.key_hash, material.day, material.group)
        tuned = tune(spec, model, features, rows, task, memory=memory)
        fitted = rare_class.fit(tuned.model, features, material.rows, material.y, task, target=spec.target)
    texts = (f"{item.category.__name__}: {_first_line(item.message)}" for item in caught)
    return (fitted, tuple(dict.fromkeys(texts))[:5]), tuned


def _forked(
    spec: Spec, plan: Plan, models: Sequence[Model], material: Material, *, store: Store, workers: int
) -> dict[str, Candidate]:
    preload(models, spec)
    longest_first = sorted(models, key=lambda model: -model.effort)
    work = {m.label: partial(_in_child, spec, plan, m, material, store=store) for m in longest_first}
    by_name = {model.label: model for model in models}
    found: dict[str, Candidate] = {}
    for ended in side_by_side(work, workers=workers, timeout=spec.training.timeout.total_seconds()):
        found[ended.name] = _received(plan, by_name[ended.name], ended, material)
    return found


def _in_child(spec: Spec, plan: Plan, model: Model, material: Material, *, store: Store) -> bytes:
    return pickle.dumps(_candidate(spec, plan, model, material, store=store))


def _received(plan: Plan, model: Model, ended: ChildExit, material: Material) -> Candidate:
    if ended.killed:
        return _failed(plan, model, f"Its process ended by {ended.cause}{ended.hint}", material=material)
    if ended.error is not None:
        ended.error.where = ended.error.where or f"Fitting '{ended.name}'"
        raise ended.error
    if ended.data is None:
        raise RunError(
            f"Fitting '{ended.name}' ended with {ended.cause}; its traceback stands in the log above", where="training"
        )
    result = pickle.loads(ended.data)  # noqa: S301 - from our own child
    assert isinstance(result, Candidate)
    return result


def _failed(plan: Plan, model: Model, reason: str, *, material: Material) -> Candidate:
    log.warning("failed", candidate=model.label, reason=reason)
    update = {"status": "failed", "reason": reason[:1000], "notes": material.notes}
    return _record(plan, model, material).model_copy(update=update)


def _record(plan: Plan, model: Model, material: Material) -> Candidate:
    return Candidate(
        candidate_id=Candidate.id_of(plan.training_key, model.label),
        name=model.label,
        kind=model.kind,
        status="fitted",
        baseline=model.baseline,
        params=model.model_dump(mode="json"),
        seed=seed_of(plan, model.label),
        n_training_rows=len(material.y),
    )


def _first_line(error: Warning | Exception | str) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "no message"
