"""A person decides who serves: promotion by hand, rollback and hold, with a name and a reason in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mlsys import clock
from mlsys.account import account
from mlsys.errors import IntegrityError, LostRaceError, UsageError, near_match
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange, ChampionMovedError, Hold, RequestRow
from mlsys.promotion.projection import project
from mlsys.promotion.promote import next_version
from mlsys.records import Answer
from mlsys.training import golden
from mlsys.workspace import Workspace

log = get_logger(__name__)


def promote_by_hand(
    work: Workspace,
    pipeline: str,
    run_id: str | None = None,
    *,
    candidate: str | None = None,
    version: str | None = None,
    reason: str,
    who: str | None = None,
    expires: datetime | None = None,
) -> ChampionChange:
    """Make a candidate of a run the champion, default the run's best one, or a `version` that served before.

    With `expires` what serves now serves again from then on (`expire`). `who` is whoever runs this process.

    Raises:
        UsageError: unknown run, candidate or version, one that serves already, an end that has passed, or an end
            where nothing serves that it could make way for.
        LostRaceError: the champion changed meanwhile.
    """
    if (run_id is None) == (version is None):
        raise UsageError("Name one thing to promote: a run, or a version that served", where=pipeline)
    changes = work.ledger.champion_changes(pipeline)
    if expires is not None:
        _require_end(pipeline, changes, expires)
    if version is not None:
        wanted = _named(pipeline, changes, version, where="--version").candidate_id
    else:
        wanted = _candidate_of(work, pipeline, run_id or "", candidate)
    return _serve(work, changes, wanted, _Why("manual", reason, who, expires), pipeline=pipeline)


def roll_back(
    work: Workspace, pipeline: str, *, version: str | None, reason: str, who: str | None = None
) -> ChampionChange:
    """Let a model that really served before serve again; `rollback_target` says which without a `version`.

    Raises:
        UsageError: no such version ever served, or it serves now.
        LostRaceError: the champion changed meanwhile.
    """
    changes = work.ledger.champion_changes(pipeline)
    target, passed = _target(work, pipeline, changes, version)
    why = f"{reason} (passed over: {'; '.join(passed)})" if passed and reason.strip() else reason
    end = target.expires if version is None else None  # who names a version means it for good
    return _serve(work, changes, target.candidate_id, _Why("rollback", why, who, end), pipeline=pipeline)


def promote_by_live_rows(work: Workspace, pipeline: str, candidate_id: str, *, reason: str) -> ChampionChange:
    """Let a candidate that was tried beside the champion take its place, for what the labels of live rows say.

    Raises:
        UsageError: it serves already.
        LostRaceError: the champion changed meanwhile, or knows newer data.
        HeldError: a person holds the pipeline.
    """
    changes = work.ledger.champion_changes(pipeline)
    return _serve(work, changes, candidate_id, _Why("promote", reason, "gates"), pipeline=pipeline)


def rollback_target(work: Workspace, pipeline: str, *, version: str | None) -> ChampionChange:
    """Return the change that made a version serve.

    Without one, the newest that served before the present champion, was not itself taken back by a rollback, whose
    time is not over, and whose model file is whole.

    Raises:
        UsageError: no such version ever served, or it serves now.
    """
    return _target(work, pipeline, work.ledger.champion_changes(pipeline), version)[0]


def hold(work: Workspace, pipeline: str, *, reason: str, until: datetime | None = None, who: str | None = None) -> Hold:
    """Let the gates promote nothing from now on, until an instant or until `release`; runs go on and report.

    A hold in force is replaced. What people do by hand is not held.

    Raises:
        UsageError: no reason, or `until` has passed.
    """
    return _put(work, Hold(pipeline=pipeline, who=who or account(), reason=reason.strip(), until=until))


def release(work: Workspace, pipeline: str, *, reason: str, who: str | None = None) -> Hold:
    """End the hold of a pipeline.

    Raises:
        UsageError: no reason, or it is not held.
    """
    return _put(work, Hold(pipeline=pipeline, held=False, who=who or account(), reason=reason.strip()))


def expire(work: Workspace, pipeline: str) -> ChampionChange | None:
    """Let what served before serve again where a champion was put in place until an instant that has passed.

    Every run asks first, and so does whatever looks after the registries. None where there is nothing to do.
    """
    champion = work.ledger.champion(pipeline)
    if champion is None or champion.expires is None or clock.now() < champion.expires:
        return None
    # What is read here is what the change compares with: a promotion since then is never undone.
    changes = work.ledger.champion_changes(pipeline)
    if changes[-1].generation != champion.generation:
        return None
    reason = f"{champion.version} was put in place by {champion.who} until {champion.expires:%Y-%m-%d %H:%M} UTC"
    try:
        target, _ = _earlier(work, pipeline, changes)
        why = _Why("expiry", reason, "mlsys", target.expires)  # an override below keeps its own end
        change = _serve(work, changes, target.candidate_id, why, pipeline=pipeline)
    except (UsageError, LostRaceError) as error:  # nothing to go back to, or somebody was faster: both are theirs
        log.warning("not_expired", pipeline=pipeline, version=champion.version, reason=str(error))
        return None
    log.info("expired", pipeline=pipeline, version=champion.version, serves=change.version)
    return change


def refuse_rollback(
    work: Workspace, pipeline: str, *, version: str, asked_by: str, answer: Answer, request_id: str
) -> str:
    """Write into the ledger that a person refused a rollback, and return that in words; nothing else changes."""
    who = f"{answer.who} refused it" if answer.answer == "refused" else "Nobody answered in time"
    sentence = f"The rollback to {version} was asked for by {asked_by}. {who}" + (
        f": {answer.reason}" if answer.reason else ""
    )
    row = RequestRow(
        request_id=request_id,
        run_id=None,
        status="skipped",
        reason=f"rollback_{answer.answer}",
        sentence=sentence,
        mode="live",
        asked_by=asked_by,
    )
    work.ledger.add_request(pipeline, row)
    return sentence


def _put(work: Workspace, wanted: Hold) -> Hold:
    _require_reason(wanted.reason)
    written = work.ledger.put_hold(wanted)
    log.info("hold", pipeline=wanted.pipeline, held=wanted.held, who=wanted.who, until=wanted.until)
    return written


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise UsageError("A reason is needed; it stands in the ledger for ever", where="--reason")


def _require_end(pipeline: str, changes: Sequence[ChampionChange], expires: datetime) -> None:
    if expires <= clock.now():
        raise UsageError("An override ends in the future", where="--expires", got=expires.isoformat())
    if not changes:
        raise UsageError(
            f"{pipeline} has no champion that could serve again then", where="--expires", remedy="Leave it out"
        )


def _require_champion(pipeline: str, changes: Sequence[ChampionChange]) -> ChampionChange:
    if not changes:
        raise UsageError(
            f"{pipeline} has no champion, so there is nothing to roll back", remedy=f"See `mlsys history {pipeline}`"
        )
    return changes[-1]


def _target(
    work: Workspace, pipeline: str, changes: Sequence[ChampionChange], version: str | None
) -> tuple[ChampionChange, list[str]]:
    if version is None:
        return _earlier(work, pipeline, changes)
    _require_champion(pipeline, changes)
    return _named(pipeline, changes, version, where="--to"), []


def _named(pipeline: str, changes: Sequence[ChampionChange], version: str, *, where: str) -> ChampionChange:
    served = {change.version: change for change in changes}
    if version not in served:
        raise UsageError(
            f"No version of that name ever served {pipeline}. {near_match(version, served)}",
            where=where,
            got=version,
            remedy=f"See `mlsys history {pipeline}`",
        )
    return served[version]


def _earlier(work: Workspace, pipeline: str, changes: Sequence[ChampionChange]) -> tuple[ChampionChange, list[str]]:
    """Return who served before the present champion and can serve again, and why others were passed over."""
    present = _require_champion(pipeline, changes)
    stack, passed = _standing(changes)[:-1], list[str]()
    for change in reversed(stack):
        obstacle = _over(change) or _broken(work, change)
        if obstacle is None:
            return change, passed
        passed.append(f"{change.version}, {obstacle}")
    served = list(dict.fromkeys(change.version for change in changes if change.version != present.version))
    if passed:
        rule = f"No earlier version of {pipeline} can serve: {'; '.join(passed)}"
    elif served:
        rule = f"Nothing served {pipeline} before {present.version} that was not taken back since"
    else:
        rule = f"{present.version} is the first champion of {pipeline}; nothing served before it"
    raise UsageError(
        rule,
        where=pipeline,
        remedy=(
            f"Name one of {', '.join(served)}: mlsys rollback {pipeline} --to VERSION --reason '...'. "
            if served
            else ""
        )
        + f"Any candidate of a run may be promoted: mlsys promote {pipeline} RUN --reason '...'",
    )


def _standing(changes: Sequence[ChampionChange]) -> list[ChampionChange]:
    """Return the champions one above the other, the present one last; what was taken back is no longer among them."""
    stack: list[ChampionChange] = []
    for change in changes:
        names = [below.candidate_id for below in stack]
        if change.kind in ("rollback", "expiry") and change.candidate_id in names:
            del stack[names.index(change.candidate_id) :]
        elif change.kind in ("rollback", "expiry"):
            stack = stack[:-1]
        elif change.kind == "rehydrate":  # the same version from another environment
            stack = [below for below in stack if below.candidate_id != change.previous]
        stack = [below for below in stack if below.candidate_id != change.candidate_id]
        stack.append(change)
    return stack


def _over(change: ChampionChange) -> str | None:
    """Return that a model was put in place until an instant that has passed, or None."""
    if change.expires is None or clock.now() < change.expires:
        return None
    return f"which was put in place until {change.expires:%Y-%m-%d %H:%M} UTC"


def _broken(work: Workspace, change: ChampionChange) -> str | None:
    """Return why a model can't serve again, or None."""
    candidate = work.ledger.candidate(change.candidate_id)
    if candidate is None or candidate.model is None:
        return "the ledger has no model of it"
    try:
        work.store.read_bytes(candidate.model)
    except IntegrityError as error:
        return error.rule[:1].lower() + error.rule[1:]
    return None


def _candidate_of(work: Workspace, pipeline: str, run_id: str, candidate: str | None) -> str:
    known = {row.run_id: row.training_key for row in work.ledger.runs(pipeline)}
    fitted = [c for c in work.ledger.candidates(known.get(run_id, "")) if c.status == "fitted"]
    if run_id not in known or not fitted:
        raise UsageError(
            f"{pipeline} has no run with fitted candidates of that name. {near_match(run_id, known)}", got=run_id
        )
    wanted = candidate
    if wanted is None:
        decisions = work.ledger.decisions(pipeline, of={run_id})
        wanted = decisions[-1].challenger if decisions else None
    judged = {c.name: c.candidate_id for c in fitted if c.judged_twin is None}
    names = {**{c.candidate_id: c.candidate_id for c in fitted}, **judged}
    if wanted not in names:
        raise UsageError(f"No such candidate. {near_match(str(wanted), names)}", where=run_id, got=wanted)
    return names[wanted]


@dataclass(frozen=True)
class _Why:
    """Of a change: its kind, why, by whom (default: whoever runs this process) and until when."""

    kind: Literal["manual", "rollback", "expiry", "promote"]
    reason: str
    who: str | None
    expires: datetime | None = None


def _serve(
    work: Workspace, changes: Sequence[ChampionChange], candidate_id: str, why: _Why, *, pipeline: str
) -> ChampionChange:
    """Make a candidate the champion if `changes` are still all there are."""
    _require_reason(why.reason)
    candidate = work.ledger.candidate(candidate_id)
    run_id = work.ledger.run_of(candidate_id)
    if candidate is None or candidate.model is None or run_id is None:
        raise IntegrityError("The ledger has no fitted candidate of that name", got=candidate_id)
    if changes and changes[-1].candidate_id == candidate_id:
        raise UsageError(f"{candidate_id} serves already, as version {changes[-1].version}")
    work.store.read_bytes(candidate.model)  # a missing or damaged file must not become champion
    served = [change for change in changes if change.candidate_id == candidate_id]
    plan = work.ledger.plan(run_id)
    decisions = work.ledger.decisions(pipeline, of={run_id})
    wanted = ChampionChange(
        pipeline=pipeline,
        generation=(changes[-1].generation if changes else 0) + 1,
        candidate_id=candidate_id,
        version=served[-1].version if served else next_version(work, changes, plan=plan, candidate=candidate),
        kind=why.kind,
        cutoff=plan.cutoff,
        run_id=run_id,
        decision_key=served[-1].decision_key if served else (decisions[-1].decision_key if decisions else None),
        previous=changes[-1].candidate_id if changes else None,
        who=why.who or account(),
        reason=why.reason,
        expires=why.expires,
        golden=served[-1].golden if served else golden.keep_of_run(work, plan, candidate),
    )
    try:
        change = work.ledger.change_champion(wanted)
    except ChampionMovedError as moved:
        raise LostRaceError(
            f"{moved.rule}; nothing was changed by this command",
            where=pipeline,
            remedy=f"See `mlsys champion {pipeline}`, then decide again",
        ) from moved
    project(work, pipeline)
    return change
