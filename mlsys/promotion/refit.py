"""The judged recipe fitted again on more rows before it serves, and the guards that look at what came of it.

The refitted model itself is not judged: what the gates said is said of its twin, fitted on training rows alone. So a
guard that does not pass lets the twin serve. Nothing here depends on when it runs: a repetition adopts what stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlsys.dataset import dataset
from mlsys.errors import IntegrityError, RunError
from mlsys.evaluation.bootstrap import paired_interval, replicate
from mlsys.events import get_logger
from mlsys.metrics.predictions import Predictions
from mlsys.records import Candidate, Decision, Guard, Prepared, Refit
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT
from mlsys.store import Store
from mlsys.training import model_file, training
from mlsys.wording import counted, number
from mlsys.workspace import Workspace

log = get_logger(__name__)

# What a stored pipeline raises that does not fit the rows; XGBoostError and LinAlgError are ValueErrors.
_MODEL_ERRORS = (RunError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)


@dataclass(frozen=True)
class _Newest:
    """The holdout's rows with the answers of both models, each at its own threshold."""

    judged: Predictions
    again: Predictions
    groups: np.ndarray | None


def refit(work: Workspace, prepared: Prepared, *, decision: Decision) -> Candidate | None:
    """Fit the challenger of a decision again as the spec asks, or adopt what stands in the ledger; None: not asked.

    Where the fit fails or a guard does not pass, its status is `failed` with the reason, and the judged model serves.

    Raises:
        IntegrityError: the ledger has no candidate of the challenger's name.
    """
    plan = prepared.plan
    spec = work.spec_of(plan)
    on = spec.training.refit_on
    if on is None or decision.challenger is None:
        return None
    known = work.ledger.candidate(Candidate.refitted(decision.challenger))
    if known is not None and (known.status == "failed" or (known.model and work.store.renew(known.model))):
        return known
    judged = work.ledger.candidate(decision.challenger)
    if judged is None:
        raise IntegrityError("The ledger has no candidate of the challenger's name", got=decision.challenger)
    again = training.refit(spec, prepared, candidate=judged, on=on, store=work.store)
    if again.status == "fitted":
        again = _guarded(spec, prepared, judged, again, store=work.store)
    log.info("refitted", candidate=again.candidate_id, status=again.status, rows=again.n_training_rows)
    return work.ledger.add_candidate(plan.pipeline, plan.run_id, again)


def _guarded(spec: Spec, prepared: Prepared, judged: Candidate, again: Candidate, *, store: Store) -> Candidate:
    """Return a refitted model with its threshold and what the guards say; `failed` where one does not pass."""
    assert again.refit is not None
    try:
        newest, threshold = _asked(spec, prepared, judged, again, store=store)
        guards = tuple(_guards(spec, prepared, newest, on_all=again.refit.on == "all"))
    except _MODEL_ERRORS as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        guards, threshold = (Guard(name="servable", passed=False, sentence=f"It can't be asked: {said}"),), None
    found = Refit(on=again.refit.on, guards=guards)
    update: dict[str, object] = {"refit": found, "threshold": again.threshold if threshold is None else threshold}
    if found.refused_by is not None:
        update |= {"status": "failed", "reason": found.refused_by.sentence}
    return again.model_copy(update=update)


def _asked(
    spec: Spec, prepared: Prepared, judged: Candidate, again: Candidate, *, store: Store
) -> tuple[_Newest, float | None]:
    from threadpoolctl import threadpool_limits

    classes = (*judged.classes, *again.classes)
    data = dataset.load(spec, prepared.snapshot, prepared.split, store=store, sides=(HOLDOUT,), classes=classes)
    usual = spec.metrics.usual_threshold

    with threadpool_limits(limits=1):
        before = data.target.answers(model_file.load(str(judged.model), store), data.rows)
        # Loaded twice, from bytes that the ledger names: what serves is a file, not what is still in memory.
        after, once_more = (data.target.answers(model_file.load(str(again.model), store), data.rows) for _ in range(2))
    if not np.array_equal(after, once_more):
        raise RunError("Loaded twice, it gives the same rows other answers")
    threshold = None if judged.threshold is None else as_often(before, after, judged.threshold)
    of = data.target.predictions.of
    first = of(data.y, before, threshold=usual if judged.threshold is None else judged.threshold)
    return _Newest(first, of(data.y, after, threshold=usual if threshold is None else threshold), data.group), threshold


def as_often(before: np.ndarray, after: np.ndarray, threshold: float) -> float:
    """Return the threshold at which scores `after` call as many rows positive as `before` did at theirs.

    Both `(n_rows,)`, of the same rows. No label decides it: a refit has learnt from those that would.
    """
    n_positive = int((before >= threshold).sum())
    ranked = np.sort(after)[::-1]
    if n_positive == 0:
        return max(threshold, float(np.nextafter(ranked[0], np.inf)))
    if n_positive == len(ranked):
        return min(threshold, float(ranked[-1]))
    return float((ranked[n_positive - 1] + ranked[n_positive]) / 2)


def _guards(spec: Spec, prepared: Prepared, newest: _Newest, *, on_all: bool) -> Iterator[Guard]:
    n_rows = counted(len(newest.judged.y_true), "holdout row")
    yield Guard(name="servable", passed=True, sentence=f"Loaded twice from its file it answers {n_rows} alike")
    limit, churn = spec.training.max_churn, newest.judged.changed(newest.again)
    yield Guard(
        name="churn",
        passed=churn <= limit,
        observed=churn,
        limit=limit,
        sentence=f"It changes {number(churn)} of the judged model's answers to {n_rows}; the limit is {number(limit)}",
    )
    yield _sane(spec, prepared, newest, n_rows=n_rows, on_all=on_all)


def _sane(spec: Spec, prepared: Prepared, newest: _Newest, *, n_rows: str, on_all: bool) -> Guard:
    """Answers that vary as the judged model's do, and a primary metric that is not clearly worse."""
    distinct = [len(np.unique(each.answers, axis=0)) for each in (newest.judged, newest.again)]
    if distinct[1] < 2 <= distinct[0]:
        return Guard(name="scores", passed=False, sentence=f"It gives the same answer to all of {n_rows}")
    metric = spec.metrics.metric(spec.metrics.primary)
    values = replicate(
        {"judged": newest.judged, "again": newest.again},
        [metric],
        n_replicates=spec.metrics.replicates,
        seed=prepared.plan.seed,
        groups=newest.groups,
    )
    pair = [values[name][metric.kind] for name in ("again", "judged")]
    upper = paired_interval(pair[0], pair[1], direction=metric.direction, level=spec.metrics.level).upper
    seen = ", which it has learnt from" if on_all else ", which it has not seen"
    if upper is None:
        return Guard(name="scores", passed=True, sentence=f"{metric.title} is undefined on {n_rows}{seen}")
    passed = upper >= 0
    said = "is not clearly worse" if passed else "is clearly worse"
    return Guard(
        name="scores",
        passed=passed,
        observed=upper,
        limit=0.0,
        sentence=f"{metric.title} {said} than the judged model's on {n_rows}{seen}: at best {upper:+.3g}",
    )
