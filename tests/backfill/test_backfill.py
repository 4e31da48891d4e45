"""Backfills of the shop: every day is accounted for, order leaves no trace, and the champion stays whatever happens."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from given.shop import day, edit_spec, enter, enter_copy, make_shop, promoted_shop
from mlflow import MlflowClient

from mlsys import pipeline
from mlsys.backfill.backfill import Backfilled, backfill
from mlsys.errors import UsageError
from mlsys.planning.plan import RunRequest
from mlsys.records import MEASURED, Record
from mlsys.registries.mlflow_content import CANDIDATE_TAG
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow

FIRST, LAST = 7, 12
GAP = 47
PARTS = ("checks", "split", "environment")


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose shop has a champion of day 8, made by a live run, and data up to day 12."""
    return promoted_shop(tmp_path_factory.mktemp("promoted") / "home", days=LAST + 1, index=8)


@pytest.fixture
def another(promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make a copy of the promoted home the home of this process."""

    return lambda name: enter_copy(promoted, tmp_path / name, monkeypatch)


class Heard:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.begun: list[date] = []
        self.ended: list[date] = []

    def begin(self, days: Any) -> None:
        self.begun = list(days)

    def end(self, outcome: Any) -> None:
        self.ended.append(outcome.day)


def run_days(work: Workspace, first: int = FIRST, last: int = LAST, **options: Any) -> Backfilled:
    return backfill(work, "shop", first=day(first), last=day(last), **options)


def spoil(home: Path, index: int) -> None:
    """Make a tenth of a day's rows break a critical check."""
    update(home, "UPDATE orders SET basket_value = -1 WHERE order_no % 10 = 0 AND date(placed_at) = ?", day(index))


def update(home: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        connection.execute(statement, [str(value) for value in values])


def records_of(work: Workspace, mode: str) -> dict[str, Any]:
    """Return what the runs of a mode recorded, less what is measured; digests stand for the bytes of stored files."""
    found: dict[str, Any] = {}
    for row in work.ledger.runs("shop"):
        if row.plan is not None and row.snapshot is not None and row.plan.mode == mode:
            run_id, key = row.run_id, row.training_key
            decisions = work.ledger.decisions("shop", of={run_id})
            judged = work.ledger.decision(decisions[-1].decision_key)
            assert judged is not None
            parts = {name: digest for r in work.ledger.run(run_id) for name, digest in r.parts.items()}
            found[run_id] = {
                "plan": without(row.plan, {"request_id"}),
                "snapshot": row.snapshot.dump(),
                "parts": {name: parts[name] for name in PARTS},
                "candidates": [without(candidate, MEASURED) for candidate in work.ledger.candidates(key)],
                "evaluations": judged[0].dump(),
                "decisions": [decision.dump() for decision in decisions],
            }
    return dict(sorted(found.items()))


def _mlflow(work: Workspace) -> MlflowClient:
    return MlflowClient(work.place.tracking_uri, registry_uri=work.place.tracking_uri)


def without(record: Record, names: set[str] | frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in record.dump().items() if name not in names}


ORDERS: dict[str, dict[str, Any]] = {
    "forwards": {},
    "backwards": {"backwards": True},
    "two_wide": {"parallel": 2},
}


@pytest.mark.parametrize("mode", ["simulate", pytest.param("train", marks=pytest.mark.long)])
def test_order_and_width_leave_no_trace(another: Callable[[str], Path], mode: Any) -> None:
    found = []
    for name, options in ORDERS.items():
        home = another(name)
        with open_workspace() as work:
            before = work.ledger.champion_changes("shop")
            done = run_days(work, first=10, mode=mode, **options)
            assert done.counts == {"done": 3}
            assert work.ledger.champion_changes("shop") == before
            assert work.ledger.verify("shop")
            reports = {path.name: path.read_bytes() for path in (home / "reports" / "shop").glob("walk-forward.*")}
            found.append((records_of(work, mode), reports))
    assert len(found[0][0]) == 3
    assert set(found[0][1]) == ({"walk-forward.html", "walk-forward.json"} if mode == "simulate" else set())
    assert found[0] == found[1] == found[2]


def test_each_trained_day_is_registered_once_and_no_simulated_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    make_shop(home, home / "pipelines", days=9)
    edit_spec(home / "pipelines", registries=["mlflow"])
    enter(home, monkeypatch)
    with open_workspace() as work:
        # The home has no run yet: the first two decide side by side, and nothing says what is shown already.
        trained = run_days(work, 6, 8, mode="train", parallel=2)
        run_days(work, 6, 8, parallel=2)
        challengers = [decision.challenger for decision in work.ledger.decisions("shop")]
        versions = _mlflow(work).search_model_versions("name = 'shop'")
        assert work.ledger.champion("shop") is None
    assert trained.counts == {"done": 3}
    assert len(challengers) == 6  # the simulated runs share the candidates of the trained ones
    assert sorted(version.tags[CANDIDATE_TAG] for version in versions) == sorted(set(challengers))


def test_backwards_begins_with_the_newest_day(another: Callable[[str], Path]) -> None:
    another("home")
    heard = Heard()
    with open_workspace() as work:
        run_days(work, first=10, backwards=True, listener=heard)
    assert heard.begun == heard.ended == [day(12), day(11), day(10)]


@pytest.mark.long
def test_partitions_read_long_ago_are_the_same_in_any_order(another: Callable[[str], Path]) -> None:
    found = []
    for name, backwards in (("forwards", False), ("backwards", True)):
        home = another(name)
        # Day 6 was read by the live run of day 8 and changed since; the window of day 7 reaches it, not that of day 12.
        update(home, "UPDATE orders SET gift = 'true' WHERE date(placed_at) = ?", day(6))
        with open_workspace() as work:
            run_days(work, backwards=backwards)
            found.append({run_id: run["snapshot"] for run_id, run in records_of(work, "simulate").items()})
    assert found[0] == found[1]


def test_a_gap_in_the_data_neither_loses_nor_doubles_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    make_shop(home, home / "pipelines", days=LAST + 1)
    edit_spec(home / "pipelines", split={"kind": "hash"}, registries=[])
    update(home, f"UPDATE orders SET placed_at = datetime(placed_at, '-{GAP} days') WHERE date(placed_at) <= ?", day(9))
    enter(home, monkeypatch)
    before, after = [day(8) - timedelta(GAP), day(9) - timedelta(GAP)], [day(10), day(11)]
    with open_workspace() as work:
        done = backfill(work, "shop", first=before[0], last=after[-1], parallel=2)
        plans = [row.plan for row in work.ledger.runs("shop") if row.plan and row.plan.mode == "simulate"]
        asked = [row.day for row in work.ledger.requests("shop") if row.mode == "simulate"]
    assert done.counts == {"done": 4, "no_data": GAP}
    assert [outcome.day for outcome in done.days] == [before[0] + timedelta(n) for n in range(GAP + 4)]
    assert sorted(plan.day for plan in plans) == [*before, *after]
    assert len(asked) == len(set(asked)) == GAP + 4
    assert done.report is not None
    assert (done.report.n_days, done.report.n_missing) == (4, GAP)


def test_a_failed_day_is_named_and_the_others_go_on(another: Callable[[str], Path]) -> None:
    spoil(another("home"), 9)
    with open_workspace() as work:
        done = run_days(work, first=8, last=10)
    assert [outcome.status for outcome in done.days] == ["done", "failed", "done"]
    assert done.failed[0].day == day(9)
    assert "basket_value" in done.failed[0].sentence
    assert done.exit_code == 3
    assert done.report is not None
    assert done.report.n_missing == 1


def test_a_killed_day_is_named_and_the_others_go_on(
    another: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    another("home")
    whole = pipeline.run

    def killed(work: Workspace, request: RunRequest) -> Any:
        if request.partition_key == str(day(8)):
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(work, request)

    with open_workspace() as work:
        with monkeypatch.context() as patched:
            patched.setattr(pipeline, "run", killed)
            done = run_days(work, first=7, last=9)
        again = run_days(work, first=7, last=9)
    assert [outcome.status for outcome in done.days] == ["done", "failed", "done"]
    assert done.exit_code == 4
    assert done.failed[0].sentence.startswith("Its process ended by signal 9 (SIGKILL), as the system ends a process")
    assert [outcome.status for outcome in again.days] == ["left", "done", "left"]


@pytest.mark.parametrize(
    "ended_by",
    [pytest.param(signal.SIGINT, id="ctrl_c"), pytest.param(signal.SIGTERM, id="terminate", marks=pytest.mark.long)],
)
def test_an_interrupted_backfill_leaves_no_process_and_the_next_one_finishes_it(
    another: Callable[[str], Path], ended_by: signal.Signals
) -> None:
    another("home")
    command = [sys.executable, "-m", "mlsys", "backfill", "shop", "--from", str(day(9)), "--to", str(day(11))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stderr is not None
        assert any("step name=split" in line for line in process.stderr)
        # A terminal tells the whole group, who terminates a program that alone.
        os.killpg(process.pid, ended_by) if ended_by is signal.SIGINT else process.terminate()
        process.stderr.read()  # to the end: every process that could still write has ended
    assert process.returncode == 130
    with open_workspace() as work:
        assert work.ledger.verify("shop")
        done = run_days(work, first=9, last=11)
    assert set(done.counts) <= {"done", "left"}
    assert sum(done.counts.values()) == 3


def test_reprocess_runs_again_what_airflow_s_words_say(another: Callable[[str], Path]) -> None:
    home = another("home")
    spoil(home, 9)

    def statuses(**options: Any) -> list[str]:
        return [outcome.status for outcome in run_days(work, first=9, last=10, **options).days]

    with open_workspace() as work:
        assert statuses() == ["failed", "done"]
        assert statuses(reprocess="none") == ["left", "left"]
        assert statuses(reprocess="failed") == ["failed", "left"]
        rows = len(work.ledger.decisions("shop"))
        assert statuses(reprocess="completed") == ["failed", "unchanged"]
        assert len(work.ledger.decisions("shop")) == rows
        update(home, "UPDATE orders SET basket_value = 30.0 WHERE basket_value < 0")
        assert statuses(reprocess="failed") == ["done", "left"]
        assert statuses(reprocess="completed") == ["unchanged", "done"]  # day 9's rows differ now


def test_another_spec_is_another_backfill(another: Callable[[str], Path]) -> None:
    home = another("home")
    with open_workspace() as work:
        run_days(work, first=8, last=9)
        edit_spec(home / "pipelines", training={"seed": 7})
        done = run_days(work, first=9, last=9)
    assert done.counts == {"done": 1}


def test_without_a_single_model_there_is_no_report(another: Callable[[str], Path]) -> None:
    another("home")
    with open_workspace() as work:
        done = run_days(work, first=2, last=3)  # too few days to train, choose and judge on
    assert done.counts == {"failed": 2}
    assert done.report is None


def test_an_empty_range_is_refused(another: Callable[[str], Path]) -> None:
    another("home")
    with open_workspace() as work:
        rows = work.ledger.verify("shop")
        with pytest.raises(UsageError, match="ends before it begins"):
            run_days(work, first=9, last=8)
        assert work.ledger.verify("shop") == rows


def test_a_source_without_time_has_no_past(another: Callable[[str], Path]) -> None:
    home = another("home")
    source = {"kind": "sql", "url": "sqlite:///${MLSYS_HOME}/shop.db", "table": "orders"}
    edit_spec(home / "pipelines", source=source, split={"kind": "hash"})
    with open_workspace() as work, pytest.raises(UsageError, match="has no past"):
        run_days(work)
