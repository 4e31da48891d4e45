"""Weights that make rows of then look like those of now."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlsys.monitors.density_ratio import density_ratio, encoded

NUMBERS = np.zeros(2, dtype=bool)


def drawn(seed: int, n: int, shift: float) -> np.ndarray:
    return np.random.default_rng(seed).normal([shift, 0.0], 1, (n, 2))


@pytest.mark.slow
def test_where_nothing_moved_every_row_weighs_about_one() -> None:
    found = density_ratio(drawn(1, 1000, 0.0), drawn(2, 1000, 0.0), categories=NUMBERS)
    assert found.weights.mean() == pytest.approx(1)
    assert found.effective > 900
    assert found.beyond == 0


@pytest.mark.slow
def test_weighted_rows_have_the_mean_of_the_rows_now() -> None:
    random = np.random.default_rng(3)
    then, now = random.normal(0, 1, (3000, 2)), random.normal([0.8, 0], 1, (3000, 2))
    found = density_ratio(then, now, categories=NUMBERS)
    assert (found.weights @ then[:, 0]) / found.weights.sum() == pytest.approx(0.8, abs=0.12)
    assert 300 < found.effective < 2400


def test_rows_unlike_any_are_told() -> None:
    assert density_ratio(drawn(1, 800, 0.0), drawn(2, 800, 6.0), categories=NUMBERS).beyond > 0.9


def test_categories_texts_and_missing_values_are_encoded_alike() -> None:
    then = pd.DataFrame({"n": [1.0, np.nan], "kind": pd.Series(["a", "a"], dtype=object), "t": ["ab", "abc"]})
    now = pd.DataFrame({"n": [2.0], "kind": pd.Series(["new"], dtype=object), "t": [None]})
    first, second, categories = encoded(then, now, {"t"})
    assert categories.tolist() == [False, True, False]
    np.testing.assert_array_equal(first, [[1.0, 0.0, 2.0], [np.nan, 0.0, 3.0]])
    np.testing.assert_array_equal(second, [[2.0, 1.0, np.nan]])
