from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from mlsys.components import STORED
from mlsys.monitors import MONITORS
from mlsys.monitors.ks_drift import KsDrift
from mlsys.monitors.moves import ks_distance
from mlsys.testing.monitors import window

NUMBERS = st.lists(st.one_of(st.floats(-5, 5), st.sampled_from([-1.0, 0.0, 1.0])), min_size=1, max_size=60)


def ternary(n_rows: int, seed: int, shares: tuple[float, float, float] = (0.5, 0.2, 0.3)) -> pd.DataFrame:
    """Return `(n_rows, 30)` columns of -1, 0 and 1."""
    drawn = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], (n_rows, 30), p=shares)
    return pd.DataFrame(drawn, columns=[f"f{i}" for i in range(30)])


def looked_at(reference: pd.DataFrame, rows: pd.DataFrame, **settings: Any) -> Any:
    made = window(n_rows=len(rows))
    day = np.full(len(rows), made.last_day, dtype="datetime64[D]")
    made = replace(made, reference=reference, rows=rows, day=day, past=None)
    return KsDrift(**settings).look(made)


@pytest.mark.slow
@given(NUMBERS, NUMBERS)
def test_the_distance_is_that_of_scipy(then: list[float], now: list[float]) -> None:
    with np.errstate(all="ignore"):  # of its p-value, for a handful of values
        reference = ks_2samp(then, now, method="asymp").statistic
    assert ks_distance(pd.Series(then), pd.Series(now)) == pytest.approx(reference)


def test_only_a_stored_spec_may_name_it() -> None:
    stored = {"kind": "ks_drift", "limit": 0.07}
    assert MONITORS.parse(stored, {STORED: True}) == KsDrift(limit=0.07)
    with pytest.raises(ValueError, match="feature_drift"):
        MONITORS.parse(stored)


def test_missing_values_stand_above_all_others() -> None:
    then, now = pd.Series([1.0, 2.0, 3.0, np.nan]), pd.Series([1.0, np.nan, np.nan, np.nan])
    assert ks_distance(then, now) == 0.5
    assert ks_distance(now, now) == 0
    assert ks_distance(pd.Series([1e308]), pd.Series([np.nan])) == 1


@pytest.mark.long
def test_thirty_ternary_columns_alarm_in_vain_in_no_more_than_the_promised_share_of_windows() -> None:
    alarms = [
        looked_at(ternary(3000, 2 * seed), ternary(400, 2 * seed + 1), limit=0.0).state == "alarm"
        for seed in range(100)
    ]
    assert sum(alarms) <= 3


@pytest.mark.slow
def test_many_rows_don_t_make_a_small_change_an_alarm() -> None:
    then, now = ternary(20_000, 1), ternary(20_000, 2, (0.46, 0.2, 0.34))  # significant beyond doubt
    assert looked_at(then, now, limit=0.0).state == "alarm"
    assert looked_at(then, now).state == "pass"


def test_few_rows_raise_the_limit_to_what_chance_gives() -> None:
    few, many = (looked_at(ternary(3000, 1), ternary(n, 2), limit=0.0) for n in (200, 3000))
    assert few.limit > 1.5 * many.limit


def test_a_column_that_moved_is_named_with_its_distance() -> None:
    now = ternary(800, 2)
    now["f7"] = ternary(800, 3, (0.2, 0.2, 0.6))["f7"]
    found = looked_at(ternary(3000, 1), now)
    assert found.state == "alarm"
    assert found.parts[0].name == "f7"
    assert found.parts[0].observed == pytest.approx(0.3, abs=0.05)
    assert found.sentence.startswith("1 feature moved away from the training rows in 800 rows")
    assert looked_at(ternary(3000, 1), now, ignore=("f7",)).state == "pass"


def test_a_share_of_missing_values_that_grows_is_seen() -> None:
    now = ternary(800, 2)
    now.loc[:300, "f3"] = np.nan
    assert {part.name for part in looked_at(ternary(3000, 1), now).parts[:2]} == {"f3", "f3: missing"}


def test_a_champion_of_categories_alone_is_not_judged() -> None:
    words = pd.DataFrame({"kind": pd.Series(["web", "app"] * 300, dtype=object)})
    found = looked_at(words, words)
    assert (found.state, found.reason) == ("inconclusive", "no_features")
