"""A person decides who serves: manual promotion and rollback, with a name and a reason in the ledger."""

from __future__ import annotations

import getpass
from typing import Literal

from mlsys.errors import IntegrityError, LostRaceError, UsageError, near_match
from mlsys.ledger import ChampionChange, ChampionMovedError, RequestRow
from mlsys.promotion.projection import project
from mlsys.promotion.promote import next_version
from mlsys.records import Answer
from mlsys.workspace import Workspace


def promote_by_hand(
    work: Workspace, pipeline: str, run_id: str, *, candidate: str | None, reason: str, who: str | None = None
) -> ChampionChange:
    """Make a candidate of a run the champion; default the run's best one. `who` is whoever runs this process.

    Raises:
        UsageError: unknown run or candidate, or one that serves already.
        LostRaceError: the champion changed meanwhile.
    """
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
    return _serve(work, pipeline, names[wanted], kind="manual", reason=reason, who=who)


def roll_back(
    work: Workspace, pipeline: str, *, version: str | None, reason: str, who: str | None = None
) -> ChampionChange:
    """Let a model that really served before serve again; default the one before the present champion.

    Raises:
        UsageError: no such version ever served, or it serves now.
        LostRaceError: the champion changed meanwhile.
    """
    target = rollback_target(work, pipeline, version=version)
    return _serve(work, pipeline, target.candidate_id, kind="rollback", reason=reason, who=who)


def rollback_target(work: Workspace, pipeline: str, *, version: str | None) -> ChampionChange:
    """Return the change that made a version serve, or without one that of the champion before the present one.

    Raises:
        UsageError: no such version ever served, or it serves now.
    """
    changes = work.ledger.champion_changes(pipeline)
    present = changes[-1] if changes else None
    if present is None:
        raise UsageError(
            f"{pipeline} has no champion, so there is nothing to roll back", remedy=f"See `mlsys history {pipeline}`"
        )
    served = {change.version: change for change in changes}
    if version is None:
        earlier = [change for change in changes if change.candidate_id == present.previous]
        if not earlier:
            raise UsageError(
                f"{present.version} is the first champion of {pipeline}; nothing served before it",
                remedy=f"Any candidate of a run may be promoted: mlsys promote {pipeline} RUN --reason '...'",
            )
        return earlier[-1]
    if version not in served:
        raise UsageError(
            f"No version of that name ever served {pipeline}. {near_match(version, served)}",
            where="--to",
            got=version,
            remedy=f"See `mlsys history {pipeline}`",
        )
    return served[version]


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


def _serve(
    work: Workspace,
    pipeline: str,
    candidate_id: str,
    *,
    kind: Literal["manual", "rollback"],
    reason: str,
    who: str | None,
) -> ChampionChange:
    if not reason.strip():
        raise UsageError("A reason is needed; it stands in the ledger for ever", where="--reason")
    changes = work.ledger.champion_changes(pipeline)
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
        kind=kind,
        cutoff=plan.cutoff,
        run_id=run_id,
        decision_key=served[-1].decision_key if served else (decisions[-1].decision_key if decisions else None),
        previous=changes[-1].candidate_id if changes else None,
        who=who or getpass.getuser(),
        reason=reason,
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
