"""Thresholds by cost: chosen on validation rows, kept by the candidate, and no part of what it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from given.small_world import rows_of, world

from mlsys.dataset import assignment, dataset
from mlsys.metrics.binary_costs import cheapest
from mlsys.records import Candidate, Prepared
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT, VALIDATION
from mlsys.store import Store
from mlsys.training import model_file, training
from mlsys.training.threshold import Judging, choose

COSTS = {"threshold": {"kind": "cost", "false_positive": 1, "false_negative": 20}}


def made(store: Store, patched: pytest.MonkeyPatch, **spec: Any) -> tuple[Spec, Prepared]:
    small = world(store, **spec)
    small.stand_in(patched)
    return small.spec, small.prepared(assignment.split(small.spec, small.snapshot, small.checks, store=store))


def rows(spec: Spec, prepared: Prepared, store: Store, side: int) -> Judging:
    data = dataset.load(spec, prepared.snapshot, prepared.split, store=store, sides=(side,))
    return Judging(data.rows, data.y)


def scores(candidate: Candidate, judging: Judging, store: Store) -> np.ndarray:
    assert candidate.model is not None
    found: np.ndarray = model_file.load(candidate.model, store).predict_proba(judging.rows)[:, 1]
    return found


@pytest.mark.slow
def test_it_costs_least_on_validation_rows_and_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, prepared = made(store, monkeypatch, metrics=COSTS)
    found = training.train(spec, prepared, name="logistic", store=store)
    judging = rows(spec, prepared, store, VALIDATION)
    costs = spec.metrics.costs
    assert costs is not None
    assert found.threshold == cheapest(judging.y, scores(found, judging, store), costs)
    (note,) = (note for note in found.notes if note.startswith("Threshold"))
    assert f"costs least on {len(judging.y)} validation rows" in note
    assert "break even at 0.0476" in note


@pytest.mark.slow
def test_the_model_itself_is_the_same_as_with_a_number(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [
        training.train(*made(store, monkeypatch, metrics=metrics), name="logistic", store=store)
        for metrics in (COSTS, {"threshold": 0.3})
    ]
    assert models[0].model == models[1].model
    assert models[1].threshold is None


@pytest.mark.slow
def test_the_holdout_plays_no_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, prepared = made(store, monkeypatch, metrics=COSTS)
    before = training.train(spec, prepared, name="logistic", store=store)
    held = dataset.read_assignment(prepared.split, store) == HOLDOUT
    table = rows_of()
    labels = np.where(held, "phishing", table["label"].to_numpy(zero_copy_only=False))
    place = table.column_names.index("label")
    poisoned = made(store, monkeypatch, metrics=COSTS, table=table.set_column(place, "label", [labels.tolist()]))
    assert training.train(*poisoned, name="logistic", store=store).threshold == before.threshold


@pytest.mark.slow
def test_a_refitted_model_keeps_the_threshold_that_was_judged(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, prepared = made(store, monkeypatch, metrics=COSTS)
    judged = training.train(spec, prepared, name="logistic", store=store)
    again = training.refit(spec, prepared, candidate=judged, on="train+validation", store=store)
    assert again.threshold == judged.threshold
    assert again.model != judged.model


def test_validation_rows_of_one_class_leave_it_at_break_even(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, prepared = made(store, monkeypatch, metrics=COSTS)
    judging = rows(spec, prepared, store, VALIDATION)
    one = judging.y == 0
    found = choose(spec, None, Judging(judging.rows[one], judging.y[one]))
    assert found.threshold == pytest.approx(1 / 21)
    assert "not of both classes" in found.notes[0]
