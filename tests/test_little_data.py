"""Little data is no error: a side of one class, or a metric that no row defines, ends inconclusive, twice the same.

Through whole runs of the shop: first runs, runs against a champion, the same again, backfills, tuning.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from given.shop import day, edit_spec, enter_copy, make_shop, promoted_shop

from mlsys import pipeline
from mlsys.backfill.backfill import backfill
from mlsys.backfill.days import collect
from mlsys.cli.main import invoke
from mlsys.planning.plan import RunRequest
from mlsys.records import Decision
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow

LAST = 11
SIDES = {"training": (0, 6), "validation": (7, 8), "holdout": (9, 11)}  # days of the shop's split on day LAST


@pytest.fixture
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = home / "pipelines"
    monkeypatch.setenv("MLSYS_PIPELINES", str(folder))
    make_shop(home, folder, days=LAST + 1)
    edit_spec(folder, registries=["files"])
    return home


@pytest.fixture
def work(shop: Path) -> Iterator[Workspace]:
    with open_workspace() as opened:
        yield opened


def all_of_one_class(home: Path, days: tuple[int, int], label: str = "no") -> None:
    """Give every row of a span of days, both included, one label."""
    with closing(sqlite3.connect(home / "shop.db")) as connection, connection:
        span = (label, str(day(days[0])), str(day(days[1])))
        connection.execute("UPDATE orders SET returned = ? WHERE date(placed_at) BETWEEN ? AND ?", span)


def decided(work: Workspace, **asked: Any) -> Decision:
    """Run the newest day, and then again: the second run has nothing to do and says what the first one did."""
    finished = pipeline.run(work, RunRequest("shop", day=day(LAST), **asked))
    assert finished.version is not None
    assert finished.report is not None
    assert (work.home / finished.report.path).is_file()
    decision = finished.version.decision
    again = pipeline.run(work, RunRequest("shop", day=day(LAST), **asked))
    assert again.start.reason == "unchanged"
    if decision.outcome == "inconclusive" and not asked:
        assert decision.sentence in again.start.sentence
    return decision


# Each two of side, label and metric meet once: one that ranks has no value for one class, the other has.
@pytest.mark.parametrize(
    ("side", "label", "primary"),
    [
        ("training", "no", "roc_auc"),
        ("training", "yes", "log_loss"),
        ("validation", "no", "log_loss"),
        ("validation", "yes", "roc_auc"),
        ("holdout", "no", "roc_auc"),
        ("holdout", "yes", "log_loss"),
    ],
)
def test_a_side_of_one_class_is_inconclusive_with_what_would_help(
    work: Workspace, side: str, label: str, primary: str
) -> None:
    all_of_one_class(work.home, SIDES[side], label)
    edit_spec(work.home / "pipelines", metrics={"primary": primary, "replicates": 100}, gates=[])
    decision = decided(work)
    assert (decision.outcome, decision.reason) == ("inconclusive", "too_few_rows")
    n_rows = (SIDES[side][1] - SIDES[side][0] + 1) * 80
    assert f"All {n_rows} {side} rows are of one class, '{label}'" in decision.sentence
    assert decision.advice is not None
    assert "labels of the other class" in decision.advice
    assert work.ledger.champion("shop") is None


def test_all_sides_of_one_class_are_all_named(work: Workspace) -> None:
    all_of_one_class(work.home, (1, LAST))
    split = {"kind": "time", "validation_days": 2, "holdout_days": 3, "train_window_days": 6}
    edit_spec(work.home / "pipelines", split=split)
    sentence = decided(work).sentence
    assert all(f"{side} rows are of one class" in sentence for side in SIDES)


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose shop has a champion of the day before the last."""
    return promoted_shop(tmp_path_factory.mktemp("promoted") / "home", days=LAST + 1, index=LAST - 1)


@pytest.fixture
def served(promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A copy of the home with a champion, opened."""
    enter_copy(promoted, tmp_path / "home", monkeypatch)
    with open_workspace() as opened:
        yield opened


@pytest.mark.parametrize("side", SIDES)
def test_the_champion_stays(served: Workspace, side: str) -> None:
    work, before = served, served.ledger.champion("shop")
    assert before is not None
    all_of_one_class(work.home, SIDES[side])
    edit_spec(work.home / "pipelines", ingest={"lookback": "30d", "settle": "0s"})
    decision = decided(work)
    assert (decision.outcome, decision.reason) == ("inconclusive", "too_few_rows")
    assert work.ledger.champion("shop") == before


@pytest.mark.parametrize("kind", ["hash", "group"])
def test_other_rules_of_splitting(work: Workspace, kind: str) -> None:
    # Three positive rows, which one side or another must do without.
    all_of_one_class(work.home, (0, LAST))
    with closing(sqlite3.connect(work.home / "shop.db")) as connection, connection:
        connection.execute("UPDATE orders SET returned = 'yes' WHERE order_no IN (1, 2, 3)")
    edit_spec(work.home / "pipelines", split={"kind": kind, **({"column": "n_items"} if kind == "group" else {})})
    decision = decided(work)
    assert (decision.outcome, decision.reason) == ("inconclusive", "too_few_rows")


@pytest.mark.parametrize("model", ["logistic", "random_forest", "hist_gradient_boosting", "xgboost"])
def test_no_model_is_fitted_on_one_class(work: Workspace, model: str) -> None:
    all_of_one_class(work.home, SIDES["training"])
    edit_spec(work.home / "pipelines", models=[{"kind": model}, {"kind": "prior"}])
    assert decided(work).challenger is None
    assert all(c.status == "failed" and "one class" in str(c.reason) for c in candidates(work))


def candidates(work: Workspace) -> list[Any]:
    plan = work.ledger.plan(work.ledger.decisions("shop")[-1].run_id)
    return work.ledger.candidates(plan.training_key)


def test_a_primary_metric_that_no_row_defines_is_inconclusive(work: Workspace) -> None:
    # Nobody reaches this threshold, so no row is predicted positive and precision is undefined.
    edit_spec(work.home / "pipelines", metrics={"primary": "precision", "threshold": 0.9999, "replicates": 100})
    decision = decided(work)
    assert (decision.outcome, decision.reason) == ("inconclusive", "undefined_metric")
    assert "No candidate has a defined Precision on the 160 validation rows" in decision.sentence
    assert "no row is predicted positive" in decision.sentence
    assert "metrics.threshold" in str(decision.advice)


def test_few_holdout_rows_say_what_would_help(work: Workspace) -> None:
    edit_spec(work.home / "pipelines", gates=[{"kind": "min_rows", "rows": 5000, "per_class": 10}])
    decision = decided(work)
    assert (decision.outcome, decision.reason) == ("inconclusive", "too_few_rows")
    assert "Take in more days" in str(decision.advice)


@pytest.mark.parametrize("mode", ["train", "simulate"])
@pytest.mark.parametrize("side", ["training", "validation"])
def test_runs_about_the_past(work: Workspace, mode: str, side: str) -> None:
    all_of_one_class(work.home, SIDES[side])
    decision = decided(work, mode=mode)
    assert (decision.outcome, decision.reason) == ("inconclusive", "too_few_rows")


def test_tuning_on_folds_of_one_class_goes_on_untuned(work: Workspace) -> None:
    all_of_one_class(work.home, (0, 5))  # the older days of training, on which each set of hyperparameters is fitted
    edit_spec(work.home / "pipelines", tuning={"enabled": True, "trials": 2})
    assert decided(work).outcome in ("promote", "reject")
    assert any("Not tuned" in note for candidate in candidates(work) for note in candidate.notes)


def test_inner_rows_of_one_class_go_on_without_early_stopping(work: Workspace) -> None:
    all_of_one_class(work.home, SIDES["training"])
    with closing(sqlite3.connect(work.home / "shop.db")) as connection, connection:
        connection.execute("UPDATE orders SET returned = 'yes' WHERE order_no = 1")  # on one side or the other
    edit_spec(work.home / "pipelines", models=[{"kind": "xgboost", "n_estimators": 5}])
    assert decided(work).outcome in ("promote", "reject")
    assert any("No early stopping" in note for candidate in candidates(work) for note in candidate.notes)


def test_a_backfill_counts_such_days_as_done_and_says_why_they_left_no_model(work: Workspace) -> None:
    all_of_one_class(work.home, (7, 8))
    done = backfill(work, "shop", first=day(9), last=day(11), parallel=1)
    assert done.exit_code == 0
    assert done.counts == {"done": 3}
    assert "All 160 validation rows are of one class, 'no'" in done.days[-1].sentence
    found = collect(work, "shop")
    assert found is not None
    assert "All 160 validation rows are of one class" in found.missing[day(11)]


def test_the_command_says_it_and_exits_green(shop: Path, capfd: pytest.CaptureFixture[str], logging_as_before) -> None:
    all_of_one_class(shop, SIDES["validation"])
    assert invoke(["run", "shop"]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "INCONCLUSIVE All 160 validation rows are of one class, 'no'" in said
    assert "labels of the other class" in said
    assert invoke(["run", "shop"]) == 0
    assert "skipped (unchanged): This data and spec were judged before: inconclusive" in capfd.readouterr().out


# -- what is an error stays one, and never turns green ------------------------------------------------------------


@pytest.mark.parametrize("mode", ["live", "simulate"])
def test_a_decision_that_is_an_error_is_none_the_second_time_either(
    work: Workspace, mode: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request: Callable[[], RunRequest] = lambda: RunRequest("shop", day=day(LAST), mode=mode)  # noqa: E731
    with monkeypatch.context() as broken:
        broken.setattr("mlsys.targets.binary.BinaryTarget.answers", refuse)
        for _ in range(2):
            finished = pipeline.run(work, request())
            assert finished.version is not None
            assert finished.version.decision.outcome == "error"
            assert "can't think" in finished.version.decision.sentence
    healed = pipeline.run(work, request())
    assert healed.version is not None
    assert healed.version.decision.outcome == ("promote" if mode == "live" else "historical")
    assert pipeline.run(work, request()).start.reason == "unchanged"


def test_a_backfill_does_a_day_again_whose_decision_was_an_error(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("mlsys.targets.binary.BinaryTarget.answers", refuse)
        assert backfill(work, "shop", first=day(9), last=day(9), parallel=1).exit_code == 4
    again = backfill(work, "shop", first=day(9), last=day(9), parallel=1, reprocess="failed")
    assert (again.exit_code, again.counts) == (0, {"done": 1})


def refuse(*_: object) -> None:
    raise ValueError("it can't think")
