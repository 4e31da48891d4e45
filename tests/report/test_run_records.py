"""Cards written from a ledger on SQLite, its rows put there as the steps of a run do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from given import records_samples
from given.shop import SPEC

from mlsys import pipeline
from mlsys.errors import DataError, RunError, UsageError
from mlsys.ledger import ChampionChange, RunRow
from mlsys.records import Candidate, CheckReport, Plan
from mlsys.report.run_records import card_path, write_card
from mlsys.spec import resolve
from mlsys.workspace import Workspace, open_workspace


@pytest.fixture
def work(home: Path) -> Iterator[Workspace]:
    with open_workspace() as opened:
        yield opened


@pytest.fixture
def plan(work: Workspace) -> Plan:
    """A run that has begun."""
    path = work.home / "shop.yaml"
    path.write_text(SPEC, encoding="utf-8")
    spec = work.store.put_json(resolve(path).dump())
    begun = records_samples.plan().model_copy(update={"pipeline": "shop", "run_id": "shop-1", "spec": spec})
    begin(work, begun)
    return begun


def begin(work: Workspace, plan: Plan, *, pages: dict[str, str] | None = None) -> None:
    parts = {"environment": work.store.put_json({"versions": {"python": "3.12.1"}, "code": "c" * 64})}
    if pages:
        parts["pages"] = work.store.put_json(pages)
    row = RunRow(
        run_id=plan.run_id,
        training_key=plan.training_key,
        status="started",
        plan=plan,
        snapshot=records_samples.snapshot(),
        parts=parts,
    )
    work.ledger.add_run(plan.pipeline, row)


def train(work: Workspace, plan: Plan, *, failed: tuple[str, ...] = ()) -> None:
    for candidate in records_samples.candidates(failed=failed):
        if candidate.name in ("logistic", "prior"):
            work.ledger.add_candidate(plan.pipeline, plan.run_id, candidate)


def decide(work: Workspace, plan: Plan) -> None:
    made = records_samples.card(work.store)
    assert made.evaluations is not None
    assert made.decision is not None
    decision = made.decision.model_copy(update={"run_id": plan.run_id})
    work.ledger.add_decision(plan.pipeline, made.evaluations, decision)


def settle(work: Workspace, plan: Plan) -> None:
    version = records_samples.model_version("promote")
    pipeline.settle(work, records_samples.prepared(plan), version)


def fail(work: Workspace, plan: Plan, step: str, *, checks: CheckReport | None = None) -> None:
    error = DataError("The data was refused", where="shop") if checks else RunError("It broke")
    pipeline.record_failure(work, plan, step=step, error=error, parts={"checks": checks} if checks else {})


def crown(work: Workspace, plan: Plan) -> ChampionChange:
    decision = records_samples.decision("promote")
    assert decision.challenger is not None
    return work.ledger.change_champion(
        ChampionChange(
            pipeline=plan.pipeline,
            generation=1,
            candidate_id=decision.challenger,
            version="1.0.0",
            kind="promote",
            cutoff=plan.cutoff,
            run_id=plan.run_id,
            decision_key=decision.decision_key,
            who="gates",
            reason="It is better",
        )
    )


def card(work: Workspace, plan: Plan) -> str:
    return card_path(work, plan.run_id).read_text(encoding="utf-8")


def parts(html: str) -> list[str]:
    return [text.split('"')[0] for text in html.split('<section id="')[1:]]


@pytest.mark.slow
def test_a_decided_run_has_all_its_parts(work: Workspace, plan: Plan) -> None:
    train(work, plan)
    decide(work, plan)
    settle(work, plan)
    html = card(work, plan)
    assert "</span>Promoted</h1>" in html
    assert parts(html) == ["gates", "models", "curves", "data", "checks", "candidates", "use", "spec", "replay"]


@pytest.mark.slow
def test_the_card_knows_the_version_that_the_ledger_gave(work: Workspace, plan: Plan) -> None:
    train(work, plan)
    decide(work, plan)
    crown(work, plan)
    settle(work, plan)
    assert "<em>1.0.7</em>" in card(work, plan)  # as the run itself recorded
    later = plan.model_copy(update={"run_id": "shop-2", "champion": records_samples.decision("promote").challenger})
    begin(work, later)
    fail(work, later, "train")
    assert card(work, later).count("<em>1.0.0</em>") == 2  # before and after


@pytest.mark.slow
def test_addresses_come_from_the_records_of_the_run(work: Workspace, plan: Plan) -> None:
    plan = plan.model_copy(update={"run_id": "shop-9"})
    begin(work, plan, pages={"airflow": "https://a.example/dags/retrain_shop/runs/r", "mlflow": "https://m.example"})
    train(work, plan)
    decide(work, plan)
    settle(work, plan)
    html = card(work, plan)
    assert 'href="https://a.example/dags/retrain_shop/runs/r"' in html
    assert 'href="https://m.example/#/models/shop/versions/12"' in html


def test_the_card_lies_below_home_and_is_the_same_when_written_again(work: Workspace, plan: Plan) -> None:
    fail(work, plan, "train")
    path = card_path(work, plan.run_id)
    data = path.read_bytes()
    path.unlink()
    assert path == work.home / "reports" / "shop" / "shop-1.html"
    assert card_path(work, plan.run_id).read_bytes() == data


def test_refused_data_shows_the_stored_checks(work: Workspace, plan: Plan) -> None:
    fail(work, plan, "validate", checks=records_samples.refused_checks())
    html = card(work, plan)
    assert "</span>Failed</h1>" in html
    assert "shop: The data was refused." in html
    assert "31 of 178 rows have no value." in html
    assert parts(html) == ["checks", "data", "spec", "replay"]


def test_a_failed_training_shows_the_candidates_of_the_ledger(work: Workspace, plan: Plan) -> None:
    train(work, plan, failed=("logistic", "prior"))
    fail(work, plan, "train")
    html = card(work, plan)
    assert html.count("The fit ran into its time limit of 1h.") == 2
    assert "Done before, but not kept: checks, split. " not in html
    assert "Not reached: evaluation, gates, promotion. Done before, but not kept: checks, split." in html


def test_candidates_stand_in_the_specs_order_and_may_be_another_runs(work: Workspace, plan: Plan) -> None:
    adopted = plan.model_copy(update={"run_id": "shop-1-dry", "mode": "dry"})
    for name in ("prior", "logistic"):
        found = Candidate(candidate_id=Candidate.id_of(plan.training_key, name), name=name, kind=name, status="fitted")
        work.ledger.add_candidate(plan.pipeline, plan.run_id, found)
    begin(work, adopted)
    fail(work, adopted, "evaluate")
    html = card(work, adopted)
    assert 0 < html.index("<h3>logistic") < html.index("<h3>prior")


def test_a_run_that_is_not_over_says_so(work: Workspace, plan: Plan) -> None:
    html = card(work, plan)
    assert "</span>Unfinished</h1>" in html
    assert parts(html) == ["data", "spec", "replay"]


def test_a_run_that_failed_and_was_begun_again_has_not_failed(work: Workspace, plan: Plan) -> None:
    fail(work, plan, "validate", checks=records_samples.refused_checks())
    begin(work, plan)
    html = card(work, plan)
    assert "</span>Unfinished</h1>" in html
    assert "31 of 178" not in html


@pytest.mark.slow
def test_a_decision_of_an_earlier_attempt_is_not_shown(work: Workspace, plan: Plan) -> None:
    decide(work, plan)
    settle(work, plan)
    begin(work, plan)
    assert "gates" not in parts(card(work, plan))
    fail(work, plan, "evaluate")
    assert "gates" not in parts(card(work, plan))


@pytest.mark.slow
def test_a_failed_report_step_keeps_what_was_settled(work: Workspace, plan: Plan) -> None:
    decide(work, plan)
    settle(work, plan)
    fail(work, plan, "report")
    html = card(work, plan)
    assert "The run broke off after its promotion: the new champion serves." in html
    assert {"gates", "checks"} < set(parts(html))


@pytest.mark.slow
def test_a_failure_behind_the_promotion_names_the_new_champion(work: Workspace, plan: Plan) -> None:
    decide(work, plan)
    change = crown(work, plan)
    fail(work, plan, "promote")
    html = card(work, plan)
    assert "The run broke off after its promotion: the new champion serves." in html
    assert f"<code>{change.candidate_id}</code>" in html.split("Champion after")[1]


@pytest.mark.slow
def test_a_failure_before_the_promotion_leaves_the_champion(work: Workspace, plan: Plan) -> None:
    decide(work, plan)
    fail(work, plan, "promote")
    assert "The run broke off; the champion stays." in card(work, plan)


def test_an_unknown_run_is_a_usage_error_with_a_near_match(work: Workspace, plan: Plan) -> None:
    with pytest.raises(UsageError, match="Did you mean 'shop-1'"):
        write_card(work, "shop-11")
    assert not (work.home / "reports").exists()


def test_without_any_run_the_error_says_so(work: Workspace) -> None:
    with pytest.raises(UsageError, match="No run was started yet"):
        card_path(work, "shop-1")
