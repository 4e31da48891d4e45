"""How much each row moves a metric: against leaving it out, and against what is published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlsys.metrics import METRICS
from mlsys.metrics.base import Metric
from mlsys.metrics.influence import of_area, of_median
from mlsys.metrics.scores import Scored
from mlsys.metrics.units import ROWS
from mlsys.testing.metrics import samples_of

N_ROWS = 300
METRICS_OF_ALL = [METRICS.parse(name) for name in METRICS.names()]
SMOOTH = [m for m in METRICS_OF_ALL if m.kind != "median_ae" and any(m.influence(s) is not None for s in samples_of(m))]


def left_out(metric: Metric, rows: Scored) -> np.ndarray:
    """Return what leaving out each row does, times the others."""
    n_rows = rows.y_true.size
    weights = np.vstack([np.ones(n_rows), np.ones((n_rows, n_rows)) - np.eye(n_rows)])
    value, *without = metric.replicates(rows.resampled(weights))
    return (n_rows - 1) * (value - np.array(without))


@pytest.mark.parametrize("metric", SMOOTH, ids=lambda metric: metric.kind)
def test_influence_is_what_leaving_out_a_row_does(metric: Metric) -> None:
    for rows in samples_of(metric, N_ROWS):
        found, expected = metric.influence(rows), left_out(metric, rows)  # type: ignore[arg-type]
        assert found is not None
        assert abs(found.sum()) < 1e-8 * np.abs(found).sum()
        assert np.corrcoef(found, expected)[0, 1] > 0.999
        assert found.std() == pytest.approx(expected.std(), rel=0.03)


def test_most_metrics_say_how_much_rows_move_them() -> None:
    assert len(SMOOTH) >= 24


@pytest.mark.slow
@given(data=st.data())
def test_the_error_of_an_area_is_delongs(data: st.DataObject) -> None:
    """DeLong, DeLong and Clarke-Pearson 1988, by all pairs; with ties."""
    n_positive, n_negative = data.draw(st.integers(2, 12)), data.draw(st.integers(2, 12))
    scores = np.array(data.draw(st.lists(st.integers(0, 6), min_size=24, max_size=24)))[: n_positive + n_negative] / 10
    y = np.repeat([1, 0], [n_positive, n_negative]).astype(np.int8)
    wins = (scores[:n_positive, None] > scores[n_positive:]) + 0.5 * (scores[:n_positive, None] == scores[n_positive:])
    variance = wins.mean(axis=1).var(ddof=1) / n_positive + wins.mean(axis=0).var(ddof=1) / n_negative
    found = of_area(Scored(y, scores))
    assert found is not None
    assert ROWS.spread(found).error == pytest.approx(variance**0.5, abs=1e-12)


def test_one_row_of_a_class_does_not_say_how_much_it_moves_an_area() -> None:
    assert of_area(Scored(np.array([1, 0, 0], np.int8), np.array([0.3, 0.2, 0.4]))) is None


@pytest.mark.slow
def test_the_error_of_a_median_is_that_of_many_samples() -> None:
    random = np.random.default_rng(1)
    medians = [np.median(random.exponential(size=400)) for _ in range(2000)]
    errors = [ROWS.spread(of_median(random.exponential(size=400))).error for _ in range(200)]
    assert np.mean(errors) == pytest.approx(np.std(medians), rel=0.1)
