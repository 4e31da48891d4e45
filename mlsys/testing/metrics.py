"""What every metric must keep; subclass `MetricContract` with a fixture `metric` to test one of your own."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mlsys.metrics.base import Metric
from mlsys.metrics.classified import Classified
from mlsys.metrics.decided import LoggedChoices
from mlsys.metrics.logged import Logged, pack
from mlsys.metrics.predicted import Predicted
from mlsys.metrics.predictions import Predictions
from mlsys.metrics.scores import Scored


def scored_rows(n_rows: int = 400, *, skill: float = 1.0, decimals: int = 2, seed: int = 7) -> Scored:
    """Return rows whose scores know the truth by `skill` (0 is chance), rounded so that many are equal."""
    generator = np.random.default_rng(seed)
    y_true = (generator.random(n_rows) < 0.4).astype("int8")
    logits = skill * (2 * y_true - 1) + generator.normal(size=n_rows)
    return Scored(y_true, np.round(1 / (1 + np.exp(-logits)), decimals))


def predicted_rows(n_rows: int = 400, *, skill: float = 1.0, decimals: int = 2, seed: int = 7) -> Predicted:
    """Return rows whose predictions know the true number by `skill` (0 is chance), rounded so that many are equal."""
    generator = np.random.default_rng(seed)
    y_true = 20 + 5 * generator.normal(size=n_rows)
    share = skill / (1 + skill)
    guess = share * y_true + (1 - share) * (25 + 8 * generator.normal(size=n_rows))
    return Predicted(np.round(y_true, decimals), np.round(guess, decimals))


def classified_rows(n_rows: int = 400, *, skill: float = 1.0, decimals: int = 2, seed: int = 7) -> Classified:
    """Return rows of four classes, one of them small, whose probabilities know the truth by `skill` (0 is chance)."""
    generator = np.random.default_rng(seed)
    y_true = generator.choice(4, n_rows, p=[0.4, 0.3, 0.2, 0.1]).astype("int16")
    logits = 2 * skill * np.eye(4)[y_true] + generator.normal(size=(n_rows, 4))
    y_score = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Classified(y_true, np.round(y_score, decimals))


def decided_rows(n_rows: int = 400, *, skill: float = 1.0, seed: int = 7) -> LoggedChoices:
    """Return logged decisions, and those of a policy that knows the right action by `skill`.

    Of four actions one was never taken; who knows nothing takes it now and then, and else a wrong one.
    """
    random = np.random.default_rng(seed)
    situation, action = random.integers(0, 3, n_rows), random.integers(0, 3, n_rows)
    success = random.random(n_rows) < np.where(action == situation, 0.6, 0.1)
    ones = np.ones(n_rows, dtype=np.int64)
    logged = Logged(np.arange(n_rows), situation, ones, 4 * ones, action, success)
    knows = random.random(n_rows) < skill / (1 + skill)
    wrong = np.where(np.arange(n_rows) % 4 == 0, 3, (situation + 1) % 3)
    return LoggedChoices(pack(logged), np.where(knows, situation, wrong).astype("float64"))


# What each learning task's predictions look like.
SAMPLES: dict[str, Callable[..., Predictions]] = {
    "binary": scored_rows,
    "multiclass": classified_rows,
    "regression": predicted_rows,
    "policy": decided_rows,
}


def samples_of(metric: Metric, n_rows: int = 400, *, skill: float = 1.0) -> list[Predictions]:
    """Return made-up rows of each learning task that a metric measures."""
    return [SAMPLES[task](n_rows, skill=skill) for task in metric.tasks]


def repeated(predictions: Predictions, counts: np.ndarray) -> Predictions:
    """Return the sample in which each row stands as often as `counts` `(n_rows,)` says."""
    return predictions.where(np.repeat(np.arange(counts.size), counts))


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
        for skilled, random in zip(samples_of(metric, skill=4), samples_of(metric, skill=0), strict=True):
            better, worse = _number(metric, skilled), _number(metric, random)
            assert (better > worse) == (metric.direction == "higher")

    def test_order_of_rows_does_not_matter(self, metric: Metric) -> None:
        """A permutation of the rows has the same value."""
        for rows in samples_of(metric):
            shuffled = rows.where(np.random.default_rng(1).permutation(rows.y_true.size))
            assert math.isclose(_number(metric, shuffled), _number(metric, rows), rel_tol=1e-12)

    def test_no_rows_are_undefined(self, metric: Metric) -> None:
        """Nothing to judge gives None and a reason."""
        for rows in samples_of(metric):
            found = metric.value(rows.where(np.empty(0, "int64")))
            assert found.value is None
            assert found.reason

    def test_equal_rows_are_a_number_or_undefined_with_a_reason(self, metric: Metric) -> None:
        """Rows of one truth and one answer never give NaN or an unexplained None."""
        for rows in samples_of(metric):
            for place in range(20):
                found = metric.value(rows.where(np.full(5, place)))
                assert (found.value is None) == (found.reason is not None)
                assert found.value is None or math.isfinite(found.value)

    def test_replicates_equal_the_repeated_samples(self, metric: Metric) -> None:
        """A weight of k is the same as a row that stands k times."""
        for rows in samples_of(metric, 120):
            counts = np.random.default_rng(2).multinomial(120, np.full(120, 1 / 120), size=20)
            found = metric.replicates(rows.resampled(counts.astype("float32")))
            expected = [_number(metric, repeated(rows, row)) for row in counts]
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)

    def test_replicates_have_one_float_per_weighting(self, metric: Metric) -> None:
        """The shape is `(n_replicates,)`, also without any."""
        for rows in samples_of(metric, 50):
            for n_replicates in (0, 1, 3):
                found = metric.replicates(rows.resampled(np.ones((n_replicates, 50), "float32")))
                assert found.shape == (n_replicates,)
                assert found.dtype == np.float64


def _number(metric: Metric, predictions: Predictions) -> float:
    value = metric.value(predictions).value
    assert value is not None
    return value
