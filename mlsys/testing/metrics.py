"""What every metric must keep; subclass `MetricContract` with a fixture `metric` to test one of your own."""

from __future__ import annotations

import math

import numpy as np

from mlsys.metrics.base import Metric
from mlsys.metrics.scores import Resampled, Scored


def scored_rows(n_rows: int = 400, *, skill: float = 1.0, decimals: int = 2, seed: int = 7) -> Scored:
    """Return rows whose scores know the truth by `skill` (0 is chance), rounded so that many are equal."""
    generator = np.random.default_rng(seed)
    y_true = (generator.random(n_rows) < 0.4).astype("int8")
    logits = skill * (2 * y_true - 1) + generator.normal(size=n_rows)
    return Scored(y_true, np.round(1 / (1 + np.exp(-logits)), decimals))


def repeated(scored: Scored, counts: np.ndarray) -> Scored:
    """Return the sample in which each row stands as often as `counts` `(n_rows,)` says."""
    return Scored(np.repeat(scored.y_true, counts), np.repeat(scored.y_score, counts), scored.threshold)


class MetricContract:
    """The contract; each test gets the metric from the fixture `metric`."""

    def test_says_what_it_is(self, metric: Metric) -> None:
        """Title, direction and the undefined rule are there for people to read."""
        assert metric.title
        assert metric.direction in ("higher", "lower")
        assert metric.undefined_when
        assert not metric.undefined_when.endswith(".")

    def test_skill_moves_it_in_its_direction(self, metric: Metric) -> None:
        """Near-perfect scores are better than random ones."""
        skilled, random = metric.value(scored_rows(skill=4)), metric.value(scored_rows(skill=0))
        assert skilled.value is not None
        assert random.value is not None
        assert (skilled.value > random.value) == (metric.direction == "higher")

    def test_order_of_rows_does_not_matter(self, metric: Metric) -> None:
        """A permutation of the rows has the same value."""
        scored = scored_rows()
        order = np.random.default_rng(1).permutation(scored.y_true.size)
        shuffled = Scored(scored.y_true[order], scored.y_score[order])
        assert math.isclose(_number(metric, shuffled), _number(metric, scored), rel_tol=1e-12)

    def test_no_rows_are_undefined(self, metric: Metric) -> None:
        """Nothing to judge gives None and a reason."""
        found = metric.value(Scored(np.empty(0, "int8"), np.empty(0)))
        assert found.value is None
        assert found.reason

    def test_one_class_is_a_number_or_undefined_with_a_reason(self, metric: Metric) -> None:
        """Rows of one class never give NaN or an unexplained None."""
        for label in (0, 1):
            for score in (0.1, 0.9):
                found = metric.value(Scored(np.full(5, label, "int8"), np.full(5, score)))
                assert (found.value is None) == (found.reason is not None)
                assert found.value is None or math.isfinite(found.value)

    def test_replicates_equal_the_repeated_samples(self, metric: Metric) -> None:
        """A weight of k is the same as a row that stands k times."""
        scored = scored_rows(120)
        counts = np.random.default_rng(2).multinomial(120, np.full(120, 1 / 120), size=20)
        found = metric.replicates(Resampled(scored, counts.astype("float32")))
        expected = [_number(metric, repeated(scored, row)) for row in counts]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)

    def test_replicates_have_one_float_per_weighting(self, metric: Metric) -> None:
        """The shape is `(n_replicates,)`, also without any."""
        scored = scored_rows(50)
        for n_replicates in (0, 1, 3):
            found = metric.replicates(Resampled(scored, np.ones((n_replicates, 50), "float32")))
            assert found.shape == (n_replicates,)
            assert found.dtype == np.float64


def _number(metric: Metric, scored: Scored) -> float:
    value = metric.value(scored).value
    assert value is not None
    return value
