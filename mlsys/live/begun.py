"""A person lets a model be tried beside the champion, or ends that: with a name, a reason and an end in the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta

from mlsys import clock
from mlsys.account import account
from mlsys.errors import UsageError, near_match
from mlsys.evaluation.champion import model_by, obstacle_of
from mlsys.events import get_logger
from mlsys.gates.live_better import NO_LIVE_EVIDENCE, LiveBetter
from mlsys.ledger import ChampionChange, LiveTrial, live_trials
from mlsys.ledger.rows import Role
from mlsys.live.rules import present_spec
from mlsys.records import Decision, Plan
from mlsys.training import golden
from mlsys.workspace import Workspace

log = get_logger(__name__)


def begin(
    work: Workspace,
    pipeline: str,
    name: str,
    *,
    role: Role,
    share: int,
    until: datetime,
    reason: str,
    who: str | None = None,
) -> LiveTrial:
    """Try a model beside the champion from now on, or change how one is tried.

    Args:
        work: the installation.
        pipeline: name of the spec.
        name: a candidate, a version that served, or a run, whose challenger is meant.
        role: `shadow` or `ab`.
        share: of the keys in per cent that it answers, under `ab`.
        until: when it ends by itself.
        reason: why; kept for ever.
        who: default whoever runs this process.

    Raises:
        UsageError: no champion, no such model, one that serves or can't read the schema, a share that means nothing,
            too many trials, or an end that has passed.
    """
    champion = _champion(work, pipeline)
    candidate_id = _named(work, pipeline, name)
    if candidate_id == champion.candidate_id:
        raise UsageError(f"{candidate_id} serves already, as version {champion.version}", where="CANDIDATE")
    if (role == "ab") != (share > 0):
        rule = "A share of the keys is what `ab` has, and a shadow has not"
        raise UsageError(rule, where="--share", got=share, remedy="`--as ab --share 10`, or `--as shadow`")
    _require_able(work, champion, candidate_id)
    return _put(
        work,
        LiveTrial(
            pipeline=pipeline,
            candidate_id=candidate_id,
            role=role,
            share=share,
            who=who or account(),
            reason=_reason(reason),
            until=until,
            golden=_golden(work, candidate_id),
        ),
    )


def end(work: Workspace, pipeline: str, name: str, *, reason: str, who: str | None = None) -> LiveTrial:
    """End the trial of a model.

    Raises:
        UsageError: it is not tried, or there is no such model.
    """
    candidate_id = _named(work, pipeline, name)
    known = {trial.candidate_id: trial for trial in live_trials.written(work.ledger, pipeline)}
    going = live_trials.in_force(list(known.values()), clock.now())
    if candidate_id not in {trial.candidate_id for trial in going}:
        raise UsageError(f"{candidate_id} is not tried", where=pipeline, remedy=f"See `mlsys try {pipeline}`")
    ended = {"running": False, "golden": None, "who": who or account(), "reason": _reason(reason), "at": None}
    return _put(work, known[candidate_id].model_copy(update=ended))


def try_challenger(work: Workspace, plan: Plan, decision: Decision) -> LiveTrial | None:
    """Try the challenger of a live run in the shadow where nothing but live evidence is missing; else None.

    Raises:
        IntegrityError: its file is missing or was changed.
    """
    gate = next((each for each in work.spec_of(plan).gates if isinstance(each, LiveBetter)), None)
    others = [found for found in decision.gates if gate is None or found.gate != gate.kind]
    waits = decision.outcome == "inconclusive" and decision.reason == NO_LIVE_EVIDENCE
    if gate is None or plan.mode != "live" or not waits or any(found.state != "pass" for found in others):
        return None
    until = clock.now() + timedelta(days=gate.days)
    try:
        return begin(
            work,
            plan.pipeline,
            str(decision.challenger),
            role="shadow",
            share=0,
            until=until,
            reason=f"{plan.run_id} passes every gate but {gate.kind}",
            who="gates",
        )
    except UsageError as error:  # others are tried already, and go on with their time
        log.warning("challenger_not_tried", pipeline=plan.pipeline, run=plan.run_id, reason=str(error))
        return None


def _put(work: Workspace, wanted: LiveTrial) -> LiveTrial:
    written = live_trials.put(work.ledger, wanted)
    log.info(
        "live_trial",
        pipeline=written.pipeline,
        candidate=written.candidate_id,
        role=written.role,
        share=written.share,
        running=written.running,
        who=written.who,
    )
    return written


def _champion(work: Workspace, pipeline: str) -> ChampionChange:
    champion = work.ledger.champion(pipeline)
    if champion is None:
        rule = f"{pipeline} has no champion, so there is nothing to try a model beside"
        raise UsageError(rule, remedy=f"Make one: mlsys run {pipeline}")
    return champion


def _named(work: Workspace, pipeline: str, name: str) -> str:
    """Return the candidate that a version, a run or its own name means."""
    served = {change.version: change.candidate_id for change in work.ledger.champion_changes(pipeline)}
    if name in served:
        return served[name]
    challengers = {d.run_id: d.challenger for d in work.ledger.decisions(pipeline) if d.challenger}
    if name in challengers:
        return str(challengers[name])
    run_id, candidate = work.ledger.run_of(name), work.ledger.candidate(name)
    if candidate is None or run_id is None or work.ledger.plan(run_id).pipeline != pipeline:
        known = [*served, *challengers, *challengers.values()]
        rule = f"{pipeline} has no candidate, version or run of that name. {near_match(name, map(str, known))}"
        raise UsageError(rule, where="CANDIDATE", got=name, remedy=f"See `mlsys history {pipeline}`")
    return name


def _require_able(work: Workspace, champion: ChampionChange, candidate_id: str) -> None:
    """Refuse a model that could not answer: no file, or another schema than the present one."""
    candidate, run_id = work.ledger.candidate(candidate_id), work.ledger.run_of(candidate_id)
    if candidate is None or candidate.model is None or run_id is None:
        raise UsageError(f"{candidate_id} was never fitted", where="CANDIDATE")
    work.store.read_bytes(candidate.model)  # a missing or damaged file can't be tried
    obstacle = obstacle_of(present_spec(work, champion), model_by(work.spec_of(work.ledger.plan(run_id)), candidate))
    if obstacle is not None:
        raise UsageError(f"{candidate_id} can't answer requests of today: {obstacle}", where="CANDIDATE")


def _golden(work: Workspace, candidate_id: str) -> str | None:
    """Return golden predictions of a model that is going to be tried: a server asks about them first."""
    candidate, run_id = work.ledger.candidate(candidate_id), work.ledger.run_of(candidate_id)
    if candidate is None or run_id is None:
        return None
    plan = work.ledger.plan(run_id)
    served = work.ledger.champion_changes(plan.pipeline, of=[candidate_id])
    return served[-1].golden if served else golden.keep_of_run(work, plan, candidate)


def _reason(text: str) -> str:
    if not text.strip():
        raise UsageError("Say why: it stays in the ledger for ever", where="--reason")
    return text.strip()
