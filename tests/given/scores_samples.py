"""Sample scores: models are binormal, so tables, curves and confusion matrices agree with each other.

A model is its ROC AUC, its false positive rate at the threshold and its log loss; every other number follows.
"""

from __future__ import annotations

from itertools import pairwise
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any, Literal

from mlsys.records import Comparison, Evaluation, EvaluationSet, MetricValue
from mlsys.store import Store

TRAINING_KEY = "5c1f0e9a7b34d2861f7be02c94d8a53b6170ce4f28ad915e3b06c7d8f2491a5e"
CHAMPION = "a81d27f0c3b9-xgboost"
N_POSITIVE, N_NEGATIVE = 497, 742
SKILL = {  # ROC AUC, false positive rate at the threshold, log loss
    "logistic": (0.9312, 0.088, 0.342),
    "random_forest": (0.9587, 0.049, 0.268),
    "hist_gradient_boosting": (0.9651, 0.046, 0.241),
    "xgboost": (0.9688, 0.042, 0.229),
    "prior": (0.5, 0.0, 0.674),
    CHAMPION: (0.9526, 0.055, 0.285),
}
_NORMAL = NormalDist()


def candidate_id(name: str) -> str:
    """Return the id of this run's candidate of that name."""
    return f"{TRAINING_KEY[:12]}-{name}"


def _recall(auc: float, fpr: float) -> float:
    """Return the true positive rate of a binormal model with equal variances at a false positive rate."""
    if fpr <= 0 or fpr >= 1 or auc == 0.5:
        return fpr
    return _NORMAL.cdf(sqrt(2) * _NORMAL.inv_cdf(auc) + _NORMAL.inv_cdf(fpr))


def confusion(model: str) -> dict[str, int]:
    """Return the confusion matrix of a model at the threshold."""
    auc, fpr, _ = SKILL[model]
    tp, fp = round(N_POSITIVE * _recall(auc, fpr)), round(N_NEGATIVE * fpr)
    return {"tp": tp, "fp": fp, "fn": N_POSITIVE - tp, "tn": N_NEGATIVE - fp}


def curves(model: str) -> dict[str, list[list[float]]]:
    """Return ROC and precision-recall points of a model."""
    auc = SKILL[model][0]
    grid = [0.0, *(exp(log(1e-4) * (1 - step / 80)) for step in range(80)), 1.0] if auc > 0.5 else [0.0, 1.0]
    roc = [[round(fpr, 5), round(_recall(auc, fpr), 5)] for fpr in grid]
    pr = [
        [tpr, round(tpr * N_POSITIVE / (tpr * N_POSITIVE + fpr * N_NEGATIVE), 5)] if tpr else [0.0, 1.0]
        for fpr, tpr in roc
    ]
    return {"roc": roc, "pr": pr}


def metric_values(model: str, *, intervals: bool = True, n: int = N_POSITIVE + N_NEGATIVE) -> tuple[MetricValue, ...]:
    """Return the eleven metrics of a model; precision and MCC of a model without positives are undefined."""
    auc, _, loss = SKILL[model]
    cell = confusion(model)
    tp, fp, fn, tn = cell["tp"], cell["fp"], cell["fn"], cell["tn"]
    points = curves(model)["pr"]
    pr_auc = sum((b[0] - a[0]) * b[1] for a, b in pairwise(points))
    margin = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    values: dict[str, float | None] = {
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
        "balanced_accuracy": (tp / (tp + fn) + tn / (tn + fp)) / 2,
        "precision": tp / (tp + fp) if tp + fp else None,
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
        "roc_auc": auc,
        "pr_auc": pr_auc,
        "mcc": (tp * tn - fp * fn) / sqrt(margin) if margin else None,
        "log_loss": loss,
        "fnr": fn / (tp + fn),
        "fpr": fp / (fp + tn),
    }
    return tuple(_metric_value(name, value, intervals=intervals, n=n) for name, value in values.items())


def _metric_value(name: str, value: float | None, *, intervals: bool, n: int) -> MetricValue:
    if value is None:
        return MetricValue(name=name, value=None, n=n, reason="No row was predicted positive")
    half = 1.96 * sqrt(max(value * (1 - value), 0.0) / n) * (0.6 if intervals else 0)
    lower, upper = (max(value - half, 0.0), min(value + half, 1.0)) if intervals else (None, None)
    return MetricValue(name=name, value=value, lower=lower, upper=upper, n=n)


def comparisons(challenger: str) -> tuple[Comparison, ...]:
    """Return challenger against champion, metric by metric; positive is better."""
    mine, theirs = metric_values(challenger), metric_values(CHAMPION)
    return tuple(_comparison(a, b) for a, b in zip(mine, theirs, strict=True))


def _comparison(mine: MetricValue, theirs: MetricValue) -> Comparison:
    lower_is_better = mine.name in ("log_loss", "fnr", "fpr")
    known: dict[str, Any] = {
        "metric": mine.name,
        "direction": "lower" if lower_is_better else "higher",
        "level": 0.95,
        "n": mine.n,
        "method": "paired bootstrap, 1000 replicates",
    }
    if mine.value is None or theirs.value is None:
        reason = "Undefined for one of the two models"
        return Comparison(**known, difference=None, lower=None, upper=None, reason=reason)
    difference = (theirs.value - mine.value) if lower_is_better else (mine.value - theirs.value)
    half = 0.55 * ((mine.upper or 0) - (mine.lower or 0))
    return Comparison(**known, difference=difference, lower=difference - half, upper=difference + half)


def evaluations(
    store: Store,
    *,
    best: str | None = "xgboost",
    champion_state: Literal["none", "scored", "not_comparable", "error"] = "scored",
    failed: tuple[str, ...] = (),
) -> EvaluationSet:
    """Return the evaluation of all fitted candidates and the champion; `details` lies in `store`."""
    names = [name for name in SKILL if name != CHAMPION and best is not None and name not in failed]
    models = {candidate_id(name): name for name in names}
    if champion_state == "scored":
        models[CHAMPION] = CHAMPION
    scored = [_evaluation(model_id, name) for model_id, name in models.items()]
    compared = comparisons(best) if best and champion_state == "scored" else ()
    details = {
        "evaluations": [item.dump() for item in scored],
        "comparisons": [item.dump() for item in compared],
        "curves": {model_id: curves(name) for model_id, name in models.items()},
        "confusion": {model_id: confusion(name) for model_id, name in models.items()},
        "threshold": 0.5,
        "best_sentence": f"{best} has the highest ROC AUC on the 887 validation rows."
        if best
        else "No candidate could be scored.",
    }
    reasons = {
        "error": "The champion's file is not what was recorded (its SHA-256 differs)",
        "not_comparable": "The champion needs the column `tld`, which the snapshot does not have",
    }
    return EvaluationSet(
        primary="roc_auc",
        best=candidate_id(best) if best else None,
        champion=None if champion_state == "none" else CHAMPION,
        champion_state=champion_state,
        champion_reason=reasons.get(champion_state),
        n_validation=887,
        n_holdout=N_POSITIVE + N_NEGATIVE,
        holdout_classes={"legitimate": N_NEGATIVE, "phishing": N_POSITIVE},
        summary={item.model_id: value for item in scored if (value := item.on_holdout("roc_auc"))},
        comparison=next((item for item in compared if item.metric == "roc_auc"), None),
        details=store.put_json(details),
    )


def _evaluation(model_id: str, name: str) -> Evaluation:
    role: Literal["candidate", "baseline", "champion"] = "champion" if name == CHAMPION else "candidate"
    return Evaluation(
        model_id=model_id,
        name="xgboost" if name == CHAMPION else name,
        role="baseline" if name == "prior" else role,
        validation=metric_values(name, intervals=False, n=887),
        holdout=metric_values(name),
    )
