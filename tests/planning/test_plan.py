"""The beginning of a run: one request, one answer, and a run that goes on where it stood."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from given.shop import day, edit_spec, make_shop

from mlsys.errors import DataError, SpecError, UsageError
from mlsys.ledger import RunRow
from mlsys.planning.plan import RunRequest, open_run
from mlsys.workspace import Workspace, open_workspace


@pytest.fixture
def work(home, monkeypatch) -> Iterator[Workspace]:
    monkeypatch.setenv("MLSYS_PIPELINES", str(home / "pipelines"))
    make_shop(home, home / "pipelines", days=3)
    with open_workspace() as opened:
        yield opened


def statuses(work: Workspace, run_id: str) -> list[str]:
    return [row.status for row in work.ledger.run(run_id)]


def test_the_plan_says_what_the_run_will_do(work) -> None:
    start = open_run(work, RunRequest("shop", overrides=("models.0.C=0.5",), reason="a try"))
    assert start.go
    plan = work.ledger.plan(start.run_id)
    assert plan == start.plan
    assert (plan.day, plan.day_source, plan.mode, plan.reason) == (day(2), "newest", "live", "a try")
    assert plan.overrides == ("models.0.C=0.5",)
    assert work.spec_of(plan).models[0].C == 0.5
    assert (start.snapshot.n_rows, start.arrivals.n_partitions) == (240, 3)
    assert statuses(work, start.run_id) == ["started"]


@pytest.mark.slow
def test_addresses_are_kept_with_the_run_and_change_nothing_else(work) -> None:
    pages = {"airflow": "https://a.example/dags/retrain_shop/runs/r"}
    start = open_run(work, RunRequest("shop", pages=pages))
    (row,) = work.ledger.run(start.run_id)
    assert work.store.read_json(row.parts["pages"]) == pages
    plain = open_run(work, RunRequest("shop"))
    assert (plain.run_id, plain.plan.training_key) == (start.run_id, start.plan.training_key)


@pytest.mark.slow
def test_an_address_with_a_password_is_not_kept(work, monkeypatch) -> None:
    for told, kept in (("http://me:secret@m.example", False), ("http://m.example", True)):
        monkeypatch.setenv("MLSYS_MLFLOW_PAGE", told)
        with open_workspace() as other:
            start = open_run(other, RunRequest("shop", overrides=(f"training.seed={int(kept)}",)))
            assert ("pages" in other.ledger.run(start.run_id)[0].parts) is kept


def test_the_same_request_gets_the_same_answer_and_writes_nothing(work) -> None:
    request = RunRequest("shop", request_id="manual__1")
    first = open_run(work, request)
    rows = work.ledger.verify("shop")
    assert open_run(work, request) == first
    assert work.ledger.verify("shop") == rows


@pytest.mark.slow
def test_the_same_skip_is_written_once_and_ends_when_data_comes(work) -> None:
    request = RunRequest("shop", day=day(9), request_id="manual__1")
    first = open_run(work, request)
    assert (first.go, first.reason) == (False, "no_data_for_day")
    rows = work.ledger.verify("shop")
    assert open_run(work, request) == first
    assert work.ledger.verify("shop") == rows
    make_shop(work.home, work.home / "pipelines", days=10)
    assert open_run(work, request).go
    assert [row.status for row in work.ledger.requests("shop")] == ["skipped", "accepted"]


@pytest.mark.slow
def test_another_request_goes_on_with_a_run_that_never_ended(work) -> None:
    first = open_run(work, RunRequest("shop"))
    second = open_run(work, RunRequest("shop"))
    assert (second.run_id, second.plan, second.snapshot) == (first.run_id, first.plan, first.snapshot)
    assert [row.status for row in work.ledger.requests("shop")] == ["accepted", "accepted"]
    assert statuses(work, first.run_id) == ["started"]


@pytest.mark.slow
def test_a_failed_run_is_started_again(work) -> None:
    first = open_run(work, RunRequest("shop"))
    key = first.plan.training_key
    work.ledger.add_run("shop", RunRow(run_id=first.run_id, training_key=key, status="failed", step="train"))
    assert open_run(work, RunRequest("shop")).go
    assert statuses(work, first.run_id) == ["started", "failed", "started"]


@pytest.mark.slow
def test_another_mode_is_another_run_on_the_same_key(work) -> None:
    live = open_run(work, RunRequest("shop"))
    dry = open_run(work, RunRequest("shop", mode="dry"))
    assert dry.run_id == f"{live.run_id}-dry"
    assert dry.plan.training_key == live.plan.training_key


@pytest.mark.slow
def test_a_changed_spec_is_another_run_on_the_same_snapshot(work) -> None:
    before = open_run(work, RunRequest("shop"))
    edit_spec(work.home / "pipelines", training={"seed": 7})
    after = open_run(work, RunRequest("shop"))
    assert after.run_id != before.run_id
    assert after.snapshot.fingerprint == before.snapshot.fingerprint
    assert work.spec_of(before.plan).training.seed == 42


@pytest.mark.slow
def test_late_rows_are_another_run_of_the_same_day(work) -> None:
    import sqlite3

    before = open_run(work, RunRequest("shop"))
    with sqlite3.connect(work.home / "shop.db") as connection:
        connection.execute(f"INSERT INTO orders VALUES (9999, '{day(1)} 10:00:00', 10.0, 1, 'web', 'false', 'no')")
    connection.close()
    after = open_run(work, RunRequest("shop"))
    assert after.run_id != before.run_id
    assert (after.snapshot.n_rows, after.arrivals.days) == (241, (day(1),))


@pytest.mark.slow
def test_a_past_day_sees_only_its_past(work) -> None:
    open_run(work, RunRequest("shop"))
    past = open_run(work, RunRequest("shop", day=str(day(0))))
    assert (past.snapshot.n_rows, past.arrivals.n_partitions) == (80, 0)
    assert past.plan.day_source == "parameter"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"day": "2026-5-1"}, UsageError),
        ({"day": day(0), "partition_key": str(day(1))}, UsageError),
        ({"overrides": ("models.0.n=1",)}, SpecError),
        ({"overrides": ('checks.rules.0={"kind": "matches", "column": "n_items", "regex": "x"}',)}, SpecError),
        ({"overrides": ("source.table=nowhere",)}, DataError),
    ],
)
def test_a_refused_request_leaves_no_trace(work, fields, error) -> None:
    with pytest.raises(error):
        open_run(work, RunRequest("shop", **fields))
    assert work.ledger.verify("shop") == 0
    assert not work.settings.store.exists()


@pytest.mark.parametrize(
    ("asked", "run_type", "mode"),
    [
        ("auto", "manual", "live"),
        ("auto", "scheduled", "live"),
        ("auto", "backfill", "simulate"),
        ("train", "backfill", "train"),
        ("dry", "manual", "dry"),
    ],
)
def test_the_mode_follows_from_the_kind_of_run(work, asked, run_type, mode) -> None:
    start = open_run(work, RunRequest("shop", mode=asked, run_type=run_type, partition_key=str(day(2))))
    assert start.plan.mode == mode


@pytest.mark.parametrize("mode", ["live", "dry"])
def test_a_backfill_never_asks_for_a_promotion(work, mode) -> None:
    with pytest.raises(UsageError, match="simulates, or trains for the record"):
        open_run(work, RunRequest("shop", mode=mode, run_type="backfill", partition_key=str(day(2))))
    assert work.ledger.requests("shop") == []


@pytest.mark.slow
def test_some_candidates_alone(work) -> None:
    start = open_run(work, RunRequest("shop", candidates=("logistic",)))
    spec = work.spec_of(start.plan)
    assert [model.label for model in spec.models] == ["logistic"]
    assert start.run_id != open_run(work, RunRequest("shop")).run_id
    assert work.dumped_spec(start.plan)["origins"]["models.0.kind"] == "run parameter"


@pytest.mark.parametrize(
    ("names", "message"), [(("logistik",), "Did you mean 'logistic'"), (("prior",), "Only a sanity line is left")]
)
def test_a_wrong_choice_of_candidates_is_refused(work, names, message) -> None:
    with pytest.raises(UsageError, match=message):
        open_run(work, RunRequest("shop", candidates=names))


def test_every_value_in_force_is_logged_with_its_source(work, caplog) -> None:
    caplog.set_level("INFO", logger="mlsys")
    open_run(work, RunRequest("shop", day=day(2), overrides=("models.0.C=0.5",), approval=True))
    for line in (
        f"effective parameter=day value={day(2)} source=parameter",
        "effective parameter=mode value=live source='run parameter'",
        "effective parameter=approval value=True source='run parameter'",
        "effective spec_key=models.0.C value=0.5 source='run parameter'",
    ):
        assert line in caplog.text
