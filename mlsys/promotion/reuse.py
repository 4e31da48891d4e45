"""How often the rows of a holdout have decided already: each decision on the same rows tells a little less.

A holdout has a shelf life (Karlas and others, MLSys 2019, on tests that are asked again and again). Under a split by
time a night's holdout shares days with those of the nights before; under one by hash it shares most rows with all.
"""

from __future__ import annotations

from datetime import timedelta

from mlsys.records import HISTORICAL, Prepared
from mlsys.spec import Spec
from mlsys.workspace import Workspace

MOST = 60  # decisions looked back at


def decided_before(work: Workspace, spec: Spec, prepared: Prepared) -> int:
    """Return how many earlier runs, dry ones too, compared a challenger with a champion on some of the same rows.

    Of the newest `MOST` decisions; runs about the past are compared with nobody.
    """
    plan, kept = prepared.plan, spec.split.withheld.get("holdout")
    newest = work.ledger.judgements(plan.pipeline, last=MOST, historical=False)
    compared = {j.decision.run_id for j in newest if j.evaluations.champion_state == "scored"} - {plan.run_id}
    if not compared:
        return 0
    since = None if kept is None else plan.cutoff - timedelta(days=kept)
    plans = work.ledger.plans(compared).values()
    return sum(other.mode not in HISTORICAL and (since is None or other.cutoff > since) for other in plans)
