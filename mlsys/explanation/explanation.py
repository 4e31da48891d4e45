"""Explain the best candidate of a run that was decided: once, in a budget, and never so that the run could fail by it.

The three parts are made side by side, each in a forked child that is killed when its time is over. What can't be made,
or not honestly, is left out with its reason. The result is one JSON file beside the report card, which every card of
the run is drawn from; who asks again is given what is there.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from mlsys.children import ChildExit, side_by_side
from mlsys.dataset import dataset
from mlsys.errors import IntegrityError, MlsysError
from mlsys.events import get_logger
from mlsys.explanation.asked import Asked
from mlsys.explanation.dependence import dependence
from mlsys.explanation.importance import importance
from mlsys.explanation.shares import shares
from mlsys.models import MODELS
from mlsys.records import Candidate, EvaluationSet
from mlsys.report import explained
from mlsys.report.card import Card
from mlsys.report.run_records import card_of
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT
from mlsys.store import canonical_json, write_if_other
from mlsys.training import model_file
from mlsys.workspace import Workspace

log = get_logger(__name__)

MOST_HOLDOUT = 50_000  # rows among which the most wrong ones are looked for
_LONGEST = 300

# What a stored pipeline, a library or odd rows raise; a full memory ends the child alone.
_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, ImportError, MlsysError)
PARTS: Mapping[str, Callable[[Asked], dict[str, Any]]] = {
    "shares": shares,
    "importance": lambda asked: importance(asked.of(asked.sample(asked.settings.rows))),
    "dependence": lambda asked: dependence(asked.of(asked.sample(asked.settings.rows))),
}


def explain(work: Workspace, run_id: str) -> bool:
    """Explain the challenger of a run; return whether there is an explanation, made now or before.

    There is none of a run that has not come to its end, that has no challenger, or whose spec wants none; nor is one
    made whose files housekeeping has removed.

    Raises:
        UsageError: no such run.
    """
    card = card_of(work, run_id)
    try:
        return _explain(work, card)
    except Exception:  # whatever it was, the run has its decision and its card
        log.exception("not_explained", run=run_id)
        return False


def _explain(work: Workspace, card: Card) -> bool:
    spec, evaluations = work.spec_of(card.plan), card.evaluations
    candidate = next((c for c in card.candidates if c.candidate_id == card.challenger), None)
    ended = card.decision is not None and card.split is not None
    if not spec.explanations.enabled or not ended or candidate is None or evaluations is None:
        return False
    of = explained.made_of(candidate, evaluations)
    if card.explanation is not None and card.explanation["of"] == of:
        return True
    try:
        if spec.target.unexplained:
            raise ValueError(spec.target.unexplained)
        asked, n_holdout = _asked(work, card, spec, candidate=candidate)
        found = _parts(asked, workers=work.settings.workers, threads=spec.training.threads)
    except IntegrityError as error:  # housekeeping has removed files of an old run
        log.warning("not_explained", run=card.plan.run_id, reason=str(error))
        return False
    except _ERRORS as error:
        n_holdout, found = 0, {name: {"left_out": _reason(error)} for name in PARTS}
    left_out = {name: part["left_out"] for name, part in found.items() if "left_out" in part}
    log.info("explained", run=card.plan.run_id, candidate=candidate.candidate_id, left_out=left_out)
    about = {"format": explained.FORMAT, "of": of, "n_holdout": n_holdout}
    whole = {**about, "settings": spec.explanations.model_dump(mode="json"), **found}
    write_if_other(work.home / explained.path(card.plan), canonical_json(whole))
    return True


def _asked(work: Workspace, card: Card, spec: Spec, *, candidate: Candidate) -> tuple[Asked, int]:
    """Return what is asked and of how many rows there are; of a large holdout an even sample."""
    from threadpoolctl import threadpool_limits

    plan, split, evaluations = card.plan, card.split, card.evaluations
    assert split is not None
    assert evaluations is not None
    assert candidate.model is not None
    pipeline = model_file.load(candidate.model, work.store)
    data = dataset.load(spec, card.snapshot, split, store=work.store, sides=(HOLDOUT,))
    target, n = data.target, len(data.rows)
    threshold = spec.metrics.usual_threshold if candidate.threshold is None else candidate.threshold
    places = np.sort(np.random.default_rng(plan.seed).permutation(n)[:MOST_HOLDOUT])
    rows, y = data.rows.iloc[places].reset_index(drop=True), data.y[places]
    with threadpool_limits(limits=1):
        answers = target.answers(pipeline, rows)
    asked = Asked(
        target=target,
        model=MODELS.stored(candidate.ranks_by),
        pipeline=pipeline,
        rows=rows,
        predictions=target.predictions.of(y, answers, threshold=threshold),
        metric=spec.metrics.metric(spec.metrics.primary),
        columns=spec.feature_columns(),
        ranked=_ranked(work, evaluations, spec),
        classes=target.names,
        settings=spec.explanations,
        seed=plan.seed,
    )
    return asked, n


def _ranked(work: Workspace, evaluations: EvaluationSet, spec: Spec) -> list[str]:
    """Return all columns, those first on which the evaluation found the model to rely."""
    known = (work.store.read_json(evaluations.details).get("insight") or {}).get("importance") or {"columns": []}
    there = spec.feature_columns()
    first = [name for name, _ in known["columns"] if name in there]
    return [*first, *(name for name in there if name not in set(first))]


def _parts(asked: Asked, *, workers: int, threads: int) -> dict[str, dict[str, Any]]:
    """Return each part, or why it is left out; in this process where models use several threads, as in training."""
    if threads > 1:
        return {name: _made(make, asked) for name, make in PARTS.items()}
    work = {name: partial(_in_child, make, asked) for name, make in PARTS.items()}
    ended = {end.name: end for end in side_by_side(work, workers=workers, timeout=asked.settings.seconds)}
    return {name: _received(ended[name]) for name in PARTS}


def _in_child(make: Callable[[Asked], dict[str, Any]], asked: Asked) -> bytes:
    return canonical_json(_made(make, asked))


def _made(make: Callable[[Asked], dict[str, Any]], asked: Asked) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about single columns; what matters is said by the result
        try:
            return make(asked)
        except _ERRORS as error:
            return {"left_out": _reason(error)}


def _received(end: ChildExit) -> dict[str, Any]:
    if end.data is None:
        return {"left_out": str(end.error) if end.error else f"It ended with {end.cause}{end.hint}"}
    found: dict[str, Any] = json.loads(end.data)
    return found


def _reason(error: Exception) -> str:
    told = str(error) if isinstance(error, MlsysError | ValueError) else f"{type(error).__name__}: {error}"
    return " ".join(told.split())[:_LONGEST]
