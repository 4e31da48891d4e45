"""The data of the Models page, against a shop with a champion of day 10, a run for the record, and an unseen day."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from given.shop import day, edit_spec, newest_run

from mlsys import clock, pipeline
from mlsys.ledger import ChampionChange, RunRow
from mlsys.orchestration.page import overview
from mlsys.planning.plan import RunRequest
from mlsys.promotion.by_hand import promote_by_hand, roll_back
from mlsys.promotion.decide import refuse
from mlsys.records import Answer, Start
from mlsys.records.monitoring import MonitorReport
from mlsys.store import canonical_json
from mlsys.workspace import Workspace

NOW = datetime(2026, 5, 14, 9, 0, tzinfo=UTC)


def change(generation: int, at: datetime, *, version: str = "1.0.0") -> ChampionChange:
    return ChampionChange(
        pipeline="shop",
        generation=generation,
        candidate_id=f"c{generation}",
        version=version,
        kind="promote",
        cutoff=at,
        run_id=f"r{generation}",
        who="gates",
        reason="",
        at=at,
    )


def decided(work: Workspace, index: int, **request: object) -> Start:
    """Take a run to its decision and no further."""
    start = pipeline.take_snapshot(work, RunRequest("shop", day=day(index), **request))  # type: ignore[arg-type]
    assert start.plan is not None
    assert start.snapshot is not None
    plan, snapshot = start.plan, start.snapshot
    checks = pipeline.validate(work, plan, snapshot)
    prepared = pipeline.split(work, plan, snapshot, checks)
    candidates = pipeline.train_all(work, prepared)
    found = pipeline.evaluate(work, prepared, candidates=candidates)
    pipeline.decide(work, prepared, evaluations=found)
    return start


def test_a_champion_with_its_measurement_age_and_newest_data(work: Workspace) -> None:
    found = overview.glance(work, "shop", at=NOW)
    champion = work.ledger.champion("shop")
    assert found.champion is not None
    assert (found.champion.change, found.champion.until) == (champion, None)
    assert found.measured is not None
    assert found.measured.day == day(10)
    assert found.measured.value == work.ledger.judgements("shop", last=9)[0].evaluations.summary[champion.candidate_id]  # type: ignore[union-attr]
    assert (found.newest_day, found.days_behind, found.age_days) == (day(11), 1, 1)
    assert (found.title, found.higher_is_better) == ("ROC AUC", True)


def test_runs_about_the_past_are_no_part_of_the_curve(work: Workspace) -> None:
    pipeline.run(work, RunRequest("shop", day=day(9), mode="simulate"))
    assert [judged.day for judged in overview.glance(work, "shop", at=NOW).judged] == [day(10)]


def test_a_trial_is_no_decision_about_production(work: Workspace) -> None:
    before = overview.glance(work, "shop", at=NOW)
    decided(work, 12, mode="dry")
    after = overview.glance(work, "shop", at=NOW)
    assert (after.judged, after.measured) == (before.judged, before.measured)


def test_the_decisions_of_a_pipeline_leave_out_the_simulated_ones_alone(work: Workspace) -> None:
    pipeline.run(work, RunRequest("shop", day=day(9), mode="simulate"))
    found = overview.detail(work, "shop", at=NOW)
    assert [(judged.day, judged.mode) for judged in found.decisions] == [(day(10), "live"), (day(11), "train")]


def test_a_promotion_is_marked_with_its_version_and_who_asked(work: Workspace) -> None:
    (judged,) = overview.glance(work, "shop", at=NOW).judged
    assert judged.version == "1.0.0"
    assert judged.asked_by == work.ledger.requests("shop")[0].request_id


def test_the_newest_of_several_requests_for_a_run_is_the_one_that_asked(work: Workspace) -> None:
    decided(work, 12, request_id="retrain_shop/first", approval=True)
    decided(work, 12, request_id="retrain_shop/second", approval=True)
    assert overview.glance(work, "shop", at=NOW).judged[-1].asked_by == "retrain_shop/second"


def test_a_run_that_waits_for_a_person_is_shown_until_there_is_an_answer(work: Workspace, shop: Path) -> None:
    edit_spec(shop / "pipelines", gates=["min_rows"])
    start = decided(work, 12, approval=True)
    waiting = overview.glance(work, "shop", at=NOW).waiting
    assert waiting is not None
    assert waiting.decision.run_id == start.run_id
    work.ledger.add_run("shop", RunRow(run_id=start.run_id or "", training_key=start.plan.training_key, status="done"))  # type: ignore[union-attr]
    assert overview.glance(work, "shop", at=NOW).waiting is not None  # as after `mlsys run --approval`
    refuse(work, waiting.decision, Answer(answer="refused", who="ada"))
    assert overview.glance(work, "shop", at=NOW).waiting is None


def test_a_run_without_approval_waits_for_nobody(work: Workspace, shop: Path) -> None:
    edit_spec(shop / "pipelines", gates=["min_rows"])
    decided(work, 12)
    assert overview.glance(work, "shop", at=NOW).waiting is None


def test_after_a_rollback_the_older_model_is_measured_where_it_was_champion_last(work: Workspace, shop: Path) -> None:
    first = work.ledger.champion("shop")
    edit_spec(shop / "pipelines", gates=["min_rows"])
    pipeline.run(work, RunRequest("shop", day=day(12)))
    roll_back(work, "shop", version=None, reason="for the test")
    found = overview.detail(work, "shop", at=NOW)
    assert found.glance.champion is not None
    assert first is not None
    assert found.glance.champion.change.candidate_id == first.candidate_id
    assert [term.change.version for term in found.terms] == ["1.0.0", "1.1.0", "1.0.0"]
    assert found.glance.measured is not None
    assert found.glance.measured.day == day(12)
    assert [judged.version for judged in found.glance.judged] == ["1.0.0", "1.1.0"]


def test_a_champion_put_in_place_by_hand_is_measured_by_its_own_run(work: Workspace) -> None:
    promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="for the test")
    found = overview.glance(work, "shop", at=NOW)
    assert found.measured is not None
    assert found.measured.day == day(11)


def test_a_decision_is_not_said_to_have_promoted_what_a_person_put_in_place(work: Workspace) -> None:
    promote_by_hand(work, "shop", newest_run(work), candidate=None, reason="for the test")
    found = overview.detail(work, "shop", at=NOW)
    assert [judged.version for judged in found.decisions] == ["1.0.0", None]


def test_a_pipeline_without_any_run_is_empty_and_still_there(work: Workspace, shop: Path) -> None:
    (shop / "pipelines" / "later.yaml").write_text("pipeline: later\n", encoding="utf-8")
    assert overview.pipelines(work) == ["later", "shop"]
    found = overview.glance(work, "later", at=NOW)
    assert (found.champion, found.measured, found.newest_day, found.age_days, found.newest) == (None,) * 5
    assert found.judged == ()


def test_a_pipeline_whose_spec_is_gone_is_still_shown(work: Workspace, shop: Path) -> None:
    (shop / "pipelines" / "shop.yaml").unlink()
    assert overview.pipelines(work) == ["shop"]


def test_a_failed_run_says_where(work: Workspace) -> None:
    start = decided(work, 12)
    row = RunRow(
        run_id=start.run_id or "", training_key="k", status="failed", step="promote", sentence="The disk is full."
    )
    work.ledger.add_run("shop", row)
    newest = overview.glance(work, "shop", at=NOW).newest
    assert newest is not None
    assert (newest.status, newest.step, newest.sentence) == ("failed", "promote", "The disk is full.")


def test_a_skip_says_why(work: Workspace) -> None:
    pipeline.run(work, RunRequest("shop", day=day(10)))
    newest = overview.glance(work, "shop", at=NOW).newest
    assert newest is not None
    assert (newest.status, newest.reason) == ("skipped", "unchanged")


def test_the_newest_monitoring_report_is_shown(work: Workspace) -> None:
    report = MonitorReport(pipeline="shop", day=day(11), state="alarm", sentence="It drifts.")
    folder = work.home / "monitoring" / "shop"
    folder.mkdir(parents=True)
    (folder / f"{day(11)}.json").write_bytes(canonical_json(report.dump()))
    assert overview.glance(work, "shop", at=NOW).monitoring == report


def test_a_damaged_monitoring_report_leaves_the_rest(work: Workspace) -> None:
    folder = work.home / "monitoring" / "shop"
    folder.mkdir(parents=True)
    (folder / f"{day(11)}.json").write_text("{", encoding="utf-8")
    found = overview.glance(work, "shop", at=NOW)
    assert found.monitoring is None
    assert found.champion is not None


def test_the_version_in_mlflow_is_read_from_the_record_of_the_run(work: Workspace) -> None:
    (judged,) = overview.glance(work, "shop", at=NOW).judged
    assert overview.mlflow_version(work, judged) is None  # this shop is in the file registry alone
    _with_version(work, judged, work.store.put_json({"mlflow_version": "7"}))
    assert overview.mlflow_version(work, judged) == "7"


def test_a_lost_record_costs_the_link_alone(work: Workspace) -> None:
    (judged,) = overview.glance(work, "shop", at=NOW).judged
    _with_version(work, judged, "0" * 64)
    assert overview.mlflow_version(work, judged) is None


def _with_version(work: Workspace, judged: overview.Judged, digest: str) -> None:
    row = work.ledger.run(judged.decision.run_id)[-1]
    work.ledger.add_run("shop", row.model_copy(update={"status": "failed", "parts": {"version": digest}}))


def test_terms_follow_each_other_without_a_gap() -> None:
    first, second = NOW, NOW + timedelta(days=2)
    found = overview.terms([change(1, first), change(2, second)])
    assert [(term.since, term.until) for term in found] == [(first, second), (second, None)]
    assert overview.terms([]) == ()


@pytest.mark.parametrize(
    ("offset", "versions"),
    [(-1, []), (0, ["1"]), (1, ["1"]), (2, ["1", "2"]), (3, ["2"]), (400, ["2"])],
)
def test_who_served_on_a_day(offset: int, versions: list[str]) -> None:
    served = overview.terms([change(1, NOW, version="1"), change(2, NOW + timedelta(days=2), version="2")])
    on = NOW.date() + timedelta(days=offset)
    assert [term.change.version for term in overview.served_on(served, on)] == versions


def test_who_left_at_midnight_did_not_serve_on_the_day_that_began() -> None:
    midnight = clock.cutoff_of(NOW.date())
    served = overview.terms([change(1, NOW, version="1"), change(2, midnight, version="2")])
    assert [term.change.version for term in overview.served_on(served, midnight.date())] == ["2"]


def test_a_page_loads_no_library_that_trains(shop: Path) -> None:
    # The api-server would keep their memory for ever.
    script = """
import sys
from mlsys.orchestration.page import overview, rendering as overview_page
from mlsys.orchestration.page.addresses import Places
from mlsys.workspace import open_workspace
with open_workspace() as work:
    detail = overview.detail(work, "shop")
    page = overview_page.pipeline_page(work, detail, overview_page.May(), Places("", "/mlsys"), on=None)
assert "1.0.0" in page
heavy = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "xgboost", "mlflow", "great_expectations", "airflow"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
