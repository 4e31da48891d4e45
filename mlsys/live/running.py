"""Which models are tried beside a champion now: those that somebody began to try, and the champion before it."""

from __future__ import annotations

from datetime import datetime

from mlsys.ledger import ChampionChange, LiveTrial, live_trials
from mlsys.live.rules import LiveRules
from mlsys.workspace import Workspace

WATCHER = "mlsys"  # who lets the champion before the present one go on as a shadow


def running(work: Workspace, champion: ChampionChange, rules: LiveRules, *, now: datetime) -> list[LiveTrial]:
    """Return the trials that go on beside a champion, those that somebody began first; none of itself."""
    begun = live_trials.in_force(live_trials.written(work.ledger, champion.pipeline), now)
    before = watched(champion, rules)
    if before is not None and before.is_in_force(now) and all(t.candidate_id != before.candidate_id for t in begun):
        begun.append(before)
    return [trial for trial in begun if trial.candidate_id != champion.candidate_id][: live_trials.MOST]


def watched(champion: ChampionChange, rules: LiveRules) -> LiveTrial | None:
    """Return the trial of the champion that a promotion took the place of; None after anything but a promotion.

    It needs no row of its own: the promotion says who served before, and since when no more.
    """
    if champion.kind not in ("promote", "manual") or champion.previous is None or champion.at is None:
        return None
    return LiveTrial(
        pipeline=champion.pipeline,
        candidate_id=champion.previous,
        role="shadow",
        who=WATCHER,
        reason=f"it served before {champion.version}",
        until=champion.at + rules.watch_previous,
        at=champion.at,
    )
