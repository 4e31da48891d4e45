from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from given.kill_points import killed_at, points_of, spread
from given.shop import day, edit_spec, enter, make_shop
from hypothesis import given
from hypothesis import strategies as st

from mlsys import pipeline, replay
from mlsys.dataset import dataset
from mlsys.errors import RunError
from mlsys.ledger import Ledger
from mlsys.metrics.classified import Classified
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.scores import Scored
from mlsys.pipeline import Finished
from mlsys.planning.plan import RunRequest
from mlsys.promotion.refit import as_often
from mlsys.records import Candidate
from mlsys.report.run_records import card_of
from mlsys.splits.base import SIDES
from mlsys.training import training
from mlsys.workspace import Workspace, open_workspace

DAYS = 14  # the world changes after the twelfth
NOT_WORSE = {"kind": "better_than_champion", "margin": 0.3, "require": "not_worse"}


def shop(home: Path, patched: pytest.MonkeyPatch, **changes: object) -> None:
    make_shop(home, home / "pipelines", days=DAYS)
    gates = [{"kind": "min_rows", "rows": 100, "per_class": 10}, NOT_WORSE]
    edit_spec(home / "pipelines", **{"registries": [], "gates": gates, **changes})
    enter(home, patched)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    shop(tmp_path, monkeypatch, training={"refit": "all", "max_churn": 0.5})
    with open_workspace() as opened:
        yield opened


def night(work: Workspace, index: int) -> Finished:
    return pipeline.run(work, RunRequest("shop", day=day(index)))


def champion(work: Workspace) -> Candidate:
    change = work.ledger.champion("shop")
    assert change is not None
    found = work.ledger.candidate(change.candidate_id)
    assert found is not None
    return found


@pytest.mark.slow
def test_what_serves_has_learnt_from_all_rows_and_is_compared_by_its_twin(work: Workspace) -> None:
    first = night(work, 10)
    serves = champion(work)
    split = first.parts["split"]
    assert serves.n_training_rows == sum(getattr(split, name).n_rows for name in SIDES.values())
    assert serves.refit is not None
    assert [(guard.name, guard.passed) for guard in serves.refit.guards] == [
        ("servable", True), ("churn", True), ("scores", True),
    ]  # fmt: skip
    change = work.ledger.champion("shop")
    assert change is not None
    assert "fitted again on all rows" in change.reason
    assert "was not itself judged" in change.reason
    second = night(work, 11)
    assert second.evaluations is not None
    assert second.evaluations.champion == serves.candidate_id
    assert second.evaluations.twin == serves.judged_twin
    # Yesterday's twin was not fitted on a row of today's holdout, though what serves was.
    assert second.evaluations.known_rows is None
    assert second.version is not None
    assert second.version.changed
    assert champion(work).candidate_id != serves.candidate_id
    for run in (first, second):
        assert run.start.plan is not None
        again = replay.replay(work, run.start.plan.run_id)
        assert again.agreement == "identical", again.sentence
        assert [model.name for model in again.models][-1] == "logistic, fitted again"
        assert "not itself judged" in str(card_of(work, run.start.plan.run_id).candidates[-1].refit_sentence)


@pytest.mark.slow
def test_a_run_that_ended_between_refit_and_promotion_adopts_what_stands(
    work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise RunError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "change_champion", killed)
        with pytest.raises(RunError, match="killed"):
            night(work, 10)
    assert work.ledger.champion("shop") is None

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it was fitted once more")

    with monkeypatch.context() as patched:
        patched.setattr(training, "refit", never)
        found = night(work, 10)
    assert found.version is not None
    assert found.version.changed
    plan = found.start.plan
    assert plan is not None
    assert champion(work).judged_twin is not None
    # Candidates of the training key that were fitted again are never contenders.
    known = work.ledger.candidates(plan.training_key)
    assert any(candidate.judged_twin for candidate in known)
    again = pipeline.evaluate(work, pipeline.split(
        work, plan, found.start.snapshot, found.parts["checks"]  # type: ignore[arg-type]
    ), candidates=known)  # fmt: skip
    assert not any(name.endswith("-refit") for name in again.summary)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_anywhere_around_the_refit_the_next_run_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        with open_workspace() as work:
            night(work, 10)

    def begin(name: str) -> None:
        shop(tmp_path / name, monkeypatch, training={"refit": "all", "max_churn": 0.5})

    begin("counted")
    n_points = points_of(run)
    with open_workspace() as work:
        whole = champion(work)
    assert whole.judged_twin is not None
    for back in spread(6, over=60):  # the last steps: decide, refit, promote, report
        begin(f"killed-{back}")
        assert killed_at(n_points - back, run)
        with open_workspace() as work:
            night(work, 10)
            found = champion(work)
            assert (found.candidate_id, found.model, found.refit) == (whole.candidate_id, whole.model, whole.refit)
            assert len(work.ledger.champion_changes("shop")) == 1
            assert work.ledger.verify("shop") > 0


@pytest.mark.slow
def test_too_much_churn_lets_the_judged_model_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop(tmp_path, monkeypatch, training={"refit": "train+validation", "max_churn": 1e-9})
    with open_workspace() as work:
        found = night(work, 10)
        assert found.version is not None
        assert found.version.changed
        assert champion(work).judged_twin is None
        change = work.ledger.champion("shop")
        assert change is not None
        assert "does not serve, the judged model does: It changes" in change.reason
        assert found.start.plan is not None
        kept = work.ledger.candidate(Candidate.refitted(change.candidate_id))
        assert kept is not None
        assert (kept.status, kept.refit and kept.refit.refused_by and kept.refit.refused_by.name) == ("failed", "churn")
        night(work, 11)
        assert replay.replay(work, found.start.plan.run_id).agreement == "identical"


@pytest.mark.slow
def test_a_refit_that_learns_nonsense_does_not_serve(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    load = dataset.load

    def turned(*arguments: object, **named: object) -> dataset.Dataset:
        found = load(*arguments, **named)  # type: ignore[arg-type]
        if len(named["sides"]) == 3:  # type: ignore[arg-type]
            found.y[:] = 1 - found.y
        return found

    monkeypatch.setattr(dataset, "load", turned)
    night(work, 10)
    kept = work.ledger.candidate(Candidate.refitted(champion(work).candidate_id))
    assert kept is not None
    assert kept.refit is not None
    assert kept.refit.refused_by is not None
    assert not kept.refit.guards[-1].passed
    assert "clearly worse" in kept.refit.guards[-1].sentence


@pytest.mark.slow
def test_of_a_changed_split_the_rows_that_the_champion_knows_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(tmp_path, monkeypatch)
    with open_workspace() as work:
        night(work, 10)  # trains up to day 5
        edit_spec(tmp_path / "pipelines", split={"kind": "time", "validation_days": 1, "holdout_days": 8})
        found = night(work, 11).evaluations  # judges on days 4 to 11
        assert found is not None
        assert found.known_rows is not None
        assert found.champion_state == "scored"
        assert found.n_holdout == found.known_rows.n_holdout - found.known_rows.n_rows
        assert sum(found.holdout_classes.values()) == found.n_holdout
        assert found.comparison is not None
        assert found.comparison.n == found.n_holdout
        assert 100 < found.known_rows.n_rows < 200  # two days of 80 orders


@pytest.mark.slow
def test_a_champion_that_knows_most_of_the_holdout_is_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop(tmp_path, monkeypatch)
    with open_workspace() as work:
        night(work, 10)
        edit_spec(tmp_path / "pipelines", split={"kind": "hash", "validation": 0.2, "holdout": 0.4})
        found = night(work, 11)
        assert found.evaluations is not None
        assert found.evaluations.champion_state == "not_comparable"
        assert "it was fitted on" in str(found.evaluations.champion_reason)
        assert found.version is not None
        assert found.version.decision.outcome == "inconclusive"


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=2, max_size=40, unique=True), st.floats(0.01, 0.99), st.integers(0, 99))
def test_a_refits_threshold_calls_as_many_rows_positive(scores: list[float], threshold: float, seed: int) -> None:
    before = np.array(scores)
    after = np.random.default_rng(seed).permutation(before) * 0.5 + 0.1
    assert (
        len(np.unique(after)) < len(after)
        or (after >= as_often(before, after, threshold)).sum() == (before >= threshold).sum()
    )


def test_churn_is_the_share_of_other_decisions() -> None:
    y = np.array([0, 1, 1, 0], dtype=np.int8)
    scores = np.array([0.1, 0.6, 0.4, 0.7])
    assert Scored(y, scores).changed(Scored(y, scores + np.array([0, -0.2, 0, 0.1]))) == 0.25
    of_three = np.eye(3)[[0, 1, 2, 2]]
    codes = y.astype(np.int64)
    assert Classified(codes, of_three).changed(Classified(codes, np.eye(3)[[0, 1, 1, 1]])) == 0.5
    numbers = np.array([1.0, 2.0, 3.0, 4.0])
    assert Predicted(numbers, numbers).changed(Predicted(numbers, numbers + numbers.std() / 4)) == pytest.approx(0.25)
