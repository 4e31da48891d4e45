"""What the report card shows of models: tables, differences, curves and confusion matrices, ready to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlsys.metrics import METRICS
from mlsys.records import Comparison, Evaluation, EvaluationSet, MetricValue
from mlsys.report import curves as report_curves
from mlsys.report import svg
from mlsys.wording import counted, number

_N_STYLES = 6


@dataclass(frozen=True)
class ModelColumn:
    """One model of the tables: `style` names its colour and dashes, `role` how it took part."""

    model_id: str
    name: str
    role: str
    style: str
    evaluation: Evaluation

    @property
    def label(self) -> str:
        """Its name; a champion may be called like a candidate, so it says that it is the champion."""
        return f"{self.name} (champion)" if self.role == "champion" else self.name


@dataclass(frozen=True)
class Cell:
    """One metric of one model; `note` is the letter of the footnote that says why it is undefined."""

    value: MetricValue
    role: str
    best: bool
    note: str | None


@dataclass(frozen=True)
class MetricRow:
    """One metric of all models."""

    title: str
    higher: bool
    primary: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class MetricTable:
    """All metrics of all models on one set of rows; `notes` are (letter, reason)."""

    rows: tuple[MetricRow, ...]
    notes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Difference:
    """Challenger less champion in one metric; positive is better."""

    title: str
    primary: bool
    comparison: Comparison
    verdict: str
    drawing: Markup

    @property
    def flips(self) -> list[str]:
        """How few rows turn what a gate says of it, in words, one for each limit."""
        n_rows = self.comparison.n
        found = []
        for flip in self.comparison.flips:
            limit = f"its lower bound lies {'above' if (self.comparison.lower or 0) > flip.limit else 'at or below'}"
            verdict = f"{self.title}: {limit} {number(flip.limit)}"
            if flip.n_rows is None:
                found.append(f"{verdict}, whichever half of the rows is left out.")
                continue
            share = f"{counted(flip.n_rows, 'row')} ({number(round(100 * flip.n_rows / n_rows, 2))} %)"
            fragile = "fragile" if flip.fragile else "not fragile"
            found.append(f"{verdict}; leaving out the {share} that speak most for that turns it: {fragile}.")
        return found


@dataclass(frozen=True)
class ConfusionTable:
    """A confusion matrix with its rates, None where a class has no rows."""

    column: ModelColumn
    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def fnr(self) -> float | None:
        """Share of the positive rows that were missed."""
        return self.fn / (self.tp + self.fn) if self.tp + self.fn else None

    @property
    def fpr(self) -> float | None:
        """Share of the negative rows that were taken for positive."""
        return self.fp / (self.fp + self.tn) if self.fp + self.tn else None


def columns(details: Mapping[str, Any], challenger: str | None) -> tuple[ModelColumn, ...]:
    """Return the scored models: challenger, champion, other candidates as trained, baselines."""
    found, n_others = [], 0
    for dumped in details["evaluations"]:
        evaluation = Evaluation.load(dumped)
        role = "challenger" if evaluation.model_id == challenger else evaluation.role
        style = f"m-{role}"
        if role == "candidate":
            n_others += 1
            style = f"m-{(n_others - 1) % _N_STYLES + 1}"
        found.append(ModelColumn(evaluation.model_id, evaluation.name, role, style, evaluation))
    order = ("challenger", "champion", "candidate", "baseline")
    return tuple(sorted(found, key=lambda column: order.index(column.role)))


def table(models: Sequence[ModelColumn], primary: str, *, rows: str) -> MetricTable:
    """Return the metrics of `models` on `rows` (`holdout` or `validation`), the primary metric first."""
    values = [{value.name: value for value in getattr(model.evaluation, rows)} for model in models]
    names = sorted({name: None for known in values for name in known}, key=lambda name: name != primary)
    order = [name for name in _in_table_order(names) if name != primary]
    notes: dict[str, str] = {}
    made = [
        _metric_row(name, primary, models, [known.get(name) for known in values], notes)
        for name in [*(name for name in names if name == primary), *order]
    ]
    return MetricTable(tuple(made), tuple((letter, reason) for reason, letter in notes.items()))


def differences(details: Mapping[str, Any], primary: str) -> tuple[Difference, ...]:
    """Return challenger against champion in every metric, the primary one first; empty without a champion."""
    compared = [Comparison.load(dumped) for dumped in details["comparisons"]]
    scales = _scales(compared)
    by_name = {item.metric: item for item in compared}
    names = [name for name in _in_table_order(by_name) if name != primary]
    if primary in by_name:
        names.insert(0, primary)
    return tuple(_difference(by_name[name], scales[_unit(name)], primary=name == primary) for name in names)


def _scales(compared: Sequence[Comparison]) -> dict[str, svg.Scale]:
    """Return one scale for the differences of all metrics of one unit."""
    bounds: dict[str, list[float]] = {}
    for item in compared:
        known = (bound for bound in (item.difference, item.lower, item.upper) if bound is not None)
        bounds.setdefault(_unit(item.metric), []).extend(known)
    return {unit: svg.forest_scale(found) for unit, found in bounds.items()}


def _unit(name: str) -> str:
    return METRICS.find(name).unit


def confusions(details: Mapping[str, Any], models: Sequence[ModelColumn]) -> tuple[ConfusionTable, ...]:
    """Return the confusion matrices of challenger and champion, as far as they were scored."""
    known = details.get("confusion", {})
    judged = [model for model in models if model.role in ("challenger", "champion") and model.model_id in known]
    return tuple(
        ConfusionTable(model, **{cell: int(known[model.model_id][cell]) for cell in ("tp", "fp", "fn", "tn")})
        for model in judged
    )


def plots(
    details: Mapping[str, Any], models: Sequence[ModelColumn], evaluations: EvaluationSet, positive: str | None
) -> tuple[Markup, ...]:
    """Return the ROC and the precision-recall plot, or nothing when no model has curves."""
    matrices = {item.column.model_id: item for item in confusions(details, models)}
    roc, pr = [], []
    for model in reversed(models):
        curves = details.get("curves", {}).get(model.model_id)
        if curves is None:
            continue
        matrix = matrices.get(model.model_id)
        roc.append(report_curves.Curve(model.label, model.style, curves["roc"], _roc_point(matrix)))
        pr.append(report_curves.Curve(model.label, model.style, curves["pr"], _pr_point(matrix)))
    if not roc:
        return ()
    total = sum(evaluations.holdout_classes.values())
    prevalence = evaluations.holdout_classes.get(str(positive), 0) / total if total else None
    return report_curves.roc(roc), report_curves.precision_recall(pr, prevalence)


def _in_table_order(names: Mapping[str, Any] | Sequence[str]) -> list[str]:
    known = [str(metric.model_fields["kind"].default) for metric in METRICS]
    return [*(name for name in known if name in names), *(name for name in names if name not in known)]


def _metric_row(
    name: str,
    primary: str,
    models: Sequence[ModelColumn],
    values: Sequence[MetricValue | None],
    notes: dict[str, str],
) -> MetricRow:
    metric = METRICS.find(name)
    higher = metric.direction == "higher"
    eligible = [
        value.value
        for model, value in zip(models, values, strict=True)
        if value is not None and value.value is not None and model.role != "baseline"
    ]
    best = (max(eligible) if higher else min(eligible)) if eligible else None
    cells = []
    for model, found in zip(models, values, strict=True):
        value = found or MetricValue(name=name, value=None, n=0, reason="Not computed")
        wins = best is not None and value.value == best and model.role != "baseline"
        cells.append(Cell(value, model.role, wins, _note(value, notes)))
    return MetricRow(metric.title, higher, name == primary, tuple(cells))


def _note(value: MetricValue, notes: dict[str, str]) -> str | None:
    if value.value is not None:
        return None
    return notes.setdefault(value.reason or "Undefined", chr(ord("a") + len(notes) % 26))


def _difference(comparison: Comparison, scale: svg.Scale, *, primary: bool) -> Difference:
    title = METRICS.find(comparison.metric).title
    lower, upper = comparison.lower, comparison.upper
    if comparison.difference is None:
        verdict = "undefined"
    elif lower is None or upper is None:
        verdict = "no interval"
    elif lower > 0:
        verdict = "better"
    elif upper < 0:
        verdict = "worse"
    else:
        verdict = "not clear"
    drawing = svg.interval(comparison.difference, lower, upper, scale, title)
    return Difference(title, primary, comparison, verdict, drawing)


def _roc_point(matrix: ConfusionTable | None) -> tuple[float, float] | None:
    if matrix is None or matrix.fpr is None or matrix.fnr is None:
        return None
    return matrix.fpr, 1 - matrix.fnr


def _pr_point(matrix: ConfusionTable | None) -> tuple[float, float] | None:
    if matrix is None or matrix.fnr is None or not matrix.tp + matrix.fp:
        return None
    return 1 - matrix.fnr, matrix.tp / (matrix.tp + matrix.fp)
