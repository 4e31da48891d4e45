from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from given import records_samples
from given.shop import day

from mlsys.errors import DataError, RunError, TransientError
from mlsys.orchestration.tasks import workplace
from mlsys.orchestration.tasks.workplace import begun_run, close_failed, opened, prepared_run
from mlsys.planning import plan
from mlsys.planning.plan import RunRequest
from mlsys.records import Start
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


class Instance:
    """A task instance: its try, and what it hands on."""

    def __init__(self, try_number: int = 1) -> None:
        self.try_number, self.max_tries = try_number, 3
        self.handed_on: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.handed_on[key] = value


@pytest.fixture
def ti(monkeypatch: pytest.MonkeyPatch) -> Instance:
    instance = Instance()
    monkeypatch.setattr(workplace, "get_current_context", lambda: {"ti": instance})
    return instance


@pytest.fixture
def start(work: Workspace) -> Start:
    return plan.open_run(work, RunRequest("shop", day=day(12)))


def statuses(work: Workspace, start: Start) -> list[str]:
    assert start.run_id is not None
    return [row.status for row in work.ledger.run(start.run_id)]


@pytest.mark.parametrize(
    ("error", "data", "reason"),
    [(DataError("bad rows"), True, "data_refused"), (ValueError("a mistake"), False, "error")],
)
def test_an_error_is_kept_for_the_last_task_and_raised(
    work: Workspace, ti: Instance, error: Exception, data: bool, reason: str
) -> None:
    with pytest.raises(type(error)), opened():
        raise error
    assert ti.handed_on["failure"] == {"sentence": str(error), "data": data, "reason": reason}


def test_a_skip_is_no_failure(work: Workspace, ti: Instance) -> None:
    with pytest.raises(AirflowSkipException), opened():
        raise AirflowSkipException("left out")
    assert ti.handed_on == {}


def test_an_error_that_stays_closes_the_run_with_its_step(work: Workspace, start: Start, ti: Instance) -> None:
    with pytest.raises(RunError), begun_run(start.dump(), "split"):
        raise RunError("no rows are left")
    assert statuses(work, start) == ["started", "failed"]
    assert work.ledger.run(start.run_id or "")[-1].step == "split"


@pytest.mark.parametrize(("try_number", "closed"), [(1, False), (3, False), (4, True)])
def test_an_error_that_may_pass_closes_the_run_at_the_last_try(
    work: Workspace, start: Start, ti: Instance, try_number: int, closed: bool
) -> None:
    ti.try_number = try_number
    with pytest.raises(TransientError), begun_run(start.dump(), "split"):
        raise TransientError("locked")
    assert statuses(work, start) == (["started", "failed"] if closed else ["started"])


def test_one_candidate_does_not_close_the_run(work: Workspace, start: Start, ti: Instance) -> None:
    prepared = records_samples.prepared(start.plan).dump()
    with pytest.raises(RunError), prepared_run(prepared, "train", closes=False):
        raise RunError("does not fit")
    assert statuses(work, start) == ["started"]


def test_a_run_that_is_closed_late_shows_what_was_made_before(work: Workspace, start: Start, ti: Instance) -> None:
    prepared = records_samples.prepared(start.plan)
    with pytest.raises(RunError), prepared_run(prepared.dump(), "evaluate"):
        raise RunError("no model can be read")
    closed = work.ledger.run(start.run_id or "")[-1]
    assert (closed.status, closed.step) == ("failed", "evaluate")
    assert {name: work.store.read_json(digest) for name, digest in closed.parts.items()} == {
        "checks": prepared.checks.dump(),
        "split": prepared.split.dump(),
    }


def test_a_task_without_what_it_rests_on_is_skipped(work: Workspace) -> None:
    with pytest.raises(AirflowSkipException, match="earlier step failed"), prepared_run(None, "evaluate"):
        pass


def test_a_run_is_closed_once(work: Workspace, start: Start) -> None:
    assert start.plan is not None
    for _ in range(2):
        close_failed(work, start.plan, step="split", error=RunError("killed"), parts={})
    assert statuses(work, start) == ["started", "failed"]


def test_a_cleared_task_of_a_skipped_run_is_skipped_again(work: Workspace) -> None:
    skipped = Start(go=False, request_id="r", reason="unchanged", sentence="judged before")
    with pytest.raises(AirflowSkipException, match="judged before"), begun_run(skipped.dump(), "split"):
        pass


def test_a_failure_that_can_not_be_kept_hides_no_error(
    work: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workplace, "get_current_context", lambda: SimpleNamespace())
    with pytest.raises(DataError), opened():
        raise DataError("bad rows")
    assert "failure_not_kept" in caplog.text
