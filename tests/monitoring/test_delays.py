"""How long labels take is found although the young rows have none yet; simulated delays have a known truth."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from given.records_samples import snapshot
from given.tables_samples import visits_spec
from hypothesis import given, settings
from hypothesis import strategies as st

from mlsys.clock import last_day_before
from mlsys.monitoring.delays import delay_of, mature_day

DAY = 86400.0


def drawn(seed: int, *, n: int, mean: float, ever: float, span: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of `span` days whose labels take exponential delays of `mean` days, or (a share of them) never come."""
    rng = np.random.default_rng(seed)
    age, delay = rng.uniform(0, span, n) * DAY, rng.exponential(mean, n) * DAY
    delay[rng.random(n) >= ever] = np.inf
    known = delay <= age
    return np.where(known, delay, age), known


@pytest.mark.parametrize(("mean", "ever"), [(1.0, 1.0), (4.0, 1.0), (4.0, 0.6)])
def test_half_and_most_are_those_of_the_truth(mean: float, ever: float) -> None:
    halves, mosts, shares = [], [], []
    for seed in range(20):
        found = delay_of(*drawn(seed, n=4000, mean=mean, ever=ever, span=40), declared=timedelta(0))
        assert found is not None
        halves.append(found.half.total_seconds() / DAY)
        mosts.append(found.most.total_seconds() / DAY)
        shares.append(found.ever)
    assert np.median(halves) == pytest.approx(mean * np.log(2), rel=0.06)
    assert np.median(mosts) == pytest.approx(mean * np.log(20), rel=0.12)
    assert np.median(shares) == pytest.approx(ever, abs=0.02)


def test_the_delays_of_labels_that_are_there_would_be_too_short() -> None:
    waited, known = drawn(1, n=20_000, mean=10.0, ever=1.0, span=20)
    found = delay_of(waited, known, declared=timedelta(0))
    assert found is not None
    naive = np.median(waited[known]) / DAY
    assert naive < 0.8 * 10 * np.log(2)
    assert found.half.total_seconds() / DAY > naive


def test_words_say_whether_the_spec_allows_for_it() -> None:
    rows = drawn(2, n=4000, mean=1.0, ever=1.0, span=40)
    short, long = (delay_of(*rows, declared=timedelta(days=days)) for days in (1, 7))
    assert short is not None
    assert long is not None
    assert "younger days are immature" in short.sentence
    assert "allows for that" in long.sentence
    assert [days for days, _ in short.known] == [1, 2, 3, 5, 7]  # as long as any row waited


def test_few_labels_say_nothing() -> None:
    assert delay_of(np.full(100, DAY), np.arange(100) < 49, declared=timedelta(0)) is None


@pytest.mark.slow
@settings(max_examples=60)
@given(st.integers(0, 10_000), st.floats(0.1, 20), st.floats(0.3, 1), st.integers(300, 900))
def test_shares_rise_and_the_order_of_rows_plays_no_part(seed: int, mean: float, ever: float, n: int) -> None:
    waited, known = drawn(seed, n=n, mean=mean, ever=ever, span=30)
    found = delay_of(waited, known, declared=timedelta(0))
    if found is None:
        assert known.sum() < 50
        return
    order = np.random.default_rng(seed).permutation(n)
    assert delay_of(waited[order], known[order], declared=timedelta(0)) == found
    shares = [share for _, share in found.known]
    assert shares == sorted(shares)
    assert all(0 <= share <= found.ever <= 1 for share in shares)  # none where no row waited for a day
    assert found.half <= found.most


def test_without_young_rows_it_is_the_plain_quantile() -> None:
    waited = np.linspace(1, 100, 100) * 3600
    found = delay_of(waited, np.ones(100, dtype=bool), declared=timedelta(0))
    assert found is not None
    assert (found.half, found.most, found.ever) == (timedelta(hours=50), timedelta(hours=95), 1.0)


@pytest.mark.parametrize(
    ("declared", "most", "days"),
    [(0, None, 0), (2, None, 2), (2, timedelta(hours=30), 2), (2, timedelta(hours=49), 3)],
)
def test_labels_are_due_by_what_is_declared_and_by_what_was_measured(
    declared: int, most: timedelta | None, days: int
) -> None:
    taken = snapshot()
    source = {"kind": "sql", "url": "sqlite:///visits.db", "table": "visits", "event_time": "at", "timezone": "UTC"}
    spec = visits_spec(source, label={"delay": f"{declared}d"}, ingest={"lookback": "3d"})
    waited = None if most is None else np.full(100, most.total_seconds())
    delay = None if waited is None else delay_of(waited, np.ones(100, bool), declared=timedelta(days=declared))
    assert mature_day(spec, taken, delay) == last_day_before(taken.cutoff) - timedelta(days=days)
