"""Thresholds by cost and the top of a list in an evaluation: each model by its own threshold, champion included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from given import records_samples

from mlsys.dataset import dataset
from mlsys.dataset.dataset import Dataset
from mlsys.evaluation.champion import ChampionModel, threshold_of
from mlsys.evaluation.evaluation import evaluate
from mlsys.evaluation.payoff import pictures
from mlsys.features.tabular import TabularFeatures
from mlsys.metrics.binary_costs import Costs
from mlsys.metrics.scores import Scored
from mlsys.models.calibration import Calibration
from mlsys.models.logistic import Logistic
from mlsys.records import Candidate
from mlsys.schema import ColumnSpec
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT, VALIDATION
from mlsys.store import Store
from mlsys.testing.features import COLUMNS
from mlsys.testing.model_problems import easy_problem, task_of
from mlsys.training import model_file

COST = {"kind": "cost", "false_positive": 1, "false_negative": 20}
NUMBER = ColumnSpec(type="number")


def spec_of(**metrics: Any) -> Spec:
    names = (*COLUMNS.numeric, *COLUMNS.categorical)
    kinds = {name: "number" if name in COLUMNS.numeric else "category" for name in names}
    return Spec.model_validate(
        {
            "pipeline": "demo",
            "source": {"kind": "files", "path": "x/*.csv"},
            "schema": {**kinds, "label": "category"},
            "target": {"column": "label", "positive": "yes"},
            "split": {"kind": "hash"},
            "models": ("logistic",),
            "metrics": {"primary": "roc_auc", "replicates": 100, **metrics},
            "gates": ("min_rows",),
            "registries": (),
        }
    )


@pytest.fixture
def details(store: Store, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The details of an evaluation in which candidate and champion are one calibrated model with two thresholds."""
    frame, y = easy_problem()
    model = Logistic(calibrate=Calibration())
    plain = model.fit(model.transformer(TabularFeatures(), COLUMNS), frame, y, task_of())
    pipeline = Calibration().calibrated(plain.pipeline, *easy_problem(seed=1))
    side = np.where(np.arange(len(y)) % 2 == 0, VALIDATION, HOLDOUT)
    order = np.arange(len(y))
    made = Dataset(
        frame, y, order.astype("uint64"), order.astype("datetime64[D]"), side, spec_of(threshold=COST).target
    )
    monkeypatch.setattr(dataset, "load", lambda *_, columns, **__: replace(made, rows=frame[list(columns)]))
    digest, _ = model_file.save(pipeline, store)
    known = {"name": "logistic", "kind": "logistic", "status": "fitted", "model": digest}
    new = Candidate(candidate_id="k-new", threshold=0.05, **known)
    old = Candidate(candidate_id="k-old", threshold=0.7, **known)
    spec = spec_of(threshold=COST, k=0.1)
    champion = ChampionModel(old, spec.feature_columns(), "binary", usual_threshold=0.5)
    found = evaluate(spec, records_samples.prepared(), candidates=[new], champion=champion, store=store)
    result: dict[str, Any] = store.read_json(found.details)
    return result


@pytest.mark.slow
def test_each_model_is_judged_by_its_own_threshold(details: dict[str, Any]) -> None:
    assert details["threshold"] is None
    assert details["costs"]["thresholds"] == {"k-new": 0.05, "k-old": 0.7}
    called = {name: found["tp"] + found["fp"] for name, found in details["confusion"].items()}
    assert called["k-new"] > called["k-old"]
    values = {e["model_id"]: {v["name"]: v["value"] for v in e["holdout"]} for e in details["evaluations"]}
    counts = details["confusion"]["k-old"]
    assert values["k-old"]["cost"] == pytest.approx((counts["fp"] + 20 * counts["fn"]) / sum(counts.values()))
    assert values["k-new"]["roc_auc"] == values["k-old"]["roc_auc"]
    assert values["k-new"]["lift_at_k"] > 1


@pytest.mark.slow
def test_the_gain_of_the_list_and_both_calibrations_are_kept(details: dict[str, Any]) -> None:
    assert details["list"]["rows"] == 20
    assert details["list"]["gains"]["k-new"][0] == [0, 0]
    assert details["list"]["gains"]["k-new"][-1] == [1, 1]
    assert set(details["insight"]["calibrated"]) == {"before", "after"}
    assert 0 <= details["insight"]["calibrated"]["after"]["ece"] < 0.2


def test_a_spec_without_them_keeps_nothing_new() -> None:
    rows = Scored(np.array([1, 0], dtype="int8"), np.array([0.9, 0.1]))
    assert pictures(None, None, {"one": rows}) == {}


def test_costs_without_a_model_are_those_of_nobody_or_everybody() -> None:
    rows = Scored(np.array([1, 0, 0, 0], dtype="int8"), np.array([0.9, 0.1, 0.2, 0.3]))
    assert pictures(None, Costs(false_negative=2), {"one": rows})["costs"]["alone"] == 0.5
    assert pictures(None, Costs(false_negative=20), {"one": rows})["costs"]["alone"] == 0.75


@pytest.mark.parametrize(
    ("own", "metrics", "expected"),
    [
        (None, {"threshold": 0.2}, 0.2),  # a number is everybody's
        (0.07, {"threshold": 0.2}, 0.07),  # unless the champion was given its own
        (None, {"threshold": COST}, 0.4),  # a champion from before keeps what it serves with
        (0.0, {"threshold": COST}, 0.0),
    ],
)
def test_a_champion_is_judged_by_the_threshold_that_it_serves_with(
    own: float | None, metrics: dict[str, Any], expected: float
) -> None:
    candidate = Candidate(candidate_id="k-old", name="old", kind="logistic", status="fitted", threshold=own)
    assert threshold_of(spec_of(**metrics), ChampionModel(candidate, {}, "binary", usual_threshold=0.4)) == expected
