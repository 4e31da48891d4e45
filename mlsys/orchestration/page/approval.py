"""What a person sees before they answer: until when, every gate in words, both models side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mlsys.errors import IntegrityError
from mlsys.events import get_logger
from mlsys.orchestration.page.overview import Glance, Judged
from mlsys.report.sides import Side, side_by_side
from mlsys.wording import counted
from mlsys.workspace import Workspace

log = get_logger(__name__)


@dataclass(frozen=True)
class Waiting:
    """A promotion that waits for a person.

    Attributes:
        since, until: when its run began to wait, and when nobody's answer counts as a refusal; None for no deadline.
        serving: version of the champion that stays if the answer is no, or None.
        sides: every metric of both models on the holdout; empty where the details are lost.
        asked: `<dag id>/<run id>` of the run in Airflow that waits, or None for one from elsewhere.
    """

    pipeline: str
    judged: Judged
    since: datetime | None
    until: datetime | None
    serving: str | None
    sides: tuple[Side, ...]
    asked: str | None

    def age(self, now: datetime) -> str:
        """Return for how long it has waited, in words: `5 hours`; the next smaller unit does not matter."""
        return "an unknown time" if self.since is None else _roughly(now - self.since)


def waiting(work: Workspace, glance: Glance) -> Waiting | None:
    """Return the promotion of a pipeline that waits for a person, or None."""
    judged, stands = glance.waiting, glance.standing
    if judged is None:
        return None
    since = stands.run.at if stands.run else None
    ends = since is not None and stands.run is not None and stands.run.status == "started"
    timeout = work.spec_of(work.ledger.plan(judged.decision.run_id)).approval.timeout
    return Waiting(
        glance.pipeline,
        judged,
        since=since,
        until=since + timeout if ends and since else None,
        serving=glance.champion.change.version if glance.champion else None,
        sides=_sides(work, judged),
        asked=judged.asked_by if ends and "/" in judged.asked_by else None,
    )


def _roughly(age: timedelta) -> str:
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if age >= length:
            return counted(age // length, unit)
    return "less than a minute"


def _sides(work: Workspace, judged: Judged) -> tuple[Side, ...]:
    found = work.ledger.decision(judged.decision.decision_key)
    try:
        return () if found is None else side_by_side(judged.decision, work.store.read_json(found[0].details))
    except IntegrityError:
        log.warning("evaluations_missing", run=judged.decision.run_id)
        return ()
