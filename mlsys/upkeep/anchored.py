"""Whether a ledger's chain is still the one that releases, MLflow and report cards remember."""

from __future__ import annotations

from mlsys.errors import IntegrityError
from mlsys.ledger.anchors import Rewritten, rewritten
from mlsys.records import ChainAnchor, Decision
from mlsys.registries.base import Registry
from mlsys.report.run_records import anchors_of_cards
from mlsys.wording import counted
from mlsys.workspace import Workspace


def anchors(work: Workspace, pipeline: str) -> list[ChainAnchor]:
    """Return all rows of a pipeline's chain that are remembered outside the ledger, in the order of the chain.

    Raises:
        TransientError: a registry does not answer.
        IntegrityError: a release record is damaged.
    """
    found = anchors_of_cards(pipeline, work.home)
    for registry in _registries(work, pipeline):
        found += registry.anchors(pipeline, work.place)
    return sorted(found, key=lambda anchor: (anchor.seq, anchor.where))


def require_anchored(work: Workspace, pipeline: str) -> str:
    """Return in words how many anchors the chain was held against, to go on with after a sentence about it.

    Raises:
        IntegrityError: the chain was rewritten; names the first decision that may differ, and who remembers it.
        TransientError: a registry does not answer.
    """
    known = anchors(work, pipeline)
    if not known:
        decided = work.ledger.newest_decision(pipeline) is not None
        return "; nothing outside the ledger remembers it (the next decision will be remembered)" if decided else ""
    found = rewritten(work.ledger, pipeline, known)
    if found is not None:
        raise IntegrityError(
            f"The ledger's chain was rewritten: {_in_words(found)}",
            where=f"pipeline {pipeline}, row {found.anchor.seq}",
            remedy="Compare the decision with its report card, and restore the database from a backup",
        )
    newest = known[-1]
    return f"; {counted(len(known), 'anchor')} outside it say the same, the newest about row {newest.seq}"


def _in_words(found: Rewritten) -> str:
    held = f"{found.anchor.where} remembers another row {found.anchor.seq}"
    if found.found is None:
        held = f"{found.anchor.where} remembers a row {found.anchor.seq}, and the ledger has none"
    if found.decision is None:
        return f"{held}; the ledger has no decision after row {found.after}, the last one that is known to be right"
    decision = Decision.load_json(found.decision.record.encode())
    return (
        f"{held}. The first decision that differs or follows on what differs is row {found.decision.seq}, "
        f"{decision.outcome} of run {decision.run_id}"
    )


def _registries(work: Workspace, pipeline: str) -> list[Registry]:
    """Return the registries of the champion's spec; where nothing served yet, of the newest decided run's."""
    champion = work.ledger.champion(pipeline)
    newest = work.ledger.judgements(pipeline, last=1)
    run_id = champion.run_id if champion else newest[-1].decision.run_id if newest else None
    return [] if run_id is None else list(work.spec_of(work.ledger.plan(run_id)).registries)
