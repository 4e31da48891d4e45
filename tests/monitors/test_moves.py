from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wasserstein_distance

from mlsys.monitors.days import Chance
from mlsys.monitors.moves import Distance, Move, distance, judged, moves, wasserstein
from mlsys.monitors.texts import ThenAndNow

RANDOM = np.random.default_rng(3)
NORMAL = pd.Series(RANDOM.normal(size=4000))


def pair(then: object, now: object) -> ThenAndNow:
    return ThenAndNow("x", pd.Series(then), pd.Series(now))


def moved(probability: float) -> Move:
    """Return a column of which chance says so much."""
    null = Chance(mean=1.0, shape=1.0, freedom=1e9)
    return Move("x", null.limit(probability), null.limit(probability), null)


def test_the_wasserstein_distance_is_that_of_scipy_in_standard_deviations() -> None:
    then, now = RANDOM.normal(2, 3, 500), RANDOM.normal(3, 2, 300)
    wanted = wasserstein_distance(then, now) / then.std()
    assert wasserstein(pd.Series(then), pd.Series(now)) == pytest.approx(wanted)


def test_missing_numbers_and_constants_have_a_wasserstein_distance() -> None:
    missing, five = pd.Series([np.nan, np.nan]), pd.Series([5.0, 5.0])
    assert wasserstein(missing, five) == 0
    assert wasserstein(five, five) == 0
    assert wasserstein(five, pd.Series([6.0])) == pytest.approx(1 / 5)


@pytest.mark.parametrize("test", ["ks", "wasserstein", "chi2"])
def test_categories_move_by_the_share_of_rows_that_changed(test: Distance) -> None:
    then, now = np.array([400, 600]), np.array([60, 40])
    words = pair(["a"], ["b"])
    assert distance(words, then, now, test) == pytest.approx(0.2)


@pytest.mark.parametrize("test", ["psi", "ks", "chi2", "wasserstein"])
def test_all_tests_judge_chance_alike(test: Distance) -> None:
    small, none = (moves([pair(NORMAL, NORMAL[:900] + shift)], None, test=test, n_bins=10)[0] for shift in (0.3, 0.0))
    assert small.probability < 1e-4 < 0.05 < none.probability
    assert small.distance > small.by_chance(0.001)
    assert none.distance < none.by_chance(0.001)


def test_of_many_columns_the_first_has_to_be_the_rarer_the_more_there_are() -> None:
    assert judged([moved(0.5)] * 9 + [moved(0.002)], 0.01) == pytest.approx(0.001)
    assert judged([moved(0.002)], 0.01) == pytest.approx(0.01)


def test_of_many_columns_that_moved_the_last_needs_less() -> None:
    found = [moved(0.5)] * 5 + [moved(0.0001)] * 4 + [moved(0.004)]
    assert judged(found, 0.01) == pytest.approx(0.005)
