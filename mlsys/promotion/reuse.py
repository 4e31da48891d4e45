"""How often the rows of a holdout have decided already: each decision on the same rows tells a little less.

A holdout has a shelf life (Karlas and others, MLSys 2019, on tests that are asked again and again). Under a split by
time a night's holdout shares days with those of the nights before; under one by hash it shares most rows with all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mlsys.records import HISTORICAL, Prepared
from mlsys.spec import Spec
from mlsys.workspace import Workspace

MOST = 60  # decisions looked back at


def decided_before(work: Workspace, spec: Spec, prepared: Prepared) -> int:
    """Return how many earlier runs, dry ones too, compared a challenger with a champion on some of the same rows.

    Of the newest `MOST` decisions; runs about the past are compared with nobody.
    """
    plan = prepared.plan
    newest = work.ledger.judgements(plan.pipeline, last=MOST, historical=False)
    compared = {j.decision.run_id for j in newest if j.evaluations.champion_state == "scored"} - {plan.run_id}
    if not compared:
        return 0
    plans = work.ledger.plans(compared).values()
    return sharing(spec, plan.cutoff, [other.cutoff for other in plans if other.mode not in HISTORICAL])


def sharing(spec: Spec, cutoff: datetime, others: Sequence[datetime]) -> int:
    """Return how many of other runs, by their cutoffs, share rows of the holdout with a run of this cutoff."""
    kept = spec.split.withheld.get("holdout")
    return len(others) if kept is None else sum(other > cutoff - timedelta(days=kept) for other in others)
