"""What became of each request, in one word and one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.shop import day, edit_spec

from mlsys import pipeline
from mlsys.errors import DataError
from mlsys.planning.plan import RunRequest
from mlsys.planning.refused import record_refused
from mlsys.upkeep.requested import requested
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


def test_decided_runs_come_oldest_first_with_what_was_decided(work: Workspace) -> None:
    first, second = requested(work, "shop", last=10)
    assert (first.request.day, first.state, first.waits) == (str(day(10)), "done", False)
    assert (second.request.day, second.state) == (str(day(11)), "done")
    assert [one.decision.outcome for one in (first, second) if one.decision] == ["promote", "historical"]
    assert first.decision
    assert first.sentence == first.decision.sentence
    assert requested(work, "shop", last=1) == [second]


def test_a_skip_tells_why(work: Workspace) -> None:
    pipeline.run(work, RunRequest("shop", day=day(10)))
    (newest,) = requested(work, "shop", last=1)
    assert (newest.state, newest.decision) == ("unchanged", None)
    assert newest.sentence == newest.request.sentence


def test_what_failed_before_its_run_and_in_it_tells_why(work: Workspace) -> None:
    record_refused(
        work, RunRequest("shop", partition_key=str(day(12))), reason="data_refused", sentence="No such file."
    )
    start = pipeline.take_snapshot(work, RunRequest("shop", day=day(12)))
    assert start.plan
    pipeline.record_failure(work, start.plan, step="validate", error=DataError("too many rows are bad"), parts={})
    before, within = requested(work, "shop", last=2)
    assert (before.state, before.sentence) == ("failed", "No such file.")
    assert within.state == "failed"
    assert "too many rows are bad" in within.sentence


def test_a_run_that_waits_is_not_done(work: Workspace, shop: Path) -> None:
    edit_spec(shop / "pipelines", gates=["min_rows"], registries=["files"], approval={"required": True})
    pipeline.run(work, RunRequest("shop", day=day(12)))
    (newest,) = requested(work, "shop", last=1)
    assert newest.waits
    assert newest.state.startswith("waits for a person since ")
