"""How each pipeline stands: what became of the newest request for a live run, and what a person should do about it.

Trials say nothing about the night: runs in another mode than live are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.ledger import RequestRow, RunRow
from mlsys.records import Decision
from mlsys.spec import Spec, load_spec
from mlsys.workspace import Workspace

StandingState = Literal["failed", "waits", "running", "behind", "never ran", "fine", "retired"]
# What needs a person, first.
WORST_FIRST: tuple[StandingState, ...] = ("failed", "waits", "behind", "running", "never ran", "fine", "retired")
_LOOKED_AT = (10, 500, None)  # so many of the newest requests, until a live one is among them: a backfill has many
_LATE = timedelta(days=2)  # a night that was missed, and the one after it


@dataclass(frozen=True)
class Standing:
    """How one pipeline stands.

    Attributes:
        state: `failed` (also by the decision `error`), `waits` for a person, `running`, `behind` (no live request for
            two nights although there is a schedule), `never ran`, `fine`, or `retired`: its spec was removed.
        happened: one sentence: what became of the newest live request.
        meaning: one sentence: who serves, and what that means.
        todo: one sentence: what to do, with the command; empty where there is nothing to do.
        request: the newest live request, or None.
        run: the newest row of its run, or None.
        decision: what was decided, or None.
    """

    pipeline: str
    state: StandingState
    happened: str
    meaning: str
    todo: str
    request: RequestRow | None = None
    run: RunRow | None = None
    decision: Decision | None = None


def standings(work: Workspace, *, at: datetime | None = None) -> list[Standing]:
    """Return how all pipelines stand, worst first; `at` is the present, for tests."""
    names = {path.stem for path in work.settings.pipelines.glob("*.yaml")}
    found = [standing(work, name, at=at) for name in sorted(names)]
    return sorted(found, key=lambda one: WORST_FIRST.index(one.state))


def standing(work: Workspace, pipeline: str, *, at: datetime | None = None) -> Standing:
    """Return how a pipeline stands; `at` is the present, for tests."""
    newest = _newest_live(work, pipeline)
    meaning = _meaning(work, pipeline)
    if not (work.settings.pipelines / f"{pipeline}.yaml").exists():
        return Standing(pipeline, "retired", "Its spec was removed: no run starts.", meaning, "", newest)
    try:
        spec = load_spec(work.settings.spec_path(pipeline))
    except MlsysError as error:
        todo = f"Mend it; `mlsys check {pipeline}` says what is wrong."
        return Standing(pipeline, "failed", f"Its spec is wrong: {_whole(str(error))}", meaning, todo, newest)
    if newest is None:
        todo = f"Run it: `mlsys run {pipeline}`, or wait for the night under `mlsys up`."
        return Standing(pipeline, "never ran", "No live run was asked for yet.", meaning, todo)
    rows = work.ledger.run(newest.run_id) if newest.run_id else []
    run = rows[-1] if rows and newest.status == "accepted" else None
    decisions = work.ledger.decisions(pipeline, of={newest.run_id}) if newest.run_id and run else []
    decision = decisions[-1] if decisions else None
    state, happened, todo = _outcome(pipeline, newest, rows, decision, spec)
    if state == "fine" and _behind(newest, spec, at or clock.now()):
        state, todo = "behind", "Look at `mlsys status`: paused DAGs and a dead scheduler ask for nothing."
        happened = f"Nothing was asked for since {newest.at:%Y-%m-%d %H:%M} UTC. {happened}"
    return Standing(pipeline, state, happened, meaning, todo, newest, run, decision)


def _newest_live(work: Workspace, pipeline: str) -> RequestRow | None:
    for last in _LOOKED_AT:
        requests = work.ledger.requests(pipeline, last=last)
        found = next((request for request in reversed(requests) if request.mode == "live"), None)
        if found is not None or last is None or len(requests) < last:
            return found
    return None


def _outcome(
    pipeline: str, request: RequestRow, rows: list[RunRow], decision: Decision | None, spec: Spec
) -> tuple[StandingState, str, str]:
    """Return state, what happened, and what to do."""
    asked = f"{request.at:%Y-%m-%d %H:%M} UTC, about {request.day or 'no day'}" if request.at else str(request.day)
    look = f"Its card has the rest: `mlsys report {request.run_id or request.request_id}`."
    if request.status == "skipped":
        return "fine", f"{asked}: skipped ({request.reason}): {_whole(request.sentence)}", ""
    if request.status == "failed":
        return "failed", f"{asked}: failed before its run was begun: {_whole(request.sentence)}", look
    last = rows[-1] if rows else None
    if last is None or last.status == "started":
        waits = decision is not None and decision.outcome == "promote" and any(r.plan and r.plan.approval for r in rows)
        if waits and decision is not None:
            until = _until(rows, spec)
            todo = f"Answer in Airflow, or `mlsys promote {pipeline} {request.run_id} --reason '...'`. {look}"
            return "waits", f"{asked}: all gates pass, and it waits for a person{until}.", todo
        return "running", f"{asked}: the run has not come to its end.", ""
    if last.status == "failed":
        return "failed", f"{asked}: failed in {last.step or 'an unknown step'}: {_whole(last.sentence)}", look
    if decision is not None and decision.outcome == "error":
        return "failed", f"{asked}: could not be judged: {_whole(decision.sentence)}", look
    return "fine", f"{asked}: {decision.outcome if decision else last.status}: {_whole(last.sentence)}", ""


def _until(rows: list[RunRow], spec: Spec) -> str:
    since = rows[-1].at
    if since is None:
        return ""
    return f" since {since:%Y-%m-%d %H:%M} UTC, until about {since + spec.approval.timeout:%Y-%m-%d %H:%M} UTC"


def _behind(newest: RequestRow, spec: Spec, now: datetime) -> bool:
    return spec.schedule.enabled and newest.asked_by != "cli" and newest.at is not None and now - newest.at > _LATE


def _meaning(work: Workspace, pipeline: str) -> str:
    champion = work.ledger.champion(pipeline)
    if champion is None:
        return "It has no champion: nothing serves."
    name = champion.candidate_id.split("-", 1)[-1]
    return f"{champion.version} serves ({name}, data up to {champion.last_day})."


def _whole(sentence: str) -> str:
    return f"{sentence.rstrip('.')}."
