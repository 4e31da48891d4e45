"""How each pipeline stands: what became of the newest request for a live run, and what a person should do about it.

Trials say nothing about the night: runs in another mode than live are passed over, as are slips on the command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange, Hold, Judgement, RequestRow, RunRow
from mlsys.promotion.projection import drift
from mlsys.records import Candidate, Decision
from mlsys.spec import Spec, load_spec
from mlsys.upkeep import health
from mlsys.upkeep.health import Measurement
from mlsys.workspace import Workspace

log = get_logger(__name__)

StandingState = Literal[
    "failed", "waits", "differs", "weak", "stale", "behind", "held", "running", "never ran", "fine", "retired"
]
# What needs a person, first.
WORST_FIRST: tuple[StandingState, ...] = (
    *("failed", "waits", "differs", "behind", "weak", "stale"),
    *("held", "running", "never ran", "fine", "retired"),
)
# A run that waits for a person is none: it ends by itself at its deadline, and the champion serves on.
PROBLEMS: frozenset[StandingState] = frozenset({"failed", "behind", "differs", "weak", "stale"})
RECENT = 24  # decisions among which the champion's newest measurement is looked for
LOOKED_AT = 12  # of the newest requests, in which a live one is looked for
_FURTHER = (500, None)  # and then in so many: a backfill has many of its own
_LATE = timedelta(days=2)  # a night that was missed, and the one after it


@dataclass(frozen=True)
class Standing:
    """How one pipeline stands.

    Attributes:
        state: `failed` (also by the decision `error`), `waits` for a person, `differs` (a registry points at another
            model than the ledger says serves: somebody moved an alias or a link by hand), `weak` (the champion misses a
            minimum of its own spec), `stale` (the newest data are older than the freshness gate allows, by the clock),
            `behind` (no live request for two nights although there is a schedule), `held` (a person lets the gates
            promote nothing), `running`, `never ran`, `fine`, or `retired`: its spec was removed.
        happened: one sentence: what became of the newest live request.
        meaning: one sentence: who serves, and what that means.
        todo: one sentence: what to do, with the command; empty where there is nothing to do.
        request: the newest live request, or None.
        run: the newest row of its run, or None.
        decision: what was decided, or None.
        spec: the pipeline's spec, or None where it can't be read.
        champion: the change that made the present champion, or None; `measured` where it was measured last.
        newest_day: newest day of data that any run has read.
        hold: under which the gates promote nothing now, or None.
        missed, stale, differs: in words, which minimum the champion misses, that the data are too old, and which
            registry shows somebody else; None where not.
    """

    pipeline: str
    state: StandingState
    happened: str
    meaning: str
    todo: str
    request: RequestRow | None = None
    run: RunRow | None = None
    decision: Decision | None = None
    spec: Spec | None = None
    champion: ChampionChange | None = None
    measured: Measurement | None = None
    newest_day: date | None = None
    hold: Hold | None = None
    missed: str | None = None
    stale: str | None = None
    differs: str | None = None


def standings(work: Workspace, *, at: datetime | None = None) -> list[Standing]:
    """Return how all pipelines stand, worst first; `at` is the present, for tests."""
    names = {path.stem for path in work.settings.pipelines.glob("*.yaml")}
    found = [standing(work, name, at=at) for name in sorted(names)]
    return sorted(found, key=lambda one: WORST_FIRST.index(one.state))


def standing(
    work: Workspace,
    pipeline: str,
    *,
    at: datetime | None = None,
    judgements: Sequence[Judgement] | None = None,
    requests: Sequence[RequestRow] | None = None,
) -> Standing:
    """Return how a pipeline stands; `at` is the present, for tests, and the newest decisions and requests may be known.

    `requests` are the newest `LOOKED_AT` of them.
    """
    if judgements is None:
        judgements = work.ledger.judgements(pipeline, last=RECENT, historical=False)
    if requests is None:
        requests = work.ledger.requests(pipeline, last=LOOKED_AT)
    champion = work.ledger.champion(pipeline)
    known = Standing(
        pipeline,
        "retired",
        "Its spec was removed: no run starts.",
        _meaning(champion),
        "",
        _newest_live(work, pipeline, requests),
        champion=champion,
        measured=health.measured(work, champion, judgements) if champion else None,
        newest_day=work.ledger.newest_day(pipeline),
        hold=work.ledger.hold(pipeline),
        differs=_differs(work, pipeline),
    )
    if not (work.settings.pipelines / f"{pipeline}.yaml").exists():
        return known
    try:
        spec = load_spec(work.settings.spec_path(pipeline))
    except MlsysError as error:
        todo = f"Mend it; `mlsys check {pipeline}` says what is wrong."
        return replace(known, state="failed", happened=f"Its spec is wrong: {_whole(str(error))}", todo=todo)
    now = at or clock.now()
    missed = health.misses(work, spec, known.measured) if known.measured else None
    known = replace(known, spec=spec, missed=missed, stale=health.stale(spec, known.newest_day, now))
    return _with_spec(work, known, spec, now)


def _with_spec(work: Workspace, known: Standing, spec: Spec, now: datetime) -> Standing:
    newest = known.request
    if newest is None:
        todo = f"Run it: `mlsys run {known.pipeline}`, or wait for the night under `mlsys up`."
        return replace(known, state="never ran", happened="No live run was asked for yet.", todo=todo)
    rows = work.ledger.run(newest.run_id) if newest.run_id else []
    run = rows[-1] if rows and newest.status == "accepted" else None
    decisions = work.ledger.decisions(known.pipeline, of={newest.run_id}) if newest.run_id and run else []
    decision = decisions[-1] if decisions else None
    waits = decision is not None and waiting(work, known.pipeline, rows, decision)
    state, happened, todo = _outcome(known.pipeline, newest, rows, decision, waits)
    known = replace(known, run=run, decision=decision, state=state, happened=happened, todo=todo)
    known = _looked_at_closely(known, spec, now) if state == "fine" else known
    return known if known.hold is None else replace(known, happened=f"{_begun(known.hold.sentence)}. {known.happened}")


def _differs(work: Workspace, pipeline: str) -> str | None:
    try:
        return "; ".join(drift(work, pipeline)) or None
    except MlsysError as error:  # MLflow may be down, or the champion's spec gone: `mlsys doctor` says so
        log.debug("registries_not_asked", pipeline=pipeline, error=str(error))
        return None


def _looked_at_closely(known: Standing, spec: Spec, now: datetime) -> Standing:
    """Return what is wrong although the newest run went well, the worst first."""
    if known.differs:
        todo = f"Write them again from the ledger: `mlsys reconcile {known.pipeline}`."
        return replace(known, state="differs", happened=f"{known.differs}. {known.happened}", todo=todo)
    # The cause before what comes of it: without runs the data grow old and the champion weak.
    if known.request and _behind(known.request, spec, now):
        todo = "Look at `mlsys status`: paused DAGs and a dead scheduler ask for nothing."
        happened = f"Nothing was asked for since {known.request.at:%Y-%m-%d %H:%M} UTC. {known.happened}"
        return replace(known, state="behind", happened=happened, todo=todo)
    if known.missed:
        todo = f"See by what it fell: `mlsys report {known.request and known.request.run_id}`."
        return replace(known, state="weak", happened=f"{known.missed}. {known.happened}", todo=todo)
    if known.stale:
        todo = f"See whether the source still gets rows: `mlsys check {known.pipeline}`."
        return replace(known, state="stale", happened=f"{known.stale}. {known.happened}", todo=todo)
    if known.hold:
        todo = f"Nothing is promoted until `mlsys hold {known.pipeline} --release --reason '...'`."
        return replace(known, state="held", todo=todo)
    return known


def waiting(work: Workspace, pipeline: str, rows: Sequence[RunRow], decision: Decision) -> str | Literal[False]:
    """Return in words that a run waits for a person, since when and until when; False where it does not.

    A run of Airflow waits in the midst of it. One of the command line has ended, and waits for `mlsys promote` for as
    long as the champion that it was compared with serves. `rows` are all of the run.
    """
    plan = next((row.plan for row in rows if row.plan and row.plan.mode == "live"), None)
    asks = plan is not None and (plan.approval or decision.needs_person)
    if plan is None or not asks or decision.outcome != "promote" or rows[-1].status == "failed" or rows[-1].at is None:
        return False
    since = f"waits for a person since {rows[-1].at:%Y-%m-%d %H:%M} UTC"
    if rows[-1].status == "started":
        timeout = work.spec_of(plan).approval.timeout  # as it was asked, whatever the spec says since
        return f"{since}, until about {rows[-1].at + timeout:%Y-%m-%d %H:%M} UTC"
    challenger = decision.challenger or ""
    served = work.ledger.champion_changes(pipeline, of={challenger, Candidate.refitted(challenger)})
    present = work.ledger.champion(pipeline)
    moved = (present.candidate_id if present else None) != decision.champion
    return False if served or moved else f"{since}, with no deadline"


def _newest_live(work: Workspace, pipeline: str, requests: Sequence[RequestRow]) -> RequestRow | None:
    for further in _FURTHER:
        found = next(filter(_is_of_the_night, reversed(requests)), None)
        if found is not None or len(requests) < LOOKED_AT:
            return found
        requests = work.ledger.requests(pipeline, last=further)
    return next(filter(_is_of_the_night, reversed(requests)), None)


def _is_of_the_night(request: RequestRow) -> bool:
    """Whether a request says something about the pipeline: trials do not, nor a slip at a terminal, told there."""
    slip = (
        request.asked_by == "cli" and request.status == "failed" and request.reason in ("wrong_spec", "wrong_request")
    )
    return request.mode == "live" and not slip


def _outcome(
    pipeline: str, request: RequestRow, rows: list[RunRow], decision: Decision | None, waits: str | Literal[False]
) -> tuple[StandingState, str, str]:
    """Return state, what happened, and what to do."""
    asked = f"{request.at:%Y-%m-%d %H:%M} UTC, about {request.day or 'no day'}" if request.at else str(request.day)
    look = f"Its card has the rest: `mlsys report {request.run_id or request.request_id}`."
    if request.status == "skipped":
        return "fine", f"{asked}: skipped ({request.reason}): {_whole(request.sentence)}", ""
    if request.status == "failed":
        return "failed", f"{asked}: failed before its run was begun: {_whole(request.sentence)}", look
    last = rows[-1] if rows else None
    if waits:
        todo = f"Answer in Airflow, or `mlsys promote {pipeline} {request.run_id} --reason '...'`. {look}"
        return "waits", f"{asked}: all gates pass, and it {waits}.", todo
    if last is None or last.status == "started":
        return "running", f"{asked}: the run has not come to its end.", ""
    if last.status == "failed":
        return "failed", f"{asked}: failed in {last.step or 'an unknown step'}: {_whole(last.sentence)}", look
    if decision is not None and decision.outcome == "error":
        return "failed", f"{asked}: could not be judged: {_whole(decision.sentence)}", look
    return "fine", f"{asked}: {decision.outcome if decision else last.status}: {_whole(last.sentence)}", ""


def _behind(newest: RequestRow, spec: Spec, now: datetime) -> bool:
    return spec.schedule.enabled and newest.asked_by != "cli" and newest.at is not None and now - newest.at > _LATE


def _meaning(champion: ChampionChange | None) -> str:
    if champion is None:
        return "It has no champion: nothing serves."
    name = champion.candidate_id.split("-", 1)[-1]
    ends = f"; {champion.who} put it in place until {champion.expires:%Y-%m-%d %H:%M} UTC" if champion.expires else ""
    return f"{champion.version} serves ({name}, data up to {champion.last_day}{ends})."


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _whole(sentence: str) -> str:
    return f"{sentence.rstrip('.')}."
