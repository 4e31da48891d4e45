"""Whole runs without Airflow on a pipeline that nobody prepared: the shop of `mlsys.testing`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from given.shop import day, edit_spec, make_shop

from mlsys import pipeline
from mlsys.errors import DataError
from mlsys.pipeline import Finished
from mlsys.planning.plan import RunRequest
from mlsys.records import Answer, CheckReport, ModelVersion, Prepared, Split
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def pipelines(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = home / "pipelines"
    monkeypatch.setenv("MLSYS_PIPELINES", str(folder))
    make_shop(home, folder, days=12)
    edit_spec(folder, registries=["files"])  # MLflow's migrations take seconds; one test shows it
    return folder


@pytest.fixture
def work(pipelines: Path) -> Iterator[Workspace]:
    with open_workspace() as opened:
        yield opened


def run(work: Workspace, index: int, **keywords: object) -> Finished:
    return pipeline.run(work, RunRequest("shop", day=day(index), **keywords))


def rows_of_ledger(work: Workspace) -> int:
    return work.ledger.verify("shop")


def test_the_first_good_model_becomes_champion_everywhere(work: Workspace, pipelines: Path) -> None:
    edit_spec(pipelines, registries=["mlflow", "files"])
    finished = run(work, 11)
    assert finished.version is not None
    assert finished.version.decision.outcome == "promote"
    champion = work.ledger.champion("shop")
    assert champion is not None
    assert (champion.version, champion.candidate_id) == ("1.0.0", finished.version.champion)
    link = work.home / "registry" / "shop" / "best_model.joblib"
    assert link.resolve().parent.name == "v1.0.0"
    from mlflow import MlflowClient

    client = MlflowClient(work.place.tracking_uri, registry_uri=work.place.tracking_uri)
    version = client.get_model_version_by_alias("shop", "champion")
    assert version.tags["mlsys.candidate"] == champion.candidate_id
    assert finished.version.mlflow_version == str(version.version)
    shown = client.get_run(str(finished.version.mlflow_run_id))
    assert shown.data.tags["mlsys.run_id"] == champion.run_id
    assert finished.report is not None
    assert shown.info.run_id in (work.home / finished.report.path).read_text()
    assert finished.report is not None
    assert "promoted" in (work.home / finished.report.path).read_text().lower()


def test_the_same_request_again_registers_nothing_and_says_why(work: Workspace) -> None:
    run(work, 11)
    before = rows_of_ledger(work)
    again = run(work, 11)
    assert not again.start.go
    assert again.start.reason == "unchanged"
    assert rows_of_ledger(work) == before + 1  # the request itself
    assert len(work.ledger.champion_changes("shop")) == 1


def test_a_day_without_data_is_a_skip(work: Workspace) -> None:
    skipped = run(work, 40)
    assert skipped.start.reason == "no_data_for_day"
    assert work.ledger.champion("shop") is None


def test_a_run_behind_the_champion_is_historical(work: Workspace) -> None:
    run(work, 11)
    past = run(work, 9)
    assert past.version is not None
    assert past.version.decision.outcome == "historical"
    champion = work.ledger.champion("shop")
    assert champion is not None
    assert champion.cutoff.date() == day(12)


def test_after_the_change_the_retrained_model_wins_significantly(work: Workspace, pipelines: Path) -> None:
    run(work, 11)
    make_shop(work.home, pipelines, days=40)
    finished = run(work, 39)
    assert finished.version is not None
    assert finished.version.decision.outcome == "promote"
    assert finished.evaluations is not None
    comparison = finished.evaluations.comparison
    assert comparison is not None
    assert comparison.lower is not None
    assert comparison.lower > 0
    assert finished.version.version == "1.0.1"


def test_a_dry_run_decides_and_changes_nothing(work: Workspace) -> None:
    finished = run(work, 11, mode="dry")
    assert finished.version is not None
    assert finished.version.decision.outcome == "promote"
    assert work.ledger.champion("shop") is None
    live = run(work, 11)
    assert live.version is not None
    assert live.version.changed


def test_train_mode_never_promotes(work: Workspace) -> None:
    finished = run(work, 11, mode="train")
    assert finished.version is not None
    assert finished.version.decision.outcome == "historical"
    assert work.ledger.champion("shop") is None


def test_a_run_about_the_past_is_not_measured_against_todays_champion(work: Workspace) -> None:
    run(work, 11)
    past = run(work, 10, mode="simulate")
    assert past.start.plan is not None
    assert past.version is not None
    assert past.evaluations is not None
    assert (past.start.plan.champion, past.evaluations.champion_state) == (None, "not_asked")
    assert (past.version.decision.outcome, past.version.decision.reason) == ("historical", "simulated")
    assert len(work.ledger.champion_changes("shop")) == 1
    assert run(work, 10, mode="simulate").start.reason == "unchanged"


def answered(work: Workspace, finished: Finished, answer: Answer | None) -> ModelVersion:
    """Go on with a run at `promote`, as the task does once a person has answered."""
    assert finished.start.plan is not None
    assert finished.start.snapshot is not None
    assert finished.evaluations is not None
    decision = work.ledger.decisions("shop", of={finished.start.plan.run_id})[0]
    return pipeline.promote(
        work,
        Prepared(
            plan=finished.start.plan,
            snapshot=finished.start.snapshot,
            checks=CheckReport.load(finished.parts["checks"].dump()),
            split=Split.load(finished.parts["split"].dump()),
        ),
        candidates=finished.candidates,
        evaluations=finished.evaluations,
        decision=decision,
        answer=answer,
    )


def test_a_promotion_waits_for_the_person_who_has_the_last_word(work: Workspace, pipelines: Path) -> None:
    edit_spec(pipelines, approval={"required": True})
    finished = run(work, 11)
    assert finished.version is not None
    assert work.ledger.champion("shop") is None
    assert "waits for a person: mlsys promote shop" in finished.version.sentence
    version = answered(work, finished, Answer(answer="approved", who="ada", reason="looks right"))
    change = work.ledger.champion("shop")
    assert change is not None
    assert (version.changed, change.who) == (True, "ada")
    assert change.reason.startswith("looks right")


@pytest.mark.parametrize(("answer", "reason"), [("refused", "approval_refused"), ("timed_out", "approval_timed_out")])
def test_a_refusal_is_a_decision_of_its_own(work: Workspace, answer: str, reason: str) -> None:
    finished = run(work, 11, approval=True)
    said = Answer.load({"answer": answer, "who": "ada", "reason": "not on a Friday"})
    version = answered(work, finished, said)
    assert answered(work, finished, said) == version
    assert work.ledger.champion("shop") is None
    assert (version.decision.outcome, version.decision.reason, version.decision.answer) == ("reject", reason, said)
    assert [made.outcome for made in work.ledger.decisions("shop")] == ["promote", "reject"]
    again = run(work, 11, approval=True)
    assert again.start.reason == "unchanged"
    assert "not on a Friday" in again.start.sentence


def test_too_many_bad_rows_stop_the_run_and_touch_no_champion(work: Workspace, pipelines: Path) -> None:
    with sqlite3.connect(work.home / "shop.db") as connection:
        connection.execute("UPDATE orders SET basket_value = -1 WHERE order_no % 10 = 0")
    connection.close()
    with pytest.raises(DataError, match="basket_value"):
        run(work, 11)
    assert work.ledger.champion("shop") is None
    assert work.ledger.decisions("shop") == []
    assert work.ledger.runs("shop")[-1].status == "failed"


def test_a_crash_between_ledger_and_registries_heals_at_the_next_run(
    work: Workspace, pipelines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(of: Workspace, name: str) -> dict[str, object]:
        if of.ledger.champion(name) is not None:
            raise KeyboardInterrupt
        return {}

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "project", crash)
        with pytest.raises(KeyboardInterrupt):
            run(work, 11)
    champion = work.ledger.champion("shop")
    assert champion is not None
    assert not (work.home / "registry").exists()
    finished = run(work, 11)
    assert finished.version is not None
    assert (work.home / "registry" / "shop" / "best_model.joblib").exists()
    assert len(work.ledger.champion_changes("shop")) == 1
    assert len(work.ledger.decisions("shop")) == 1


def test_a_lost_race_is_judged_again_against_the_new_champion(work: Workspace, pipelines: Path) -> None:
    run(work, 10)
    from mlsys.promotion import decide as promotion

    decide = promotion.decide
    raced = []

    def decide_and_lose(*args: object, **keywords: object) -> object:
        decision = decide(*args, **keywords)
        if not raced:
            raced.append(True)
            run(work, 11, overrides=("models.0.C=0.5",))
        return decision

    promotion.decide = decide_and_lose
    try:
        edit_spec(pipelines, gates=[{"kind": "minimum", "metric": "roc_auc", "at_least": 0.6}])
        finished = run(work, 11)
    finally:
        promotion.decide = decide
    decisions = work.ledger.decisions("shop", of={finished.start.run_id})
    assert len(decisions) == 2
    assert decisions[1].champion == work.ledger.champion_changes("shop")[1].candidate_id
