"""What follows from live evidence: a champion that is truly worse than the one before it makes way for it.

Labels of its own requests say so, row by row, at a chance of error that is shared out over a year's promotions. A
challenger that its run began to try, because the spec has the gate `live_better`, takes the champion's place in the
same way. Where a person holds the pipeline, or has the last word on promotions, it is said and not done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.gates.live_better import NO_LIVE_EVIDENCE, LiveBetter
from mlsys.ledger import ChampionChange
from mlsys.live import known_evidence
from mlsys.live.judging import evidence
from mlsys.live.rules import present_spec, rules_by
from mlsys.live.running import WATCHER, watched
from mlsys.live.telling import leave
from mlsys.notification.outbox import Notice, key_of
from mlsys.promotion import by_hand
from mlsys.records import Snapshot
from mlsys.records.live import LiveEvidence
from mlsys.workspace import Workspace

log = get_logger(__name__)

Action = Literal["none", "demoted", "promoted", "advised"]


@dataclass(frozen=True)
class Conclusion:
    """What a live trial says, and what was done about it.

    Attributes:
        action: `demoted`: the champion was rolled back; `promoted`: who was tried took its place; `advised`: a person
            may do so; `none`: nothing is to be done.
        change: who serves from now on, where somebody else does.
    """

    evidence: LiveEvidence
    action: Action
    sentence: str
    change: ChampionChange | None = None


def conclude(work: Workspace, pipeline: str, *, snapshot: Snapshot | None = None) -> list[Conclusion]:
    """Judge all that is tried beside a champion, and act on it; nothing changes twice.

    Raises:
        DataError, TransientError, IntegrityError: as `judging.evidence`.
    """
    champion = work.ledger.champion(pipeline)
    found = evidence(work, pipeline, snapshot=snapshot)
    if champion is None or (found and found[0].champion != champion.candidate_id):
        return []  # nobody serves, or somebody else by now
    known_evidence.keep(work.home, pipeline, found, at=clock.now())
    before = watched(champion, rules_by(present_spec(work, champion)))
    concluded: list[Conclusion] = []
    for each in found:
        is_watch = before is not None and each.candidate == before.candidate_id and each.since == before.at
        if is_watch and each.verdict == "better":
            concluded.append(_demoted(work, champion, each))
        elif each.verdict == "better" and _passes_all_else(work, champion, each):
            concluded.append(_promoted(work, champion, each))
        else:
            concluded.append(Conclusion(each, "none", each.sentence))
    for conclusion in concluded:
        log.info("live_evidence", pipeline=pipeline, action=conclusion.action, sentence=conclusion.sentence)
    return concluded


def _demoted(work: Workspace, champion: ChampionChange, found: LiveEvidence) -> Conclusion:
    """Let the model before a champion serve again, unless a person has the last word."""
    person = _last_word(work, champion)
    if person is not None:
        command = f"mlsys rollback {champion.pipeline} --reason '...'"
        return Conclusion(found, "advised", f"{found.sentence} Nothing was changed, {person}: {command}")
    earlier = work.ledger.champion_changes(champion.pipeline, of=[found.candidate])
    try:
        change = by_hand.roll_back(
            work, champion.pipeline, version=earlier[-1].version, reason=_reason(found), who=WATCHER
        )
    except MlsysError as error:  # somebody was faster, or its file is gone: said, and left to people
        log.warning("not_demoted", pipeline=champion.pipeline, version=champion.version, reason=str(error))
        return Conclusion(found, "advised", f"{found.sentence} It was not taken back: {error}")
    sentence = f"{champion.version} made way for {change.version}, which served before it. {found.sentence}"
    log.warning("demoted", pipeline=champion.pipeline, version=champion.version, serves=change.version)
    leave(work, change, _notice(change, sentence))
    return Conclusion(found, "demoted", sentence, change)


def _notice(change: ChampionChange, sentence: str) -> Notice:
    key = key_of("champion_demoted", change.pipeline, str(change.generation))
    told = {"run": change.run_id, "version": change.version, "day": str(change.last_day)}
    return Notice(
        key=key, event="champion_demoted", pipeline=change.pipeline, sentence=sentence, at=clock.now(), **told
    )


def _promoted(work: Workspace, champion: ChampionChange, found: LiveEvidence) -> Conclusion:
    """Let who was tried take the champion's place, unless a person has the last word."""
    person = _last_word(work, champion)
    if person is not None:
        run_id = work.ledger.run_of(found.candidate)
        command = f"mlsys promote {champion.pipeline} {run_id} --reason '...'"
        return Conclusion(found, "advised", f"{found.sentence} Nothing was changed, {person}: {command}")
    try:
        change = by_hand.promote_by_live_rows(work, champion.pipeline, found.candidate, reason=_reason(found))
    except MlsysError as error:
        log.warning("not_promoted", pipeline=champion.pipeline, candidate=found.candidate, reason=str(error))
        return Conclusion(found, "advised", f"{found.sentence} It was not promoted: {error}")
    sentence = f"{found.candidate} took the place of {champion.version} as version {change.version}. {found.sentence}"
    return Conclusion(found, "promoted", sentence, change)


def _passes_all_else(work: Workspace, champion: ChampionChange, found: LiveEvidence) -> bool:
    """Return whether the spec lets live evidence promote, and nothing else is missing of a candidate's decision."""
    gate = next((each for each in present_spec(work, champion).gates if isinstance(each, LiveBetter)), None)
    run_id = work.ledger.run_of(found.candidate)
    if gate is None or run_id is None:
        return False
    decided = [d for d in work.ledger.decisions(found.pipeline, of={run_id}) if d.challenger == found.candidate]
    waited = decided[-1].reason == NO_LIVE_EVIDENCE if decided else False
    return waited and all(each.state == "pass" or each.gate == gate.kind for each in decided[-1].gates)


def _last_word(work: Workspace, champion: ChampionChange) -> str | None:
    """Return in words which person has the last word, or None."""
    hold = work.ledger.hold(champion.pipeline)
    if hold is not None:
        return f"it is {hold.sentence}"
    return "a person has the last word there" if present_spec(work, champion).approval.required else None


def _reason(found: LiveEvidence) -> str:
    return f"Live rows with labels: {found.sentence}"[:500]


def told(concluded: Sequence[Conclusion]) -> str:
    """Return in a sentence for each what was concluded; empty where nothing is tried."""
    return " ".join(conclusion.sentence for conclusion in concluded)
