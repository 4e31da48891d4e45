"""How pipelines stand: the night that failed, the run that waits, and the schedule that nobody keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from given.shop import day, edit_spec

from mlsys import clock, pipeline
from mlsys.errors import DataError
from mlsys.planning.plan import RunRequest
from mlsys.planning.refused import record_refused
from mlsys.records import Start
from mlsys.upkeep.standing import standing, standings
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


def decided(work: Workspace, index: int, **request: object) -> Start:
    """Take a run to its decision and no further."""
    start = pipeline.take_snapshot(work, RunRequest("shop", day=day(index), **request))  # type: ignore[arg-type]
    assert start.plan is not None
    assert start.snapshot is not None
    checks = pipeline.validate(work, start.plan, start.snapshot)
    prepared = pipeline.split(work, start.plan, start.snapshot, checks)
    found = pipeline.evaluate(work, prepared, candidates=pipeline.train_all(work, prepared))
    pipeline.decide(work, prepared, evaluations=found)
    return start


def test_a_promotion_is_fine_and_says_who_serves(work: Workspace) -> None:
    found = standing(work, "shop")
    assert (found.state, found.todo) == ("fine", "")
    assert f"about {day(10)}: promote: " in found.happened
    assert found.meaning == f"1.0.0 serves (logistic, data up to {day(10)})."


def test_a_refused_night_is_a_failure_with_its_card(work: Workspace) -> None:
    asked = RunRequest(
        "shop", partition_key=str(day(12)), request_id="retrain_shop/s1", asked_by="airflow retrain_shop"
    )
    record_refused(work, asked, reason="data_refused", sentence="No such file.")
    found = standing(work, "shop")
    assert found.state == "failed"
    assert "failed before its run was begun: No such file." in found.happened
    assert "mlsys report retrain_shop/s1" in found.todo


def test_a_run_that_failed_on_the_way_names_its_step(work: Workspace) -> None:
    start = decided(work, 12)
    assert start.plan is not None
    pipeline.record_failure(work, start.plan, step="promote", error=DataError("the disk is full"), parts={})
    found = standing(work, "shop")
    assert found.state == "failed"
    assert "failed in promote: the disk is full." in found.happened


def test_a_run_that_waits_says_since_when_and_how_to_answer(work: Workspace, shop: Path) -> None:
    edit_spec(shop / "pipelines", gates=["min_rows"])
    start = decided(work, 12, approval=True)
    found = standing(work, "shop")
    assert found.state == "waits"
    assert "waits for a person since 20" in found.happened
    assert ", until about 20" in found.happened
    assert f"mlsys promote shop {start.run_id}" in found.todo


def test_trials_say_nothing_about_the_night(work: Workspace) -> None:
    before = standing(work, "shop")
    decided(work, 12, mode="dry")
    after = standing(work, "shop")
    assert (after.request, after.state, after.happened) == (before.request, before.state, before.happened)
    assert after.measured == before.measured


def test_a_slip_at_a_terminal_is_no_failed_night(work: Workspace) -> None:
    before = standing(work, "shop")
    for reason in ("wrong_spec", "wrong_request"):
        record_refused(work, RunRequest("shop", request_id=reason), reason=reason, sentence="--set: no such key.")
    assert standing(work, "shop") == before
    record_refused(work, RunRequest("shop", request_id="gone"), reason="data_refused", sentence="No such file.")
    assert standing(work, "shop").state == "failed"


def test_a_backfill_does_not_hide_the_night(work: Workspace) -> None:
    before = standing(work, "shop")
    for number in range(25):
        asked = RunRequest("shop", day=day(11), mode="simulate", request_id=f"b{number}")
        record_refused(work, asked, reason="error", sentence="a simulated day")
    assert standing(work, "shop") == before


def test_two_missed_nights_are_seen(work: Workspace, shop: Path) -> None:
    request = RunRequest("shop", day=day(10), request_id="retrain_shop/s2", asked_by="airflow retrain_shop")
    pipeline.take_snapshot(work, request)
    assert standing(work, "shop").state == "fine"
    late = clock.now() + timedelta(days=3)
    found = standing(work, "shop", at=late)
    assert found.state == "behind"
    assert "mlsys status" in found.todo
    edit_spec(shop / "pipelines", gates=["min_rows", {"kind": "freshness", "max_age": "1d"}])
    assert standing(work, "shop", at=late).state == "behind"  # which is why the data are old
    edit_spec(shop / "pipelines", gates=["min_rows"], schedule={"enabled": False})
    assert standing(work, "shop", at=late).state == "fine"


def test_the_worst_stand_first(work: Workspace, shop: Path) -> None:
    text = (shop / "pipelines" / "shop.yaml").read_text()
    (shop / "pipelines" / "a_new_one.yaml").write_text(text.replace("pipeline: shop", "pipeline: a_new_one"))
    (shop / "pipelines" / "z_broken.yaml").write_text("pipeline: z_broken\n")
    found = standings(work, at=datetime.now(UTC))
    assert [(one.pipeline, one.state) for one in found] == [
        ("z_broken", "failed"),
        ("a_new_one", "never ran"),
        ("shop", "fine"),
    ]
    assert "mlsys check z_broken" in found[0].todo
    assert "mlsys run a_new_one" in found[1].todo


def test_a_pipeline_whose_spec_was_removed_needs_nobody(work: Workspace, shop: Path) -> None:
    (shop / "pipelines" / "shop.yaml").unlink()
    found = standing(work, "shop")
    assert (found.state, found.todo) == ("retired", "")


def test_a_champion_below_a_minimum_of_its_own_spec_is_weak(work: Workspace, shop: Path) -> None:
    edit_spec(shop / "pipelines", gates=["min_rows", {"kind": "minimum", "metric": "roc_auc", "at_least": 0.99}])
    found = standing(work, "shop")
    assert found.state == "weak"
    assert f"on the holdout rows up to {day(10)}; the spec wants at least 0.99. " in found.happened
    assert f"about {day(10)}: promote" in found.happened
    assert "mlsys report" in found.todo


def test_a_minimum_on_another_metric_than_the_primary_counts_as_well(work: Workspace, shop: Path) -> None:
    edit_spec(shop / "pipelines", gates=["min_rows", {"kind": "minimum", "metric": "log_loss", "at_most": 0.001}])
    found = standing(work, "shop")
    assert found.state == "weak"
    assert "The champion's log_loss is " in found.happened


def test_the_champion_is_judged_by_its_newest_measurement_and_not_by_the_challengers(
    work: Workspace, shop: Path
) -> None:
    edit_spec(shop / "pipelines", gates=[{"kind": "minimum", "metric": "roc_auc", "at_least": 0.999}, "min_rows"])
    decided(work, 11)
    found = standing(work, "shop")
    assert found.measured is not None
    assert (found.measured.day, found.measured.model_id) == (day(11), work.ledger.champion("shop").candidate_id)  # type: ignore[union-attr]


def test_data_that_no_longer_come_are_stale(work: Workspace, shop: Path) -> None:
    edit_spec(shop / "pipelines", gates=["min_rows", {"kind": "freshness", "max_age": "3d"}])
    complete = clock.cutoff_of(day(11))  # nothing after day 11 was read
    assert standing(work, "shop", at=complete + timedelta(days=4)).state == "fine"
    found = standing(work, "shop", at=complete + timedelta(days=9))
    assert found.state == "stale"
    assert found.happened.startswith(
        f"The newest data are of {day(11)}, 10 days ago; the freshness gate allows 3 days. "
    )
    assert "mlsys check shop" in found.todo


def test_without_a_freshness_gate_no_data_are_stale(work: Workspace) -> None:
    assert standing(work, "shop").state == "fine"
