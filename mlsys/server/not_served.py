"""A champion that can't be served is told to people: a notice in the outbox, once for each change of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.live.telling import leave
from mlsys.notification.outbox import Notice, key_of

if TYPE_CHECKING:
    from mlsys.ledger import ChampionChange
    from mlsys.server.shelf import Broken
    from mlsys.workspace import Workspace


def tell_not_served(work: Workspace | None, broken: Broken) -> None:
    """Leave a notice of a champion that could not be loaded, or answers otherwise than when it was promoted.

    Without the ledger nobody is told: whether it is the champion at all shows when the ledger is back.
    """
    if work is not None and broken.change is not None:
        leave(work, broken.change, _notice(broken.change, broken))


def _notice(change: ChampionChange, broken: Broken) -> Notice:
    answers = f"version {broken.instead} goes on answering" if broken.instead else "nobody answers"
    reason = broken.reason.rstrip(".")
    return Notice(
        key=key_of("champion_not_served", change.pipeline, change.candidate_id, str(change.generation)),
        event="champion_not_served",
        pipeline=change.pipeline,
        sentence=f"Version {change.version} of {change.pipeline} can't be served, {answers}: {reason}.",
        at=clock.now(),
        day=str(change.last_day),
        run=change.run_id,
        version=change.version,
    )
