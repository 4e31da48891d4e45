"""The statistics of an evaluation, on scores alone: values, intervals, the best candidate, paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from mlsys.evaluation import difference
from mlsys.evaluation.bootstrap import replicate
from mlsys.evaluation.dependence import tied
from mlsys.evaluation.ties import Ties
from mlsys.metrics.base import Metric
from mlsys.metrics.influence import of_mean
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.units import Units
from mlsys.records import Comparison, Evaluation, MetricValue, RowDependence
from mlsys.wording import number

INTERVAL_LEVEL = 0.95

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
        dependence: which rows count together in the comparison, or without one in the best candidate's primary metric.
    """

    contenders: tuple[Contender, ...]
    evaluations: tuple[Evaluation, ...]
    best: Contender | None
    comparisons: dict[str, Comparison]
    sentence: str
    dependence: RowDependence | None = None


@dataclass(frozen=True)
class ComparisonRules:
    """How models are compared.

    Attributes:
        primary: the metric that chooses, and by which it is measured which rows count together.
        n_replicates, seed: of resamples, where a metric needs them; a seed gives the same on every machine.
        level: of the one-sided lower bound of a difference.
        ties: what rows of the holdout may have in common.
        limits: what lower bounds are held against, by metric: told is how few rows turn the verdict.
    """

    primary: str
    n_replicates: int
    seed: int
    level: float = 0.95
    ties: Ties = field(default_factory=Ties)
    limits: Mapping[str, Sequence[float]] = field(default_factory=dict)


def scored(contender: Contender, *, validation: Predictions, holdout: Predictions) -> Contender:
    """Return the contender with its scores; a champion keeps those of the holdout alone."""
    return replace(contender, validation=None if contender.role == "champion" else validation, holdout=holdout)


def unusable(contender: Contender, reason: str) -> Contender:
    """Return the contender without scores."""
    return replace(contender, validation=None, holdout=None, reason=reason)


def assess(
    candidates: Sequence[Contender], champion: Contender | None, *, metrics: Sequence[Metric], rules: ComparisonRules
) -> Assessment:
    """Return values with intervals, the best candidate, and its paired differences to the champion.

    All scores of the holdout are of the same rows in the same order. Candidates come in the spec's order, which
    breaks ties.
    """
    contenders = (*candidates, *([champion] if champion else []))
    values = {_key(contender): _values(contender, metrics) for contender in contenders}
    measure = next(metric for metric in metrics if metric.kind == rules.primary)
    best = _best(candidates, values, measure)
    usable = {_key(c): c.holdout for c in contenders if c.holdout is not None and c.holdout.y_true.size}
    shown = usable.get(_key(best)) if best else next(iter(usable.values()), None)
    units, dependence = _tied(measure, [shown] if shown is not None else [], rules)
    drawn = _drawn(usable, metrics, units, rules)
    evaluations = {
        _key(contender): _with_intervals(values[_key(contender)], usable.get(_key(contender)), metrics, drawn, units)
        for contender in contenders
    }
    comparisons: dict[str, Comparison] = {}
    if best and champion and champion.holdout is not None:
        pair = {_key(who): usable[_key(who)] for who in (best, champion) if _key(who) in usable}
        by, dependence = _tied(measure, list(pair.values()), rules)
        drawn = drawn if by.same(units) else _drawn(pair, metrics, by, rules)
        sides = tuple(ComparedModel(who, values[_key(who)], drawn.get(_key(who), {})) for who in (best, champion))
        found = [_comparison(metric, sides, by, dependence, rules) for metric in metrics]
        comparisons = {comparison.metric: comparison for comparison in found}
    sentence = _sentence(best, candidates, values, measure)
    return Assessment(contenders, tuple(evaluations.values()), best, comparisons, sentence, dependence)


def _key(contender: Contender) -> str:
    # The champion may be one of the candidates; it is still judged as two contenders.
    return f"{contender.role == 'champion'}:{contender.model_id}"


def _tied(measure: Metric, models: Sequence[Predictions], rules: ComparisonRules) -> tuple[Units, RowDependence | None]:
    """Return which rows count together in a metric of one model, or in its difference between two."""
    if not models or not models[0].y_true.size:
        return Units(), None
    if models[0].groups is not None:  # the learning task itself says so
        return Units("group", models[0].groups), None
    residuals = [came - expected for expected, came in (rows.expected for rows in models)]
    defined = all(measure.value(rows).value is not None for rows in models)
    found = [measure.influence(rows) if defined else None for rows in models]
    # A metric that does not say how much each row moves it: how much each adds to the squared error.
    moved = [of_mean(r**2) if of is None else of for of, r in zip(found, residuals, strict=True)]
    return tied(moved[0] - moved[1] if len(moved) == 2 else moved[0], np.mean(residuals, axis=0), rules.ties)


def _drawn(
    models: Mapping[str, Predictions], metrics: Sequence[Metric], units: Units, rules: ComparisonRules
) -> Replicates:
    """Return resamples of the metrics that do not say of all models how much each row moves them."""
    asked = [
        metric
        for metric in metrics
        if any(metric.value(rows).value is not None and metric.influence(rows) is None for rows in models.values())
    ]
    if not asked:
        return {}
    return replicate(models, asked, n_replicates=rules.n_replicates, seed=rules.seed, groups=units.places)


def _values(contender: Contender, metrics: Sequence[Metric]) -> Evaluation:
    fitted_on = contender.role == "champion"
    return Evaluation(
        model_id=contender.model_id,
        name=contender.name,
        role=contender.role,
        validation=() if fitted_on else tuple(_value(m, contender, contender.validation) for m in metrics),
        holdout=tuple(_value(metric, contender, contender.holdout) for metric in metrics),
    )


def _with_intervals(
    values: Evaluation, rows: Predictions | None, metrics: Sequence[Metric], drawn: Replicates, units: Units
) -> Evaluation:
    if rows is None:
        return values
    of_model = drawn.get(f"{values.role == 'champion'}:{values.model_id}", {})
    found = []
    for metric, value in zip(metrics, values.holdout, strict=True):
        if value.value is None:
            found.append(value)
            continue
        bounds = metric.interval(rows, of_model.get(metric.kind, np.empty(0)), INTERVAL_LEVEL, units=units)
        reason = f"no interval: {bounds.reason}" if bounds.reason else None
        found.append(value.model_copy(update={"lower": bounds.lower, "upper": bounds.upper, "reason": reason}))
    return values.model_copy(update={"holdout": tuple(found)})


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


@dataclass(frozen=True)
class ComparedModel:
    """One of two models that are compared: its values, and resamples of the metrics that need them."""

    who: Contender
    values: Evaluation
    drawn: dict[str, np.ndarray]


def _comparison(
    metric: Metric,
    sides: Sequence[ComparedModel],
    units: Units,
    dependence: RowDependence | None,
    rules: ComparisonRules,
) -> Comparison:
    new, old = sides
    blank = Comparison(
        metric=metric.kind,
        direction=metric.direction,
        difference=None,
        lower=None,
        upper=None,
        level=rules.level,
        n=old.who.holdout.y_true.size if old.who.holdout is not None else 0,
        method=_method(metric, sides, units, dependence, rules),
    )
    found = [side.values.on_holdout(metric.kind) for side in sides]
    for who, value in zip(("challenger", "champion"), found, strict=True):
        if value is None or value.value is None:
            why = value.reason if value else "not computed"
            return blank.model_copy(update={"reason": f"undefined for the {who}: {why}"})
    if new.who.model is not None and new.who.model == old.who.model:
        same = {"difference": 0.0, "lower": 0.0, "upper": 0.0, "method": "same model file"}
        return blank.model_copy(update=same)
    turned = found[0].value - found[1].value  # type: ignore[union-attr,operator]
    turned = (turned if metric.direction == "higher" else -turned) + 0.0
    pair = (new.who.holdout, old.who.holdout)
    assert pair[0] is not None
    assert pair[1] is not None
    lines = [side.drawn.get(metric.kind, np.empty(0)) for side in sides]
    bounds = difference.interval(metric, (pair[0], pair[1]), turned, lines, units=units, level=rules.level)
    limits = () if bounds.lower is None or bounds.lower == bounds.upper else rules.limits.get(metric.kind, ())
    asked = (
        difference.flip(metric, (pair[0], pair[1]), units=units, level=rules.level, limit=limit) for limit in limits
    )
    flips = tuple(flip for flip in asked if flip is not None)
    update = {"difference": turned, "lower": bounds.lower, "upper": bounds.upper, "reason": bounds.reason}
    return blank.model_copy(update={**update, "flips": flips})


def _method(
    metric: Metric,
    sides: Sequence[ComparedModel],
    units: Units,
    dependence: RowDependence | None,
    rules: ComparisonRules,
) -> str:
    """Return how the interval of a difference was found, in words."""
    column = f" of {dependence.column}" if dependence and dependence.column else ""
    what = {"group": f"whole groups{column}", "day": "whole days", "block": "blocks of days"}.get(units.kind)
    of_units = f", {units.n:,} {what}" if what else ""
    if any(metric.kind in side.drawn for side in sides):
        return f"paired bootstrap{of_units}, {rules.n_replicates} resamples"
    return f"paired, by how much each row moves the difference{of_units}"


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
