from __future__ import annotations

import pytest
from given.shop import day

from mlsys import pipeline
from mlsys.planning.plan import RunRequest
from mlsys.promotion.reuse import decided_before
from mlsys.records import Prepared
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


def test_earlier_decisions_on_shared_rows_are_counted_and_past_runs_are_not(work: Workspace) -> None:
    counts = []
    for number, mode in ((11, "dry"), (12, "simulate"), (12, "live")):
        finished = pipeline.run(work, RunRequest("shop", day=day(number), mode=mode))
        plan = finished.start.plan
        assert plan is not None
        assert finished.start.snapshot is not None
        rows = Prepared.model_construct(plan=plan)
        counts.append(decided_before(work, work.spec_of(plan), rows))
    # The first champion of the home was compared with nobody; the dry run of day 11 counts for the nights after it.
    assert counts == [0, 1, 1]
