"""The walk-forward comparison on worlds whose truth is known: scores that were drawn, and a shop that was made.

Scores are binormal, as in `test_simulated_worlds.py`; the noise of a model is its own, part of the noise is common.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from given import shop
from given.drawn_days import FIRST, drawn_days, nth_day
from given.shop import day, edit_spec, enter, make_shop
from threadpoolctl import threadpool_limits

from mlsys.backfill.backfill import Backfilled, backfill
from mlsys.backfill.change import fall_of
from mlsys.backfill.days import SimulatedDay
from mlsys.backfill.measure import LEVEL
from mlsys.backfill.scores import JudgedDay
from mlsys.backfill.strategies import GATED, NEVER, NIGHTLY, WEEKLY, Compared, compare, strategies_of
from mlsys.metrics.scores import Scored
from mlsys.workspace import open_workspace

pytestmark = pytest.mark.slow

N_DAYS = 22
ROWS = 100
WORLDS = 100
SKILL = 1.8
FALLEN = 0.6
CHANGING = range(WORLDS, WORLDS + 60)
CHANGED = 10  # from this day on, a model of an older day has the skill FALLEN


@dataclass
class DrawnBook:
    """Stands in for `ScoreBook`: rows and scores of a world, drawn when they are asked for."""

    world: int
    changed: int

    def __post_init__(self) -> None:
        blank: Any = None
        self.days = {
            nth_day(n): JudgedDay(nth_day(n), "", ROWS, blank, self._rows(n)[0], blank) for n in range(1, N_DAYS)
        }

    def scored(self, model: SimulatedDay, judged: date) -> Scored:
        """What a model says of a day: as good as it is for a world of its kind."""
        n, made = (judged - FIRST).days, (model.day - FIRST).days
        y, common = self._rows(n)
        skill = FALLEN if made < self.changed <= n else SKILL
        own = np.random.default_rng([self.world, n, made, 1]).normal(size=ROWS)
        logits = skill * y + sqrt(0.5) * common + sqrt(0.5) * own
        return Scored(y, 1 / (1 + np.exp(-logits)))

    def _rows(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        generator = np.random.default_rng([self.world, n, 0])
        return (generator.random(ROWS) < 0.4).astype("int8"), generator.normal(size=ROWS)


def compared(world: int, *, changed: int = N_DAYS, alone: str | None = None) -> Compared:
    """Compare the strategies in a world, or look at one alone, for a share of the price.

    The gates would have promoted the day after the change, and days 0 and 5.
    """
    simulation = drawn_days(N_DAYS, seed=world)
    models = simulation.days
    gated = [models[n] for n in sorted({0, 5, min(changed, N_DAYS - 1)})]
    book: Any = DrawnBook(world, changed)
    strategies = strategies_of(simulation, gated)
    return compare(simulation, [each for each in strategies if alone in (None, each.name)], book)


def separated(found: Compared, pair: tuple[str, str]) -> int:
    """Return 1 or -1 when the interval of the first over the second lies above or below zero, else 0."""
    gain = next(g.comparison for g in found.gains if (g.strategy, g.over) == pair)
    assert gain.lower is not None
    assert gain.upper is not None
    return int(gain.lower > 0) - int(gain.upper < 0)


def fall(found: Compared) -> date | None:
    never = next(result for result in found.strategies if result.name == NEVER)
    values = [daily.value.value for daily in never.daily if daily.value.value is not None]
    change = fall_of([daily.day for daily in never.daily], values, direction="higher")
    return change.day if change else None


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def calm() -> list[Compared]:
    return [compared(world) for world in range(WORLDS)]


@pytest.fixture(scope="module")
def changing() -> list[Compared]:
    return [compared(world, changed=CHANGED) for world in CHANGING]


@pytest.mark.long
@pytest.mark.parametrize("pair", [(GATED, NEVER), (GATED, WEEKLY)])
def test_equal_strategies_are_separated_as_often_as_the_level_says(calm: list[Compared], pair: tuple[str, str]) -> None:
    share = sum(separated(found, pair) != 0 for found in calm) / WORLDS
    assert abs(share - (1 - LEVEL)) < 3 * sqrt(LEVEL * (1 - LEVEL) / WORLDS)


@pytest.mark.long
def test_a_calm_world_hardly_ever_shows_a_change(calm: list[Compared]) -> None:
    assert sum(fall(found) is not None for found in calm) <= 0.03 * WORLDS


@pytest.mark.long
def test_after_a_change_never_retraining_loses_in_every_world(changing: list[Compared]) -> None:
    assert all(separated(found, (GATED, NEVER)) == 1 for found in changing)
    assert all(separated(found, (WEEKLY, NEVER)) == 1 for found in changing)


def test_the_change_is_dated_right() -> None:
    found = [fall(compared(world, changed=CHANGED, alone=NEVER)) for world in CHANGING]
    assert found.count(nth_day(CHANGED)) >= 0.95 * len(found)


@pytest.mark.long
def test_intervals_of_strategies_that_are_compared_cover_the_truth(calm: list[Compared]) -> None:
    assert_covered(calm, n_strategies=4)


def test_intervals_cover_the_truth() -> None:
    # In a calm world one strategy is like another; the nightly one has another model on each day.
    assert_covered([compared(world, alone=NIGHTLY) for world in range(WORLDS)], n_strategies=1)


def assert_covered(calm: list[Compared], *, n_strategies: int) -> None:
    """Check how often the intervals of calm worlds cover what is true."""
    truth = NormalDist().cdf(SKILL / sqrt(2))
    covered = [
        result.overall.lower <= truth <= result.overall.upper
        for found in calm
        for result in found.strategies
        if result.overall.lower is not None and result.overall.upper is not None
    ]
    assert len(covered) == WORLDS * n_strategies
    # The strategies of a world share its rows: there are as many independent looks as worlds.
    assert abs(sum(covered) / len(covered) - LEVEL) < 3 * sqrt(LEVEL * (1 - LEVEL) / WORLDS)


# -- from rows to the answer, with models that are really trained ------------------------------------------------


@pytest.fixture
def calm_shop(tmp_path: Path) -> Iterator[Backfilled]:
    """A backfill of days 8 to 22 of a shop whose customers never change."""
    home = tmp_path / "home"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shop, "CHANGE", 1000)
        make_shop(home, home / "pipelines", days=23)
        split = {"kind": "time", "validation_days": 2, "holdout_days": 3, "train_window_days": 4}
        edit_spec(home / "pipelines", registries=[], split=split)
        enter(home, patched)
        with open_workspace() as work:
            yield backfill(work, "shop", first=day(8), last=day(22), parallel=2)


def test_the_answer_is_the_truth_of_a_shop_that_never_changes(calm_shop: Backfilled) -> None:
    # The same days of a shop that changes are asked in tests/backfill/test_walkforward.py.
    report = calm_shop.report
    assert report is not None
    assert report.gain.lower is not None
    assert report.gain.upper is not None
    # Not quite zero: the one model that serves for ever was fitted on 320 rows, with good luck or bad.
    assert report.change_day is None
    assert -0.02 < report.gain.lower < report.gain.upper < 0.02
    assert report.advice in (NEVER, WEEKLY)
