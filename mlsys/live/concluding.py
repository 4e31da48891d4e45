"""What follows from live evidence: a champion that is truly worse than the one before it makes way for it.

Labels of its own requests say so, row by row, at a chance of error that is shared out over a year's promotions. Where
a person holds the pipeline, or has the last word on promotions, it is said and not done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlsys.errors import LostRaceError, MlsysError
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange
from mlsys.live.judging import evidence
from mlsys.live.rules import present_spec, rules_by
from mlsys.live.running import WATCHER, watched
from mlsys.promotion import by_hand
from mlsys.records import Snapshot
from mlsys.records.live import LiveEvidence
from mlsys.workspace import Workspace

log = get_logger(__name__)

Action = Literal["none", "demoted", "advised"]


@dataclass(frozen=True)
class Conclusion:
    """What a live trial says, and what was done about it.

    Attributes:
        action: `demoted`: the champion was rolled back; `advised`: a person may do so; `none`: nothing is to be done.
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
    if champion is None or not found or found[0].champion != champion.candidate_id:
        return []
    before = watched(champion, rules_by(present_spec(work, champion)))
    concluded = []
    for each in found:
        is_watch = before is not None and each.candidate == before.candidate_id and each.since == before.at
        if is_watch and each.verdict == "better":
            concluded.append(_demoted(work, champion, each))
        else:
            concluded.append(Conclusion(each, "none", each.sentence))
    for conclusion in concluded:
        log.info("live_evidence", pipeline=pipeline, action=conclusion.action, sentence=conclusion.sentence)
    return concluded


def _demoted(work: Workspace, champion: ChampionChange, found: LiveEvidence) -> Conclusion:
    """Let the model before a champion serve again, unless a person has the last word."""
    reason = f"Live rows with labels: {found.sentence}"
    hold, spec = work.ledger.hold(champion.pipeline), present_spec(work, champion)
    if hold is not None or spec.approval.required:
        why = f"it is {hold.sentence}" if hold is not None else "a person has the last word there"
        command = f"mlsys rollback {champion.pipeline} --reason '...'"
        return Conclusion(found, "advised", f"{found.sentence} Nothing was changed, {why}: {command}")
    version = next(change.version for change in work.ledger.champion_changes(champion.pipeline, of=[found.candidate]))
    try:
        change = by_hand.roll_back(work, champion.pipeline, version=version, reason=reason[:500], who=WATCHER)
    except (LostRaceError, MlsysError) as error:  # somebody was faster, or its file is gone: said, and left to people
        log.warning("not_demoted", pipeline=champion.pipeline, version=champion.version, reason=str(error))
        return Conclusion(found, "advised", f"{found.sentence} It was not taken back: {error}")
    sentence = f"{champion.version} made way for {change.version}, which served before it. {found.sentence}"
    log.warning("demoted", pipeline=champion.pipeline, version=champion.version, serves=change.version)
    return Conclusion(found, "demoted", sentence, change)


def told(concluded: Sequence[Conclusion]) -> str:
    """Return in a sentence for each what was concluded; empty where nothing is tried."""
    return " ".join(conclusion.sentence for conclusion in concluded)
