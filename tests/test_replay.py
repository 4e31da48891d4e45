"""Runs done again from what they left: identical where nothing differs, and what differs is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlsys import keys, replay
from mlsys.dataset.dataset import Dataset
from mlsys.errors import IntegrityError, UsageError
from mlsys.features.tabular import TabularFeatures
from mlsys.models.logistic import Logistic
from mlsys.records import Candidate
from mlsys.splits.base import HOLDOUT
from mlsys.targets.multiclass import MulticlassTarget
from mlsys.testing.features import COLUMNS
from mlsys.testing.model_problems import task_of, three_classes
from mlsys.training import model_file, training
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def runs(work: Workspace) -> list[str]:
    """The two runs of the shop, oldest first."""
    return replay.newest(work, ["shop"], last=20)


def disturbed(monkeypatch: pytest.MonkeyPatch, work: Workspace, by: float) -> None:
    """Let every logistic regression come out with another intercept."""
    fit = training.train_all

    def other(*arguments: Any, **named: Any) -> list[Candidate]:
        return [moved(candidate) for candidate in fit(*arguments, **named)]

    def moved(candidate: Candidate) -> Candidate:
        if candidate.kind != "logistic" or candidate.model is None:
            return candidate
        pipeline = model_file.load(candidate.model, work.store)
        pipeline[-1].intercept_ = pipeline[-1].intercept_ + by
        return candidate.model_copy(update={"model": model_file.save(pipeline, work.store)[0]})

    monkeypatch.setattr(training, "train_all", other)


def test_every_run_of_the_shop_is_identical(work: Workspace, runs: list[str]) -> None:
    before = work.ledger.pipelines(), len(work.ledger.decisions("shop"))
    for run_id in runs:
        found = replay.replay(work, run_id)
        assert (found.agreement, found.decision, found.causes) == ("identical", "identical", ())
        assert found.sentence.endswith("models, byte for byte, and the same decision")
        assert [model.agreement for model in found.models] == ["identical"] * len(found.models)
    assert len(runs) == 2
    assert (work.ledger.pipelines(), len(work.ledger.decisions("shop"))) == before


def test_another_last_bit_is_within_tolerance(
    work: Workspace, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disturbed(monkeypatch, work, 1e-12)
    found = replay.replay(work, runs[0])
    assert (found.agreement, found.decision) == ("within tolerance", found.decision)
    (other,) = [model for model in found.models if model.agreement != "identical"]
    assert other.largest is not None
    assert 0 < other.largest < 1e-9


def test_another_model_diverges_and_the_reason_is_looked_for(
    work: Workspace, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    disturbed(monkeypatch, work, 0.5)
    found = replay.replay(work, runs[0])
    assert found.agreement == "diverged"
    assert found.causes == ("nothing that is recorded differs: another processor, or a fit that does not repeat",)
    monkeypatch.setattr(keys, "versions", lambda: {**_versions, "scikit-learn": "9.9"})
    monkeypatch.setattr(keys, "code_fingerprint", lambda: "other")
    causes = replay.replay(work, runs[0]).causes
    assert causes == (f"scikit-learn {_versions['scikit-learn']} then, 9.9 now", "mlsys itself has changed")


_versions = keys.versions()


def test_models_of_several_classes_are_compared_in_all_of_them(work: Workspace) -> None:
    frame, y = three_classes()
    target = MulticlassTarget(column="kind").about(["a", "b", "c"])
    rows = np.arange(len(y))
    data = Dataset(frame, y, rows.astype("uint64"), rows.astype("M8[D]"), np.full(len(y), HOLDOUT), target)
    found = []
    for name, model in (("then", Logistic()), ("now", Logistic(C=0.01))):
        fitted = target.fit(model, model.transformer(TabularFeatures(), COLUMNS), frame, y, task_of(len(y)))
        digest, _ = model_file.save(fitted.pipeline, work.store)
        found.append(Candidate(candidate_id=name, name="logistic", kind="logistic", status="fitted", model=digest))
    compared = replay._compared(work, data, *found)
    assert compared.agreement == "diverged"
    assert compared.largest is not None
    assert 0.01 < compared.largest < 1


def test_a_changed_partition_is_no_divergence_but_an_error(work: Workspace, runs: list[str]) -> None:
    plan = work.ledger.plan(runs[0])
    manifest = next(row.snapshot for row in work.ledger.run(plan.run_id) if row.snapshot).manifest
    path = work.store.path(manifest)
    path.chmod(0o644)
    path.write_bytes(b"{}")
    with pytest.raises(IntegrityError):
        replay.replay(work, runs[0])


def test_what_is_no_run_gets_the_nearest_name(work: Workspace, runs: list[str]) -> None:
    with pytest.raises(UsageError, match=f"Did you mean '{runs[0]}'"):
        replay.replay(work, runs[0] + "x")


def test_a_run_that_fitted_nothing_is_refused(work: Workspace, runs: list[str]) -> None:
    rows = work.ledger.run(runs[0])
    begun = next(row for row in rows if row.status == "started")
    assert begun.plan is not None
    plan = begun.plan.model_copy(update={"run_id": "shop-early"})
    work.ledger.add_run("shop", begun.model_copy(update={"run_id": "shop-early", "plan": plan}))
    with pytest.raises(UsageError, match="ended before anything was fitted"):
        replay.replay(work, "shop-early")
