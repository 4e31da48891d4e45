"""What became of each request for a run, whoever asked: for `mlsys history`, and for the DAGs in Airflow."""

from __future__ import annotations

from dataclasses import dataclass

from mlsys.ledger import RequestRow, RunRow
from mlsys.records import Decision
from mlsys.upkeep.standing import waiting
from mlsys.workspace import Workspace


@dataclass(frozen=True)
class Requested:
    """A request, and what became of it.

    Attributes:
        state: one word (`done`, `failed`, why it was skipped), or since when and until when it waits for a person.
        run: the newest row of its run, and `decision` what was decided in it; None where it did not get that far.
        waits: it is a person's turn.
    """

    request: RequestRow
    state: str
    run: RunRow | None
    decision: Decision | None
    waits: bool = False

    @property
    def sentence(self) -> str:
        """What there is to say: the decision's sentence, else why the run failed, else what the request came to."""
        if self.decision is not None:
            return self.decision.sentence
        return self.run.sentence if self.run is not None and self.run.status == "failed" else self.request.sentence


def requested(work: Workspace, pipeline: str, *, last: int) -> list[Requested]:
    """Return the newest `last` requests of a pipeline, oldest first."""
    requests = work.ledger.requests(pipeline, last=last)
    of = {request.run_id for request in requests if request.run_id}
    rows = work.ledger.runs(pipeline, of=of)
    decided = {decision.run_id: decision for decision in work.ledger.decisions(pipeline, of=of)}
    found = []
    for request in requests:
        own = [row for row in rows if row.run_id == request.run_id]
        decision = decided.get(request.run_id or "") if request.status == "accepted" else None
        found.append(_one(work, pipeline, request, own, decision))
    return found


def _one(
    work: Workspace, pipeline: str, request: RequestRow, own: list[RunRow], decision: Decision | None
) -> Requested:
    run = own[-1] if own else None
    state = {"skipped": request.reason, "failed": "failed"}.get(request.status, run.status if run else None)
    plan = next((row.plan for row in own if row.plan), None)
    asks = plan is not None and decision is not None and (plan.approval or decision.needs_person)
    waits = waiting(work, pipeline, own, decision) if asks and decision is not None else False
    return Requested(request, waits or state or "?", run, decision, waits=bool(waits))
