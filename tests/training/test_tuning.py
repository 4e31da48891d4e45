"""Hyperparameters are searched for inside the training rows, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from given.small_world import SmallWorld, world

from mlsys.dataset import assignment
from mlsys.features.tabular import TabularFeatures
from mlsys.models.base import FitTask, SearchRange
from mlsys.models.hist_gradient_boosting import HistGradientBoosting
from mlsys.models.logistic import Logistic
from mlsys.models.prior import Prior
from mlsys.store import Store
from mlsys.testing.features import COLUMNS
from mlsys.testing.model_problems import easy_problem
from mlsys.training import training, tuning
from mlsys.training.trials import Memory
from mlsys.training.tuning import Rows, tune

ON = {"enabled": True, "trials": 6}


def problem(n_rows: int = 400) -> Rows:
    frame, y = easy_problem(n_rows)
    keys = np.random.default_rng(5).integers(0, 2**64, n_rows, dtype=np.uint64)
    day = np.datetime64("2026-01-01") + np.sort(np.arange(n_rows) % 20)
    return Rows(frame, y, keys, day)


def tuned(
    store: Store, model: Any, rows: Rows | None = None, *, memory: Memory | None = None, **changes: Any
) -> tuning.Tuned:
    spec = world(store, **{"tuning": ON, **changes}).spec
    rows = rows or problem()
    task = FitTask(seed=7, threads=1, inner=np.zeros(len(rows.y), dtype=bool))
    return tune(spec, model, TabularFeatures().build(COLUMNS), rows, task, memory=memory)


def test_it_is_off_unless_the_spec_says_so(store: Store) -> None:
    model = Logistic(C=0.0001)
    assert tuned(store, model, tuning={}).model is model


@pytest.mark.slow
def test_a_poor_setting_is_improved_and_the_note_says_by_how_much(store: Store) -> None:
    poor = HistGradientBoosting(max_iter=1, learning_rate=0.001)
    found = tuned(store, poor, metrics={"primary": "log_loss"})
    assert found.model != poor
    assert found.note is not None
    assert found.note.startswith("Tuned: the best of 7 sets by")
    assert "the spec's own gave" in found.note


@pytest.mark.slow
def test_what_is_not_searched_for_stays_as_the_spec_says(store: Store) -> None:
    found = tuned(store, Logistic(C=1e-6, class_weight="balanced", max_iter=123, name="mine")).model
    assert isinstance(found, Logistic)
    assert (found.class_weight, found.max_iter, found.label) == ("balanced", 123, "mine")
    assert found.C > 1e-6


@pytest.mark.slow
def test_the_same_seed_finds_the_same(store: Store) -> None:
    one, two = (tuned(store, Logistic(C=1e-6)) for _ in range(2))
    assert (one.model, one.note) == (two.model, two.note)
    assert [trial.params for trial in one.trials] == [trial.params for trial in two.trials]


def test_the_spec_s_own_setting_stays_when_nothing_is_better(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "_value", lambda *_, **__: 0.5)
    model = Logistic()
    found = tuned(store, model)
    assert found.model is model
    assert found.trials[0].own
    assert "stay the best of 7 sets" in str(found.note)


def test_a_set_that_cannot_be_fitted_is_passed_over(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Logistic().model_copy(update={"C": -1.0})
    monkeypatch.setattr(tuning, "_sets", lambda *_: [refused, Logistic(C=0.5)])
    found = tuned(store, refused)
    assert found.model == Logistic(C=0.5)
    assert "they could not be fitted" in str(found.note)


def test_one_class_among_the_judging_rows_is_said(store: Store) -> None:
    rows = problem()
    one_class = Rows(rows.rows, np.zeros_like(rows.y), rows.key_hash, rows.day)
    assert tuned(store, Logistic(), one_class).note == "Not tuned: a part of the training rows holds one label only"


def test_a_baseline_has_nothing_to_search_for(store: Store) -> None:
    assert tuned(store, Prior()).note is None


def test_under_a_time_split_the_newest_days_judge(store: Store) -> None:
    rows = problem()
    judging = tuning._judging(world(store).spec, rows)
    assert rows.day[~judging].max() < rows.day[judging].min()
    assert 0.15 < judging.mean() < 0.35


def test_under_a_hash_split_a_sample_by_key_judges(store: Store) -> None:
    rows = problem()
    judging = tuning._judging(world(store, split={"kind": "hash"}).spec, rows)
    assert 0.15 < judging.mean() < 0.35
    assert rows.day[judging].min() == rows.day.min()


def test_under_a_group_split_no_group_judges_what_taught_of_it(store: Store) -> None:
    rows = problem()
    grouped = replace(rows, group=np.arange(len(rows.y)) % 30)
    judging = tuning._judging(world(store, split={"kind": "group", "column": "owner"}).spec, grouped)
    assert grouped.group is not None
    assert not set(grouped.group[judging]) & set(grouped.group[~judging])
    assert 0.05 < judging.mean() < 0.5


@pytest.mark.slow
def test_a_grid_is_tried_point_by_point_instead_of_random_sets(store: Store) -> None:
    grid = {"logistic": {"C": (1e-6, 0.1, 1.0), "class_weight": (None, "balanced")}}
    found = tuned(store, Logistic(C=0.1), tuning={"enabled": True, "grid": grid})
    assert "of 6 sets" in str(found.note)  # the spec's own is one of them, and is tried once
    tried = [(trial.params.get("C"), trial.params.get("class_weight")) for trial in found.trials if not trial.own]
    assert len(tried) == 5
    assert (1e-6, "balanced") in tried


@pytest.mark.slow
def test_a_search_ends_with_its_budget(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100))
    monkeypatch.setattr(tuning, "process_time", lambda: float(next(clock)))  # each trial takes a second
    found = tuned(store, Logistic(), tuning={"enabled": True, "trials": 20, "budget": "3s"})
    assert "of 3 sets" in str(found.note)


@pytest.fixture
def killed(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Tune with a memory, die in the fourth trial, and return what was fitted before."""
    fitted: list[float] = []

    def dying(spec: Any, model: Any, *_: Any, **__: Any) -> float:
        if len(fitted) == 3:
            raise KeyboardInterrupt
        fitted.append(model.C)
        return 0.5 + model.C / 1000

    with monkeypatch.context() as patched:
        patched.setattr(tuning, "_value", dying)
        with pytest.raises(KeyboardInterrupt):
            tuned(store, Logistic(), memory=Memory.of(store, "key", "logistic"))
    return fitted


def test_a_search_that_was_killed_goes_on_where_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch, killed: list[float]
) -> None:
    again: list[float] = []

    def counting(spec: Any, model: Any, *_: Any, **__: Any) -> float:
        again.append(model.C)
        return 0.5 + model.C / 1000

    monkeypatch.setattr(tuning, "_value", counting)
    resumed = tuned(store, Logistic(), memory=Memory.of(store, "key", "logistic"))
    assert len(again) == 4
    assert not set(again) & set(killed)
    whole = tuned(store, Logistic())
    assert (resumed.model, resumed.note) == (whole.model, whole.note)
    assert [trial.params for trial in resumed.trials] == [trial.params for trial in whole.trials]


@pytest.mark.parametrize("place", [SearchRange(2, 5), SearchRange(0.1, 10.0, log=True), SearchRange(0.5, 1.0)])
def test_draws_lie_between_the_bounds_and_are_of_their_kind(place: SearchRange) -> None:
    random = np.random.default_rng(1)
    drawn = [place.draw(random) for _ in range(500)]
    assert all(place.low <= value <= place.high and type(value) is type(place.low) for value in drawn)
    assert len(set(drawn)) > 3


@pytest.fixture
def made(store: Store, monkeypatch: pytest.MonkeyPatch) -> SmallWorld:
    made = world(store, tuning=ON, models=({"kind": "logistic", "C": 1e-6},))
    made.stand_in(monkeypatch)
    return made


@pytest.mark.slow
def test_the_candidate_records_what_was_found_and_a_refit_keeps_it(made: SmallWorld, store: Store) -> None:
    split = assignment.split(made.spec, made.snapshot, made.checks, store=store)
    parts = (made.spec, made.prepared(split))
    candidate = training.train(*parts, name="logistic", store=store)
    assert candidate.params["C"] > 1e-6
    assert candidate.notes[0].startswith("Tuned: the best of 7 sets")
    assert candidate.trials[0].params["C"] == candidate.params["C"]
    assert [trial.own for trial in candidate.trials].count(True) == 1
    again = training.refit(*parts, candidate=candidate, on="train+validation", store=store)
    assert again.params == candidate.params
    assert not any(note.startswith("Tuned") for note in again.notes)


@pytest.mark.slow
def test_tuning_sees_training_rows_alone(made: SmallWorld, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    split = assignment.split(made.spec, made.snapshot, made.checks, store=store)
    seen: list[int] = []

    def counting(spec: Any, model: Any, features: Any, rows: Rows, task: FitTask, **more: Any) -> tuning.Tuned:
        seen.append(len(rows.y))
        return tune(spec, model, features, rows, task, **more)

    monkeypatch.setattr(training, "tune", counting)
    training.train(made.spec, made.prepared(split), name="logistic", store=store)
    assert seen == [split.training.n_rows]
