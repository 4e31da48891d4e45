"""The statistics of an evaluation, on scores alone: values, intervals, the best candidate, paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mlsys.evaluation.bootstrap import paired_interval, replicate
from mlsys.metrics.base import Metric
from mlsys.metrics.predictions import Predictions
from mlsys.records import Comparison, Evaluation, MetricValue
from mlsys.wording import number

INTERVAL_LEVEL = 0.95
COMPARISON_LEVEL = 0.95  # one-sided

Replicates = dict[str, dict[str, np.ndarray]]


@dataclass(frozen=True)
class Contender:
    """A model to assess: its scores, or the reason why it has none.

    Attributes:
        model: SHA-256 of the model file.
        validation: scores of the validation rows; None for the champion, which may have been fitted on them.
    """

    model_id: str
    name: str
    role: Literal["candidate", "baseline", "champion"]
    model: str | None = None
    validation: Predictions | None = None
    holdout: Predictions | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Assessment:
    """What the scores say.

    Attributes:
        contenders: candidates in the spec's order, then the champion.
        best: the candidate with the best primary metric on validation rows, or None.
        comparisons: best against champion by metric; empty when one of them is missing.
    """

    contenders: tuple[Contender, ...]
    evaluations: tuple[Evaluation, ...]
    best: Contender | None
    comparisons: dict[str, Comparison]
    sentence: str


def scored(contender: Contender, *, validation: Predictions, holdout: Predictions) -> Contender:
    """Return the contender with its scores; a champion keeps those of the holdout alone."""
    return replace(contender, validation=None if contender.role == "champion" else validation, holdout=holdout)


def unusable(contender: Contender, reason: str) -> Contender:
    """Return the contender without scores."""
    return replace(contender, validation=None, holdout=None, reason=reason)


def assess(
    candidates: Sequence[Contender],
    champion: Contender | None,
    *,
    metrics: Sequence[Metric],
    primary: str,
    n_replicates: int,
    seed: int,
    groups: np.ndarray | None = None,
) -> Assessment:
    """Return values with intervals, the best candidate, and its paired differences to the champion.

    All scores of the holdout are of the same rows in the same order. Candidates come in the spec's order, which
    breaks ties. A seed gives the same numbers on every machine. `groups` are those of the holdout's rows, where rows
    of a group are not independent, as `bootstrap.group_weights` takes them.
    """
    contenders = (*candidates, *([champion] if champion else []))
    usable = {
        _key(contender): contender.holdout
        for contender in contenders
        if contender.holdout is not None and contender.holdout.y_true.size
    }
    if groups is None and usable:
        groups = next(iter(usable.values())).groups
    drawn = replicate(usable, metrics, n_replicates=n_replicates, seed=seed, groups=groups)
    n_groups = None if groups is None else len(np.unique(groups))
    evaluations = tuple(
        _evaluation(contender, metrics, drawn.get(_key(contender), {}), n_groups) for contender in contenders
    )
    by_key = {_key(contender): evaluation for contender, evaluation in zip(contenders, evaluations, strict=True)}
    measure = next(metric for metric in metrics if metric.kind == primary)
    best = _best(candidates, by_key, measure)
    comparisons: dict[str, Comparison] = {}
    if best and champion and champion.holdout is not None:
        pair = (best, champion)
        values = (by_key[_key(best)], by_key[_key(champion)])
        comparisons = {metric.kind: _comparison(metric, pair, values, drawn, n_groups) for metric in metrics}
    return Assessment(contenders, evaluations, best, comparisons, _sentence(best, candidates, by_key, measure))


def _key(contender: Contender) -> str:
    # The champion may be one of the candidates; it is still judged as two contenders.
    return f"{contender.role == 'champion'}:{contender.model_id}"


def _evaluation(
    contender: Contender, metrics: Sequence[Metric], drawn: dict[str, np.ndarray], n_groups: int | None
) -> Evaluation:
    on_validation = (
        () if contender.role == "champion" else tuple(_value(m, contender, contender.validation) for m in metrics)
    )
    on_holdout = []
    for metric in metrics:
        value = _value(metric, contender, contender.holdout)
        if value.value is not None and contender.holdout is not None:
            bounds = metric.interval(contender.holdout, drawn[metric.kind], INTERVAL_LEVEL, n_groups=n_groups)
            reason = f"no interval: {bounds.reason}" if bounds.reason else None
            value = value.model_copy(update={"lower": bounds.lower, "upper": bounds.upper, "reason": reason})
        on_holdout.append(value)
    return Evaluation(
        model_id=contender.model_id,
        name=contender.name,
        role=contender.role,
        validation=on_validation,
        holdout=tuple(on_holdout),
    )


def _value(metric: Metric, contender: Contender, rows: Predictions | None) -> MetricValue:
    if rows is None:
        return MetricValue(name=metric.kind, value=None, n=0, reason=contender.reason or "not scored")
    found = metric.value(rows)
    return MetricValue(name=metric.kind, value=found.value, n=rows.y_true.size, reason=found.reason)


def _best(candidates: Sequence[Contender], by_key: dict[str, Evaluation], measure: Metric) -> Contender | None:
    sign = 1 if measure.direction == "higher" else -1
    best, best_value = None, -np.inf
    for contender in candidates:
        found = by_key[_key(contender)].on_validation(measure.kind)
        if contender.role == "candidate" and found and found.value is not None and sign * found.value > best_value:
            best, best_value = contender, sign * found.value
    return best


def _comparison(
    metric: Metric,
    pair: tuple[Contender, Contender],
    values: tuple[Evaluation, Evaluation],
    drawn: Replicates,
    n_groups: int | None,
) -> Comparison:
    (challenger, champion), n_rows = pair, 0
    found = [evaluation.on_holdout(metric.kind) for evaluation in values]
    lines = [drawn.get(_key(contender), {}).get(metric.kind, np.empty(0)) for contender in pair]
    n_rows = champion.holdout.y_true.size if champion.holdout is not None else 0
    of_groups = "" if n_groups is None else f" of {n_groups:,} whole groups"
    blank = Comparison(
        metric=metric.kind,
        direction=metric.direction,
        difference=None,
        lower=None,
        upper=None,
        level=COMPARISON_LEVEL,
        n=n_rows,
        method=f"paired bootstrap{of_groups}, {lines[0].size} resamples",
    )
    for who, value in zip(("challenger", "champion"), found, strict=True):
        if value is None or value.value is None:
            why = value.reason if value else "not computed"
            return blank.model_copy(update={"reason": f"undefined for the {who}: {why}"})
    if challenger.model is not None and challenger.model == champion.model:
        same = {"difference": 0.0, "lower": 0.0, "upper": 0.0, "method": "same model file"}
        return blank.model_copy(update=same)
    difference = found[0].value - found[1].value  # type: ignore[union-attr,operator]
    bounds = paired_interval(*lines, direction=metric.direction, level=COMPARISON_LEVEL)
    turned = difference if metric.direction == "higher" else -difference
    return blank.model_copy(
        update={"difference": turned + 0.0, "lower": bounds.lower, "upper": bounds.upper, "reason": bounds.reason}
    )


def _sentence(
    best: Contender | None, candidates: Sequence[Contender], by_key: dict[str, Evaluation], measure: Metric
) -> str:
    found = [
        (contender, by_key[_key(contender)].on_validation(measure.kind))
        for contender in candidates
        if contender.role == "candidate"
    ]
    values = [(contender, value.value) for contender, value in found if value is not None and value.value is not None]
    if best is None or best.validation is None:
        return f"No candidate has a defined {measure.title} on the validation rows."
    values.sort(key=lambda pair: pair[1], reverse=measure.direction == "higher")
    (first, value), others = values[0], values[1:]
    text = (
        f"{first.name} is best by {measure.title} on {best.validation.y_true.size:,} validation rows: {number(value)}"
    )
    return text + (f", before {others[0][0].name} with {number(others[0][1])}." if others else ".")
