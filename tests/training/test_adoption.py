"""Fits that stand already are taken over byte for byte, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest
from given import records_samples
from given.records_samples import candidates, plan
from given.shop import day

from mlsys import pipeline
from mlsys.pipeline import Finished
from mlsys.planning.plan import RunRequest
from mlsys.records import MEASURED, BuiltOn, Candidate
from mlsys.training import training
from mlsys.training.adoption import as_first_fitted
from mlsys.workspace import Workspace

pytestmark = pytest.mark.slow

DAY = day(12)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of what is fitted, by each call."""
    fit, seen = training.train_all, []

    def watched(*arguments: Any, names: Any = None, **named: Any) -> list[Candidate]:
        seen.append(list(names))
        return fit(*arguments, names=names, **named)

    monkeypatch.setattr(training, "train_all", watched)
    return seen


def dry(work: Workspace, *overrides: str) -> Finished:
    return pipeline.run(work, RunRequest("shop", day=DAY, mode="dry", overrides=overrides))


def models(found: Finished) -> dict[str, str | None]:
    return {candidate.name: candidate.model for candidate in found.candidates}


def test_a_run_with_other_gates_adopts_what_was_fitted(work: Workspace, fits: list[list[str]]) -> None:
    before, after = dry(work), dry(work, "gates.0.at_least=0.99")
    assert fits == [["logistic", "prior"]]
    assert models(after) == models(before)
    assert after.version is not None
    assert (after.version.decision.outcome, after.version.decision.reason) == ("reject", "below_minimum")
    ids = [{candidate.candidate_id for candidate in found.candidates} for found in (before, after)]
    assert not ids[0] & ids[1]
    # What a fit would have given is what was adopted, field by field.
    (work.home / "cache" / "fitted").rename(work.home / "elsewhere")
    assert after.start.plan is not None
    prepared = pipeline.split(work, after.start.plan, after.start.snapshot, after.parts["checks"])  # type: ignore[arg-type]
    spec = work.spec_of(after.start.plan)
    again = training.train_all(spec, prepared, names=["logistic", "prior"], store=work.store, workers=1)
    assert [one.model_dump(exclude=set(MEASURED)) for one in again] == [
        one.model_dump(exclude=set(MEASURED)) for one in after.candidates
    ]


def test_only_the_candidate_that_changed_is_fitted(work: Workspace, fits: list[list[str]]) -> None:
    before, after = dry(work), dry(work, "models.0.C=0.05")
    assert fits == [["logistic", "prior"], ["logistic"]]
    assert models(after)["prior"] == models(before)["prior"]
    assert models(after)["logistic"] != models(before)["logistic"]


def test_what_housekeeping_removed_is_fitted_again(work: Workspace, fits: list[list[str]]) -> None:
    before = dry(work)
    work.store.path(str(models(before)["logistic"])).unlink()
    after = dry(work, "gates.0.at_least=0.99")
    assert fits == [["logistic", "prior"], ["logistic"]]
    assert models(after) == models(before)


def test_a_task_that_fits_one_candidate_adopts_it_too(work: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dry(work)
    start = pipeline.take_snapshot(work, RunRequest("shop", day=DAY, mode="dry", overrides=("metrics.level=0.9",)))
    assert start.plan is not None
    assert start.snapshot is not None
    prepared = pipeline.split(work, start.plan, start.snapshot, pipeline.validate(work, start.plan, start.snapshot))
    monkeypatch.setattr(training, "train", None)
    assert pipeline.train(work, prepared, name="logistic").model == models(before)["logistic"]


def test_what_a_candidate_was_made_of_first_it_stays_made_of() -> None:
    other, first = (BuiltOn(candidate_id=name, model="0" * 64) for name in ("other", "first"))
    plain, *rest = candidates()
    now = records_samples.prepared(plan().model_copy(update={"built_on": other}))
    assert as_first_fitted(now, [plain, *rest]) is now
    found = as_first_fitted(now, [plain, rest[0].model_copy(update={"built_on": first})])
    assert found.plan == now.plan.model_copy(update={"built_on": first})
