"""Choose the best candidate on validation rows and compare it with the champion on the holdout.

Selection and judgement use different rows: the best candidate is chosen on validation rows, and only the holdout, which
no candidate was fitted or chosen on, says how good it is. Challenger and champion predict the same raw rows, each
through its own whole pipeline and its own columns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import pandas as pd

from mlsys.errors import RunError
from mlsys.evaluation import insight, known_rows, payoff
from mlsys.evaluation.anchor import Anchor
from mlsys.evaluation.champion import ChampionModel, obstacle_of, threshold_of
from mlsys.evaluation.comparison import Assessment, ComparisonRules, Contender, assess, scored, unusable
from mlsys.evaluation.measured import Scene, measured
from mlsys.evaluation.rows import EvaluationRows, rows_to_judge
from mlsys.evaluation.shortage import shortage_of
from mlsys.events import get_logger
from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import Predictions
from mlsys.models.calibration import uncalibrated
from mlsys.records import HISTORICAL, AnchorComparison, Candidate, EvaluationSet, Plan, Prepared, Split
from mlsys.records.inspection import Inspection
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.targets.base import Target
from mlsys.training import model_file

log = get_logger(__name__)

ChampionState = Literal["none", "scored", "not_comparable", "error", "not_asked"]

# What a stored pipeline raises when it does not fit the rows or the installed packages (XGBoostError is a ValueError;
# a RunError says that its file is missing, changed or unreadable). A full memory or a lock is no property of the model.
_MODEL_ERRORS = (
    RunError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    ImportError,
)
_REASON_LENGTH = 300


def evaluate(
    spec: Spec,
    prepared: Prepared,
    *,
    candidates: Sequence[Candidate],
    champion: ChampionModel | None,
    store: Store,
    anchor: Anchor | None = None,
    explained: bool = True,
    inspect: Callable[[Assessment], Inspection] | None = None,
) -> EvaluationSet:
    """Score all fitted candidates and the champion, choose the best, and compare it with the champion.

    A candidate that can't be scored is named with its reason and never chosen; a champion that can't be scored makes
    the champion's state `error`, which no gate lets pass. The best candidate is compared with the `anchor`, too. Where
    `explained`, the details say what the best candidate relies on. `inspect` looks for flaws in the data while the
    scores are at hand.
    """
    # Imported on use: one thread makes sums independent of the machine, and starts no OpenMP pool before a later fork.
    from threadpoolctl import threadpool_limits

    plan, past = prepared.plan, anchor.model if anchor else None
    rows = rows_to_judge(spec, prepared, champion=champion, past=past, store=store)
    with threadpool_limits(limits=1):
        contenders = _contenders(spec, candidates, rows, store)
        rival = None if champion is None or rows.obstacle else _as_contender(spec, champion, rows, store)
        assessed = assess(contenders, rival, metrics=metrics_of(spec), rules=_rules(spec, rows, seed=plan.seed))
        found = _insight(spec, assessed, rows, seed=plan.seed, store=store) if explained else None
        held = _held_against(spec, anchor, assessed, rows, seed=plan.seed, store=store) if anchor else None
        inspected = None if inspect is None else inspect(assessed)
        scene = Scene(spec, prepared, rows.data, assessed, candidates, champion if rival else None, store)
        by_gates = measured(scene)
    state = _champion_state(plan, champion, rows.obstacle, rival)
    _log(plan, assessed, *state)
    parts = {"insight": found, "anchor": held.dump() if held else None, "measured": by_gates}
    said = _details(spec, assessed) | _of_classes(rows) | {name: part for name, part in parts.items() if part}
    judged = _record(spec, prepared.split, assessed, champion, state, rows=rows, details=store.put_json(said))
    return judged.model_copy(update={"inspection": inspected})


def _held_against(
    spec: Spec, anchor: Anchor, assessed: Assessment, rows: EvaluationRows, *, seed: int, store: Store
) -> AnchorComparison:
    """Compare the best candidate with the best past champion, by the metrics that gates ask for."""
    known = AnchorComparison(model_id=anchor.model_id, version=anchor.version, state="champion")
    if anchor.model is None:
        return known
    obstacle = obstacle_of(spec, anchor.model)
    past = None if obstacle else _as_contender(spec, anchor.model, rows, store)
    if past is None or past.holdout is None:
        return known.model_copy(update={"state": "unusable", "reason": obstacle or (past.reason if past else None)})
    if assessed.best is None:
        return known.model_copy(update={"state": "scored"})
    asked = {*spec.anchored_metrics, spec.metrics.primary}
    metrics = [metric for metric in metrics_of(spec) if metric.kind in asked]
    found = assess([assessed.best], past, metrics=metrics, rules=_rules(spec, rows, seed=seed))
    return known.model_copy(update={"state": "scored", "comparisons": tuple(found.comparisons.values())})


def _rules(spec: Spec, rows: EvaluationRows, *, seed: int) -> ComparisonRules:
    limits: dict[str, list[float]] = {}
    for gate in spec.gates:
        if isinstance(gate, BetterThanChampion):
            limits.setdefault(gate.metric or spec.metrics.primary, []).append(gate.limit)
    return ComparisonRules(
        primary=spec.metrics.primary,
        n_replicates=spec.metrics.replicates,
        seed=seed,
        level=spec.metrics.level,
        ties=rows.ties(spec),
        limits=limits,
    )


def metrics_of(spec: Spec) -> list[Metric]:
    """Return all built-in metrics of the learning task, and the primary one if it comes from outside."""
    built_in = [spec.metrics.metric(name) for name in spec.task_metrics]
    known = {metric.kind for metric in built_in}
    return built_in if spec.metrics.primary in known else [*built_in, spec.metrics.metric(spec.metrics.primary)]


def _contenders(spec: Spec, candidates: Sequence[Candidate], rows: EvaluationRows, store: Store) -> list[Contender]:
    place = {model.label: index for index, model in enumerate(spec.models)}
    # Never one that was fitted again: it was not judged, and may have learnt from these very rows.
    fitted = [c for c in candidates if c.status == "fitted" and c.judged_twin is None]
    fitted.sort(key=lambda candidate: place.get(candidate.name, len(place)))
    names, usual = list(spec.feature_columns()), spec.metrics.usual_threshold
    found = []
    for candidate in fitted:
        threshold = usual if candidate.threshold is None else candidate.threshold
        role: Literal["baseline", "candidate"] = "baseline" if candidate.baseline else "candidate"
        found.append(_contender(candidate, role, names, threshold, rows=rows, store=store))
    return found


def _as_contender(spec: Spec, champion: ChampionModel, rows: EvaluationRows, store: Store) -> Contender:
    names, threshold = list(champion.columns), threshold_of(spec, champion)
    found = _contender(champion.candidate, "champion", names, threshold, rows=rows, store=store)
    return replace(found, model_id=champion.champion_id)


def _contender(
    candidate: Candidate,
    role: Literal["candidate", "baseline", "champion"],
    columns: list[str],
    threshold: float,
    *,
    rows: EvaluationRows,
    store: Store,
) -> Contender:
    blank = Contender(candidate.candidate_id, candidate.name, role, candidate.model)
    try:
        if candidate.model is None:
            raise RunError("It has no model file")
        answers = rows.target.answers(model_file.load(candidate.model, store), rows.frame[columns])
    except _MODEL_ERRORS as error:
        reason = f"{type(error).__name__}: {error}" if not isinstance(error, RunError) else str(error)
        reason = " ".join(reason.split())[:_REASON_LENGTH].rstrip(".")
        log.warning("model_not_scored", model=candidate.candidate_id, role=role, reason=reason)
        return unusable(blank, reason)
    return scored(
        blank,
        validation=rows.judged(answers, ~rows.on_holdout, threshold=threshold),
        holdout=rows.judged(answers, rows.on_holdout, threshold=threshold),
    )


def _champion_state(
    plan: Plan, champion: ChampionModel | None, obstacle: str | None, rival: Contender | None
) -> tuple[ChampionState, str | None]:
    if plan.mode in HISTORICAL:
        return "not_asked", None
    if champion is None:
        return "none", None
    if rival is None:
        return "not_comparable", obstacle
    return ("scored", None) if rival.holdout is not None else ("error", rival.reason)


def _log(plan: Plan, assessed: Assessment, state: ChampionState, reason: str | None) -> None:
    level = logging.ERROR if state == "error" else logging.INFO
    best = assessed.best.model_id if assessed.best else None
    log.log(level, "evaluated", run=plan.run_id, best=best, champion_state=state, reason=reason)


def _record(
    spec: Spec,
    split: Split,
    assessed: Assessment,
    champion: ChampionModel | None,
    state: tuple[ChampionState, str | None],
    *,
    rows: EvaluationRows,
    details: str,
) -> EvaluationSet:
    primary, n_holdout = spec.metrics.primary, int(rows.on_holdout.sum())
    summary = {evaluation.model_id: evaluation.on_holdout(primary) for evaluation in assessed.evaluations}
    return EvaluationSet(
        primary=primary,
        best=assessed.best.model_id if assessed.best else None,
        champion=champion.champion_id if champion else None,
        champion_state=state[0],
        champion_reason=state[1],
        n_validation=int((~rows.on_holdout).sum()),
        n_holdout=n_holdout,
        holdout_classes=_holdout_classes(split, rows),
        summary={model_id: value for model_id, value in summary.items() if value is not None},
        comparison=assessed.comparisons.get(primary),
        shortage=shortage_of(split, assessed, spec.metrics.metric(primary)),
        dependence=assessed.dependence,
        twin=champion.candidate.candidate_id if champion and champion.serves else None,
        known_rows=known_rows.record(champion.fitted_on, rows.n_known, n_holdout + rows.n_known) if champion else None,
        details=details,
    )


def _holdout_classes(split: Split, rows: EvaluationRows) -> dict[str, int]:
    known = dict(split.holdout.classes)
    return rows.target.class_counts(rows.y[rows.on_holdout]) if known and rows.n_known else known


def _insight(
    spec: Spec, assessed: Assessment, rows: EvaluationRows, *, seed: int, store: Store
) -> dict[str, Any] | None:
    """Return what the best candidate relies on, calibration and segments of it and the champion; None without one."""
    best = assessed.best
    if best is None or best.holdout is None or best.model is None or not best.holdout.y_true.size:
        return None
    columns, frame = spec.feature_columns(), rows.frame[rows.on_holdout]
    metric = next(metric for metric in metrics_of(spec) if metric.kind == spec.metrics.primary)
    try:
        pipeline = model_file.load(best.model, store)
        ask = partial(rows.target.answers, pipeline)
        learning = rows.target.learning(pipeline)
        known = insight.importance(ask, frame[list(columns)], best.holdout, metric, seed=seed)
        righted = _righted(pipeline, frame[list(columns)], best.holdout, rows.target)
    except _MODEL_ERRORS as error:  # it has scored these rows; what it says of shuffled ones decides nothing
        log.warning("not_explained", model=best.model_id, reason=str(error))
        known, righted, learning = None, None, {}
    judged = {c.model_id: c.holdout for c in assessed.contenders if c is best or c.role == "champion"}
    models = {name: scored for name, scored in judged.items() if scored is not None}
    ranked = [name for name, _ in known["columns"]] if known else []
    return {
        **({"calibrated": righted} if righted else {}),
        "importance": known,
        "calibration": {name: insight.calibration(scored) for name, scored in models.items()},
        "segments": insight.segments(frame, columns, models, metric, ranked=ranked),
        **({"learning": learning} if learning else {}),
    }


def _righted(pipeline: Any, frame: pd.DataFrame, judged: Predictions, target: Target) -> dict[str, Any] | None:
    """Return how right scores are as probabilities before and after calibration; None of a model without it."""
    before = uncalibrated(pipeline)
    if before is None:
        return None
    raw = judged.answered(target.answers(before, frame))
    return {"before": insight.rightness(raw), "after": insight.rightness(judged)}


def _details(spec: Spec, assessed: Assessment) -> dict[str, Any]:
    usable = {
        contender.model_id: contender.holdout for contender in assessed.contenders if contender.holdout is not None
    }
    return {
        "evaluations": [evaluation.dump() for evaluation in assessed.evaluations],
        "comparisons": [comparison.dump() for comparison in assessed.comparisons.values()],
        "threshold": None if spec.metrics.costs else spec.metrics.usual_threshold,
        "best_sentence": assessed.sentence,
        **payoff.pictures(spec.metrics.k, spec.metrics.costs, usable),
        **_by_picture({model_id: rows.pictures() for model_id, rows in usable.items()}),
    }


def _of_classes(rows: EvaluationRows) -> dict[str, Any]:
    """Return the classes that answers have a column for, and the holdout rows of those that the champion lacks."""
    if not rows.target.names:
        return {}
    counts = rows.target.class_counts(rows.y[rows.on_holdout])
    unknown = {name: n for name, n in counts.items() if rows.classes and name not in rows.classes}
    return {"classes": list(rows.target.names), "unknown": unknown}


def _by_picture(drawn: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what is drawn of models by the picture, then by the model."""
    names = dict.fromkeys(name for pictures in drawn.values() for name in pictures)
    return {name: {model_id: pictures[name] for model_id, pictures in drawn.items()} for name in names}
