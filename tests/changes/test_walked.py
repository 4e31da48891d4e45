"""Two specs over the same past days: on the same rows, each behind its own gates, fits in common made once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from given.shop import day, edit_spec, enter, make_shop

from mlsys import pipeline
from mlsys.changes.applying import apply
from mlsys.changes.records import WalkedPair
from mlsys.changes.spec_plan import plan_of
from mlsys.changes.walked import Days
from mlsys.errors import UsageError
from mlsys.planning.plan import RunRequest
from mlsys.training import training
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow

RANGE = Days(day(7), day(11))


@pytest.fixture(scope="module")
def walked_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a live run of day 11, and both specs simulated over days 7 to 11 for a plan."""
    home = tmp_path_factory.mktemp("walked") / "home"
    make_shop(home, home / "pipelines", days=12)
    edit_spec(home / "pipelines", registries=["files"])
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        with open_workspace() as work:
            pipeline.run(work, RunRequest("shop", day=day(11)))
            found = plan_of(work, "shop", overrides=["models.0.C=0.001"], days=RANGE)
            (home / "plan.json").write_text(found.model_dump_json())
    return home


@pytest.fixture
def work(walked_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    enter(walked_home, monkeypatch)
    with open_workspace() as opened:
        yield opened


def test_both_serve_on_the_same_days_and_rows(walked_home: Path) -> None:
    found = WalkedPair.load(json.loads((walked_home / "plan.json").read_text())["walked"])
    assert found.promotions_before
    assert found.promotions_after
    assert [pair.day for pair in found.daily] == sorted(pair.day for pair in found.daily)
    assert found.n_rows == 80 * len(found.daily)
    for pair in found.daily:
        assert pair.before_model < pair.day
        assert pair.after_model < pair.day
    assert found.earned.difference is not None
    assert "over" in found.sentence
    assert f"promoted {len(found.promotions_after)} time" in found.sentence


def test_gates_alone_let_both_walk_over_the_same_fits(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "train_all", None)  # children are forked, and nothing is fitted in them
    found = plan_of(work, "shop", overrides=["gates.0.at_least=0.99"], days=RANGE).walked
    assert found is not None
    assert found.promotions_before
    assert found.promotions_after == ()
    assert found.earned.difference is None
    assert list(found.left_out.values()) == ["one of the two specs has no model that would serve yet"]
    assert found.sentence.startswith("The two specs can't be compared: no day could be compared.")


def test_a_check_that_sets_rows_aside_leaves_them_out_for_both(work: Workspace) -> None:
    rule = "checks={tolerated_share: 0.5, rules: [{kind: between, column: basket_value, min: 0, max: 60}]}"
    found = plan_of(work, "shop", overrides=[rule], days=Days(day(7), day(9))).walked
    assert found is not None
    assert found.daily
    assert 0 < found.n_rows < 75 * len(found.daily)


def test_what_the_plan_fitted_is_adopted_by_the_next_run(
    work: Workspace, walked_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "shop.yaml").write_text((walked_home / "pipelines" / "shop.yaml").read_text())
    monkeypatch.setenv("MLSYS_PIPELINES", str(pipelines))
    with open_workspace() as opened:
        apply(opened, "shop", overrides=["models.0.C=0.001"])
        monkeypatch.setattr(training, "train_all", None)  # nothing is fitted
        after = pipeline.run(opened, RunRequest("shop", day=day(11)))
        planned = [run for run in opened.ledger.runs("shop") if run.plan and run.plan.mode == "simulate"]
        keys = {run.training_key for run in planned if run.plan and run.plan.day == day(11)}
    assert after.start.plan is not None
    assert after.start.plan.training_key in keys
    assert {candidate.status for candidate in after.candidates} == {"fitted"}


def test_specs_that_predict_different_things_are_not_compared(work: Workspace) -> None:
    with pytest.raises(UsageError, match="predict different things"):
        plan_of(work, "shop", overrides=["target.positive='no'"], days=RANGE)


def test_worse_beyond_chance_has_an_exit_code(
    work: Workspace, monkeypatch: pytest.MonkeyPatch, walked_home: Path
) -> None:
    from mlsys.changes import spec_plan

    known = WalkedPair.load(json.loads((walked_home / "plan.json").read_text())["walked"])
    answers: dict[str, Any] = {"lower": -0.02, "upper": -0.01, "difference": -0.015}
    worse = known.model_copy(update={"earned": known.earned.model_copy(update=answers)})
    stand_in: Callable[..., WalkedPair] = lambda *_, **__: worse  # noqa: E731
    monkeypatch.setattr(spec_plan, "walked", stand_in)
    assert plan_of(work, "shop", overrides=["models.0.C=0.5"], days=RANGE).exit_code == 6
