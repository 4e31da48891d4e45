"""What a changed spec would do: what is reused, what is thrown away, and what its gates would have said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from given.shop import day, enter, make_shop

from mlsys import pipeline
from mlsys.changes import applying
from mlsys.changes.records import SpecPlan
from mlsys.changes.spec_plan import last_run, plan_of
from mlsys.errors import UsageError
from mlsys.planning.plan import RunRequest
from mlsys.training import training
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow


def actions(found: SpecPlan) -> dict[str, str]:
    return {each.name: each.action for each in found.candidates}


@pytest.fixture
def untouched(work: Workspace) -> Iterator[None]:
    """A plan writes nothing into the ledger."""
    before = work.ledger.pipelines(tables_too=True), work.ledger.entries("shop")
    yield
    assert (work.ledger.pipelines(tables_too=True), work.ledger.entries("shop")) == before


@pytest.mark.usefixtures("untouched")
def test_nothing_changed(work: Workspace) -> None:
    found = plan_of(work, "shop")
    assert (found.category, found.changes, found.day, found.exit_code) == ("no effect", (), day(10), 0)
    assert found.sentences == (f"The spec is that of the last live run, {found.run_id}.",)
    assert (found.then, found.waits, found.refused, found.stored) == (None, None, None, None)


@pytest.mark.usefixtures("untouched")
def test_changed_gates_judge_the_candidates_of_the_last_run_again(work: Workspace) -> None:
    last = last_run(work, "shop")
    assert last.decision.outcome == "promote"
    same = plan_of(work, "shop", overrides=["metrics.threshold=0.4"])
    assert same.then is not None
    assert same.now is not None
    assert (same.now.outcome, same.now.challenger) == (same.then.outcome, same.then.challenger)
    assert [gate.state for gate in same.now.gates] == [gate.state for gate in last.decision.gates]
    strict = plan_of(work, "shop", overrides=["gates.0.at_least=0.999"])
    assert strict.now is not None
    assert (strict.now.outcome, strict.now.reason, strict.exit_code) == ("reject", "below_minimum", 0)
    assert strict.category == "gates only"
    assert actions(strict) == {"logistic": "adopted", "prior": "adopted"}


@pytest.mark.usefixtures("untouched")
def test_a_gate_that_was_not_asked_then_is_asked_now(work: Workspace) -> None:
    gate = "gates=[{kind: minimum, metric: roc_auc, at_least: 0.5}, {kind: size, megabytes: 0.0001}]"
    found = plan_of(work, "shop", overrides=[gate])
    assert found.now is not None
    assert [found_.gate for found_ in found.now.gates if found_.state != "pass"] == ["size"]


@pytest.mark.usefixtures("untouched")
def test_a_changed_model_is_fitted_again_and_its_neighbours_are_not(work: Workspace) -> None:
    overrides = ["models=[{kind: logistic, C: 0.5}, {kind: prior}, {kind: extra_trees}]"]
    found = plan_of(work, "shop", overrides=overrides)
    assert actions(found) == {"logistic": "fitted", "prior": "adopted", "extra_trees": "fitted"}
    assert found.candidates[0].seconds is not None
    assert found.candidates[2].seconds is None
    assert (found.category, found.now) == ("model", None)
    assert "extra_trees; adopted as they are on the rows of 2026-05-11: prior" in found.sentences[-1]


def test_what_a_plan_fits_a_live_run_about_that_day_adopts(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = ["models.0.C=0.001"]
    found = plan_of(work, "shop", overrides=overrides, fit=True)
    assert found.then is not None
    assert found.now is not None
    assert (found.then.outcome, found.now.outcome) == ("promote", "reject")
    assert found.dry_run in found.sentences[-1]
    assert plan_of(work, "shop", overrides=overrides, fit=True).now == found.now, "the dry run stands"
    applying.apply(work, "shop", overrides=overrides)
    monkeypatch.setattr(training, "train_all", None)  # nobody fits
    live = pipeline.run(work, RunRequest("shop", day=day(10)))
    assert live.candidates[0].params["C"] == 0.001
    assert live.version is not None
    assert live.version.decision.challenger == found.now.challenger


@pytest.mark.usefixtures("untouched")
def test_another_schema_is_read_again(work: Workspace) -> None:
    found = plan_of(work, "shop", overrides=["schema.gift=category", "models=[{kind: logistic}]"])
    assert found.category == "data"
    assert found.stored is not None
    assert (found.stored.n_days, found.stored.n_rows) == (12, 960)
    assert found.stored.n_bytes > 1000
    assert actions(found) == {"logistic": "fitted", "prior": "left out"}
    assert "960 rows of 12 days that are stored" in found.sentences[-1]


def test_gates_that_fail_to_judge_have_an_exit_code(work: Workspace) -> None:
    last = last_run(work, "shop")
    for candidate in last.fitted.values():
        work.store.path(str(candidate.model)).unlink()
    found = plan_of(work, "shop", overrides=["gates.0.at_least=0.7"])
    assert (found.now, found.exit_code) == (None, 0)
    assert "files were removed" in found.sentences[-1]


def test_without_a_live_run_there_is_nothing_to_hold_it_against(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop(tmp_path, tmp_path / "pipelines", days=3)
    enter(tmp_path, monkeypatch)
    with open_workspace() as work, pytest.raises(UsageError, match="has had no live run that decided"):
        plan_of(work, "shop")
