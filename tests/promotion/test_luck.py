from pathlib import Path

import pytest
from given.shop import day, edit_spec, enter, make_shop

from mlsys import pipeline, replay
from mlsys.planning.plan import RunRequest
from mlsys.promotion.luck import REASON
from mlsys.records import Decision
from mlsys.report.run_records import card_of
from mlsys.training import training
from mlsys.workspace import Workspace, open_workspace

FOREST = {"kind": "random_forest", "n_estimators": 5, "min_samples_leaf": 20}
MIN_ROWS = {"kind": "min_rows", "rows": 100, "per_class": 10}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return new_home(tmp_path / "home", monkeypatch)


def new_home(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_shop(path, path / "pipelines", days=11)
    enter(path, monkeypatch)
    return path


def decided(work: Workspace, home: Path, at_least: float, *, model: object = FOREST) -> Decision:
    gates = [MIN_ROWS, {"kind": "minimum", "metric": "roc_auc", "at_least": at_least}]
    edit_spec(home / "pipelines", registries=[], models=[model], gates=gates, training={"seeds": 3, "seed": 1})
    found = pipeline.run(work, RunRequest("shop", day=day(10))).version
    assert found is not None
    return found.decision


@pytest.mark.slow
def test_a_limit_between_the_seeds_makes_it_inconclusive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = new_home(tmp_path / "calm", monkeypatch)
    with open_workspace() as work:
        calm = decided(work, home, 0.5)  # below all of them
    assert calm.outcome == "promote"
    assert calm.luck is not None
    assert (calm.luck.n_seeds, calm.luck.alike) == (3, True)
    own, *others = [value for value in calm.luck.values if value is not None]
    assert own > max(others)
    home = new_home(tmp_path / "torn", monkeypatch)
    with open_workspace() as work:
        torn = decided(work, home, (own + others[0]) / 2)
        assert (torn.outcome, torn.reason) == ("inconclusive", REASON)
        assert torn.luck is not None
        assert torn.luck.values == (own, others[0])  # the third seed could not mend it
        assert work.ledger.champion("shop") is None
        assert "depends on the seed" in torn.sentence
        assert card_of(work, torn.run_id).decision == torn
        again = replay.replay(work, torn.run_id)
        assert (again.agreement, again.decision) == ("identical", "identical")

        def never(*_: object, **__: object) -> None:
            raise AssertionError("a decision that stands needs no fit")

        monkeypatch.setattr(training, "with_other_seed", never)
        prepared = pipeline.Prepared(
            plan=work.ledger.plan(torn.run_id),
            snapshot=next(row.snapshot for row in work.ledger.run(torn.run_id) if row.snapshot),
            checks=card_of(work, torn.run_id).checks,
            split=card_of(work, torn.run_id).split,
        )
        standing = work.ledger.decision(torn.decision_key)
        assert standing is not None
        assert pipeline.decide(work, prepared, evaluations=standing[0]) == torn


@pytest.mark.slow
def test_a_rejection_stands_and_costs_no_fit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the champion serves on whatever another seed says")

    monkeypatch.setattr(training, "with_other_seed", never)
    with open_workspace() as work:
        found = decided(work, home, 0.99)
    assert (found.outcome, found.luck) == ("reject", None)


@pytest.mark.slow
def test_a_fit_without_a_seed_has_no_luck(home: Path) -> None:
    with open_workspace() as work:
        found = decided(work, home, 0.5, model="logistic")
        assert found.outcome == "promote"
        assert found.luck is not None
        assert (found.luck.n_seeds, found.luck.sentence) == (1, "Its fit does not depend on the seed")
