"""A recalibrated champion: its ranks, with a line on its log odds that is learnt from fresh rows alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import expit, logit

from mlsys.features.tabular import TabularFeatures
from mlsys.models.base import FitTask
from mlsys.models.calibration import Calibration, line, uncalibrated, without_line
from mlsys.models.fit_task import Foundation
from mlsys.models.logistic import Logistic
from mlsys.models.recalibrate import Recalibrate
from mlsys.testing.features import COLUMNS
from mlsys.testing.model_problems import easy_problem, task_of

N = 2000
FRAME, Y = easy_problem(N)


@pytest.fixture(scope="module")
def champion() -> Any:
    return Logistic().fit(TabularFeatures().build(COLUMNS), FRAME[:400], Y[:400], task_of(400)).pipeline


def told(champion: Any, *, fresh: np.ndarray | None = None, age: np.ndarray | None = None) -> FitTask:
    rows = np.ones(N, dtype=bool) if fresh is None else fresh
    return replace(task_of(N), champion=Foundation(champion, rows, np.zeros(N, dtype=int) if age is None else age))


def line_of(fitted: Any) -> tuple[float, float]:
    last = fitted.steps[-1][1].final_estimator_[-1]
    return float(last.coef_[0, 0]), float(last.intercept_[0])


@pytest.mark.slow
def test_slope_and_intercept_are_found_and_ranks_stay(champion: Any) -> None:
    scores = champion.predict_proba(FRAME)[:, 1]
    y = (np.random.default_rng(1).random(N) < expit(0.5 * logit(scores) - 1)).astype("int8")
    found = Recalibrate().fit(None, FRAME, y, told(champion))
    slope, intercept = line_of(found.pipeline)
    assert slope == pytest.approx(0.5, abs=0.1)
    assert intercept == pytest.approx(-1, abs=0.15)
    again = found.pipeline.predict_proba(FRAME)[:, 1]
    assert (np.argsort(again, kind="stable") == np.argsort(scores, kind="stable")).all()
    assert found.notes == (f"The champion, recalibrated on {N:,} rows of the newest 1 day that it had not seen",)


@pytest.mark.slow
def test_only_fresh_rows_of_the_newest_days_are_learnt_from(champion: Any) -> None:
    fresh, age = np.arange(N) >= 500, np.where(np.arange(N) < 1200, 9, 2)
    found = Recalibrate(days=5).fit(None, FRAME, Y, told(champion, fresh=fresh, age=age)).pipeline
    others = Y.copy()
    others[:1200] = 1 - others[:1200]
    same = Recalibrate(days=5).fit(None, FRAME, others, told(champion, fresh=fresh, age=age)).pipeline
    assert line_of(found) == line_of(same)
    more = Recalibrate(days=10).fit(None, FRAME, others, told(champion, fresh=fresh, age=age)).pipeline
    assert line_of(found) != line_of(more)


@pytest.mark.slow
def test_a_line_takes_the_place_of_a_line_and_of_nothing_else(champion: Any) -> None:
    once = Recalibrate().fit(None, FRAME, Y, told(champion)).pipeline
    more = np.where(np.arange(N) % 3 == 0, 1, Y).astype("int8")
    twice = Recalibrate().fit(None, FRAME, more, told(once)).pipeline
    assert uncalibrated(twice) is champion
    assert line_of(twice) == line_of(Recalibrate().fit(None, FRAME, more, told(champion)).pipeline)
    steps = Calibration(method="isotonic").calibrated(champion, FRAME, Y)
    assert without_line(steps) is steps
    assert without_line(champion) is champion


def test_too_few_fresh_rows_and_other_tasks_are_refused(champion: Any) -> None:
    fresh = np.arange(N) < 40
    with pytest.raises(ValueError, match="others, and 30 of each are needed"):
        Recalibrate().fit(None, FRAME, Y, told(champion, fresh=fresh))
    with pytest.raises(ValueError, match="no champion"):
        Recalibrate().fit(None, FRAME, Y, task_of(N))
    with pytest.raises(ValueError, match="two classes"):
        Recalibrate().fit(None, FRAME, Y + 1, told(champion))
    with pytest.raises(ValidationError, match="takes neither `resample` nor `calibrate`"):
        Recalibrate(calibrate=Calibration())


def test_a_champion_that_ranks_in_reverse_is_not_turned(champion: Any) -> None:
    with pytest.raises(ValueError, match="no better than by lot"):
        Recalibrate().fit(None, FRAME, 1 - Y, told(champion))


def test_a_part_of_the_rows_keeps_what_the_champion_knows_of_them(champion: Any) -> None:
    mask = np.arange(N) % 2 == 0
    part = told(champion, fresh=np.arange(N) < 100, age=np.arange(N)).part(mask).champion
    assert part is not None
    assert part.fresh.sum() == 50
    assert part.age.tolist() == list(range(0, N, 2))


def test_its_estimator_is_the_line() -> None:
    assert [name for name, _ in Recalibrate().estimator(task_of(4)).steps] == [name for name, _ in line().steps]
