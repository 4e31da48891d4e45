"""The page of a walk-forward report, made from its numbers alone: the same numbers give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from mlsys.backfill.chart import chart, drawn, is_levelled
from mlsys.backfill.records import Gain, Look, SimulatedModel, StrategyResult, WalkForwardDetails
from mlsys.backfill.recovery import in_days
from mlsys.backfill.strategies import GATED, NEVER, RECALIBRATED
from mlsys.metrics import METRICS
from mlsys.records import Comparison
from mlsys.report import page, svg

_GROUPS = {
    Look.WITHIN: "Ranking",
    Look.POOLED: "Ranking",
    Look.PROBABILITIES: "Probabilities",
    Look.DECISIONS: "Decisions",
    Look.ERRORS: "Errors",
    Look.PRIMARY: "Primary metric",
}


@dataclass(frozen=True)
class StrategyRow:
    """A strategy beside what it earns over never retraining; `gain` is None for that one itself."""

    result: StrategyResult
    gain: Comparison | None
    drawing: Markup


@dataclass(frozen=True)
class LookColumn:
    """A look by one metric, as a column: `group` is what it looks at, `where` says more of the rows."""

    title: str
    where: str
    higher: bool
    group: str
    headline: bool


@dataclass(frozen=True)
class Service:
    """A stretch of days on which one model would have served behind the gates; `last` is None for the present one."""

    first: date
    last: date | None
    model: SimulatedModel


def render(details: WalkForwardDetails) -> str:
    """Return the page's HTML."""
    title = METRICS.find(details.primary).title
    classes = any(view.look is Look.WITHIN for s in details.strategies for view in s.views)
    return (
        page.templates()
        .get_template("walkforward.html.j2")
        .render(
            details=details,
            title=title,
            higher=details.direction == "higher",
            chart=chart(
                details.strategies,
                details.change,
                title,
                subject=details.answer.subject,
                kept_out=details.kept_out,
            ),
            levelled=is_levelled(details.strategies),
            drawn=drawn(details.strategies),
            never=NEVER,
            recalibrated=RECALIBRATED,
            withheld=in_days(details.withheld) if details.withheld else None,
            rows=_rows(details),
            others=[gain for gain in details.gains if gain.over != NEVER],
            looks=_looks(details),
            classes=classes,
            looks_title="Ranking, probabilities, decisions" if classes else "Errors by several measures",
            titles={s.name: s.title for s in details.strategies},
            services=_services(details),
            promoted=next(s for s in details.strategies if s.name == GATED).promotions,
            style=page.style("report/style.css", "walkforward/style.css"),
        )
    )


def _looks(details: WalkForwardDetails) -> list[LookColumn]:
    """Return the columns of the table of looks; none where nothing is compared."""
    shown = next((s.views for s in details.strategies if s.views), ())
    columns = []
    for view in shown:
        metric = METRICS.find(view.metric)
        where = {Look.WITHIN: "within days", Look.POOLED: "over all rows"}.get(view.look, "")
        columns.append(LookColumn(metric.title, where, metric.direction == "higher", _GROUPS[view.look], view.headline))
    return columns


def _rows(details: WalkForwardDetails) -> list[StrategyRow]:
    gains = {gain.strategy: gain.comparison for gain in details.gains if gain.over == NEVER}
    scale = svg.forest_scale(_bounds(details.gains))
    return [StrategyRow(s, gains.get(s.name), _drawing(gains.get(s.name), scale, s.title)) for s in details.strategies]


def _bounds(gains: Sequence[Gain]) -> list[float]:
    found = [gain.comparison for gain in gains if gain.over == NEVER]
    return [bound for item in found for bound in (item.difference, item.lower, item.upper) if bound is not None]


def _drawing(gain: Comparison | None, scale: svg.Scale, title: str) -> Markup:
    if gain is None:
        return Markup()
    return svg.interval(gain.difference, gain.lower, gain.upper, scale, f"{title} over never again")


def _services(details: WalkForwardDetails) -> list[Service]:
    """Return who would have served when, behind the gates."""
    by_day: Mapping[date, SimulatedModel] = {model.day: model for model in details.models}
    taken = next(s.promotions for s in details.strategies if s.name == GATED)
    ends = (*taken[1:], None) if taken else ()
    return [Service(_next(day), end, by_day[day]) for day, end in zip(taken, ends, strict=True)]


def _next(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)
