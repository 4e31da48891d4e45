"""The recalibrated model of a walk-forward is what the candidate `recalibrate` would have been on these nights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from given.shop import CHANGE, day, edit_spec, enter, make_shop

from mlsys.backfill.backfill import backfill
from mlsys.backfill.days import SimulatedDay, Simulation, collect
from mlsys.backfill.recalibrated import Recalibrated, recalibrations
from mlsys.backfill.scores import ScoreBook, judged_days
from mlsys.dataset import dataset
from mlsys.models.calibration import line_of
from mlsys.models.fit_task import FitTask, Foundation
from mlsys.models.recalibrate import Recalibrate
from mlsys.records import BuiltOn, LearntRows
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.splits.base import TRAINING, VALIDATION
from mlsys.targets.regression import RegressionTarget
from mlsys.training import threshold as thresholds
from mlsys.training.of_champion import champion_for
from mlsys.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow

FIRST, REVERSED = 8, CHANGE + 9  # from then on training rows are of customers that have changed
NIGHTS = (FIRST, FIRST + 1, FIRST + 3, REVERSED)
SPLIT = {"kind": "time", "validation_days": 2, "holdout_days": 3, "train_window_days": 4}
COSTS = {"primary": "roc_auc", "replicates": 200, "threshold": {"kind": "cost", "false_negative": 3}}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A shop with a few simulated nights."""
    home = tmp_path_factory.mktemp("nights") / "home"
    make_shop(home, home / "pipelines", days=REVERSED + 1)
    edit_spec(home / "pipelines", registries=[], split=SPLIT, metrics=COSTS, models=[{"kind": "logistic"}])
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        with open_workspace() as opened:
            for night in NIGHTS:
                backfill(opened, "shop", first=day(night), last=day(night), parallel=1, reported=False)
            yield opened


@pytest.fixture
def simulation(work: Workspace) -> Simulation:
    found = collect(work, "shop")
    assert found is not None
    return found


def lines_of(work: Workspace, simulation: Simulation) -> dict[int, Recalibrated]:
    book = ScoreBook(work, simulation, judged_days(work, simulation))
    return {(model.day - day(0)).days: model for model in recalibrations(work, simulation, book)}


def night_of(simulation: Simulation, index: int) -> SimulatedDay:
    return next(model for model in simulation.days if model.day == day(index))


def candidate_of(work: Workspace, spec: Spec, first: SimulatedDay, night: SimulatedDay) -> tuple[Any, float | None]:
    """The candidate `recalibrate` of a night on which the first model is the champion, and its threshold."""
    learnt = LearntRows(
        manifest=first.prepared.snapshot.manifest, assignment=first.prepared.split.assignment, keyed=True
    )
    champion = BuiltOn(candidate_id=first.best.candidate_id, model=first.model, learnt=(learnt,))
    prepared = night.prepared.model_copy(update={"plan": night.plan.model_copy(update={"built_on": champion})})
    sides = [
        dataset.load(spec, prepared.snapshot, prepared.split, store=work.store, sides=[side])
        for side in (TRAINING, VALIDATION)
    ]
    rows, judging = sides
    built_on = champion_for(prepared, rows.key_hash, rows.day, keyed=True, store=work.store)
    assert isinstance(built_on, Foundation)
    task = FitTask(seed=1, threads=1, inner=np.zeros(len(rows.y), dtype=bool), champion=built_on)
    fitted = Recalibrate().fit(None, rows.rows, rows.y, task).pipeline
    return fitted, thresholds.choose(spec, fitted, thresholds.Judging(judging.rows, judging.y)).threshold


@pytest.mark.parametrize("index", NIGHTS[1:3])
def test_a_night_s_line_and_threshold_are_those_of_the_candidate(
    work: Workspace, simulation: Simulation, index: int
) -> None:
    fitted, threshold = candidate_of(work, simulation.spec, simulation.days[0], night_of(simulation, index))
    found, line = lines_of(work, simulation)[index], line_of(fitted)
    assert line is not None
    assert found.line.model_dump() == pytest.approx(line.model_dump())
    assert found.threshold == pytest.approx(threshold)
    assert found.threshold not in (None, 0.5)
    assert found.model == simulation.days[0].model


def test_where_the_candidate_is_refused_there_is_no_line(work: Workspace, simulation: Simulation) -> None:
    with pytest.raises(ValueError, match="no better than by lot"):
        candidate_of(work, simulation.spec, simulation.days[0], night_of(simulation, REVERSED))
    assert list(lines_of(work, simulation)) == list(NIGHTS[1:3])


def test_it_serves_from_the_next_day_on_with_its_own_probabilities(work: Workspace, simulation: Simulation) -> None:
    index = NIGHTS[1]
    fitted, _ = candidate_of(work, simulation.spec, simulation.days[0], night_of(simulation, index))
    book = ScoreBook(work, simulation, judged_days(work, simulation))
    judged = book.days[day(index + 1)]
    book.fill({judged.day: (simulation.days[0],)})
    listing = simulation.days[-1].prepared.snapshot.manifest
    frame = dataset.feature_frame(
        read_rows(listing, work.store, list(simulation.spec.feature_columns()), days={judged.day}),
        simulation.spec.feature_columns(),
    )
    scored = book.scored(lines_of(work, simulation)[index], judged.day)
    assert scored.answers == pytest.approx(fitted.predict_proba(frame)[judged.usable, 1])


def test_what_was_fitted_is_remembered(
    work: Workspace, simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lines_of(work, simulation)
    monkeypatch.delattr("mlsys.models.calibration.Line.on")
    assert lines_of(work, simulation) == before


def test_without_two_classes_or_later_nights_there_is_none(work: Workspace, simulation: Simulation) -> None:
    assert lines_of(work, replace(simulation, days=simulation.days[:1])) == {}
    target = RegressionTarget.model_validate({"column": "basket_value", "task": "regression"})
    numbers = replace(simulation, spec=simulation.spec.model_copy(update={"target": target}))
    book: Any = None
    assert recalibrations(work, numbers, book) == ()
