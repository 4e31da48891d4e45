"""The page of a plan, and its numbers as JSON beside it; kept as the walk-forward report is, one for each pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlsys.changes.records import GatesSaid, SpecPlan, WalkedPair
from mlsys.metrics import METRICS
from mlsys.records import RunReport
from mlsys.report import page, svg
from mlsys.store import canonical_json, write_if_other
from mlsys.workspace import Workspace

PLAN = "plan"  # name of the page's file

_HEADLINES = {
    "better": "The changed spec would have done better",
    "worse": "The changed spec would have done worse",
    "not separated": "The changed spec is not separated from the one that runs",
}
_BY_CATEGORY = {
    "no effect": "The change has no effect on models or decisions",
    "gates only": "Only the gates change",
    "model": "Models change",
    "data": "The data are read again",
}
_OUTCOMES = {"better": "promote", "worse": "reject", "not separated": "inconclusive"}
_LONGEST = 80


def write(work: Workspace, plan: SpecPlan) -> RunReport:
    """Write the page of a plan and its numbers, and return where the page lies.

    Raises:
        RunError: the disk is full or not writable.
    """
    folder = Path("reports", plan.pipeline)
    write_if_other(work.home / folder / f"{PLAN}.json", canonical_json(plan.model_dump(mode="json")))
    return page.keep(render(plan), folder / f"{PLAN}.html", home=work.home, run_id=plan.run_id)


def render(plan: SpecPlan) -> str:
    """Return the page's HTML; the same plan gives the same bytes."""
    walked = plan.walked
    metric = METRICS.find(walked.metric) if walked else None
    verdict = walked.earned.verdict if walked and walked.earned.difference is not None else None
    return (
        page.templates()
        .get_template("plan.html.j2")
        .render(
            plan=plan,
            headline=headline_of(plan),
            outcome="error" if plan.exit_code in (3, 4) else _OUTCOMES.get(verdict or "", "historical"),
            changes=[(change, _short(change.before), _short(change.after)) for change in plan.changes],
            gates=_gates(plan.then, plan.now) if plan.then and plan.now else [],
            walked=walked,
            title=metric.title if metric else "",
            drawing=_interval(walked, metric.title) if walked and metric else "",
            days=_days(walked) if walked else [],
            style=page.style("report/style.css", "walkforward/style.css", "plan/style.css"),
        )
    )


def headline_of(plan: SpecPlan) -> str:
    """Return a plan in a few words."""
    if plan.refused:
        return "A run would refuse to start"
    if plan.walked is not None and plan.walked.earned.difference is not None:
        return _HEADLINES[plan.walked.earned.verdict]
    return _BY_CATEGORY[plan.category] if plan.changes else "Nothing has changed"


def _gates(then: GatesSaid, now: GatesSaid) -> list[tuple[str, str, str, str]]:
    """Return each gate with its states and what it says now, those of then that are gone last."""
    before = {gate.name: gate.state for gate in then.gates}
    after = {gate.name: gate for gate in now.gates}
    found = [(name, before.get(name, "not asked"), gate.state, gate.sentence) for name, gate in after.items()]
    return found + [(name, state, "not asked", "") for name, state in before.items() if name not in after]


def _interval(walked: WalkedPair, title: str) -> Any:
    found = walked.earned
    bounds = (found.difference, found.next_lower, found.next_upper)
    scale = svg.forest_scale([bound for bound in bounds if bound is not None])
    return svg.interval(found.difference, found.lower, found.upper, scale, title)


def _days(walked: WalkedPair) -> list[tuple[Any, float | None, Any]]:
    """Return each day with what the changed spec earned on it, and a drawing."""
    sign = 1.0 if walked.higher else -1.0
    pairs = [
        (day, None if day.before is None or day.after is None else sign * (day.after - day.before) + 0.0)
        for day in walked.daily
    ]
    scale = svg.forest_scale([earned for _, earned in pairs if earned is not None])
    return [
        (day, earned, "" if earned is None else svg.interval(earned, None, None, scale, str(day.day)))
        for day, earned in pairs
    ]


def _short(value: Any) -> str:
    text = "not given" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
