"""The difference of two models: its bounds, and the rows that it rests on."""

from __future__ import annotations

import numpy as np
import pytest

from mlsys.evaluation.difference import flip, interval
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored
from mlsys.metrics.units import ROWS, Units

AREA = METRICS.parse("roc_auc")


def models(n_rows: int = 600, gain: float = 0.35, seed: int = 0) -> tuple[Scored, Scored]:
    random = np.random.default_rng(seed)
    y = (random.random(n_rows) < 0.3).astype(np.int8)
    common = random.normal(size=n_rows)
    logits = [skill * (2 * y - 1) + common + 0.7 * random.normal(size=n_rows) for skill in (1 + gain, 1.0)]
    return Scored(y, 1 / (1 + np.exp(-logits[0]))), Scored(y, 1 / (1 + np.exp(-logits[1])))


def difference(pair: tuple[Scored, Scored]) -> float:
    new, old = (AREA.value(rows).value for rows in pair)
    assert new is not None
    assert old is not None
    return new - old


def bounds(pair: tuple[Scored, Scored], units: Units = ROWS) -> tuple[float, float]:
    found = interval(AREA, pair, difference(pair), [], units=units, level=0.95)
    assert found.lower is not None
    assert found.upper is not None
    return found.lower, found.upper


@pytest.mark.slow
def test_the_error_is_that_of_many_samples() -> None:
    pairs = [models(seed=seed) for seed in range(300)]
    spread = np.std([difference(pair) for pair in pairs])
    widths = [(bounds(pair)[1] - bounds(pair)[0]) / 2 / 1.645 for pair in pairs[:60]]
    assert np.mean(widths) == pytest.approx(spread, rel=0.12)


def test_a_model_does_not_differ_from_itself() -> None:
    new, _ = models()
    assert bounds((new, new)) == (0, 0)


def test_a_level_that_asks_more_gives_a_lower_bound() -> None:
    pair = models()
    strict = interval(AREA, pair, difference(pair), [], units=ROWS, level=0.99)
    assert strict.lower is not None
    assert strict.lower < bounds(pair)[0]


def test_one_unit_has_no_interval() -> None:
    pair = models()
    found = interval(AREA, pair, difference(pair), [], units=Units("group", np.zeros(600)), level=0.95)
    assert (found.lower, found.reason) == (None, "all rows count as one")


def test_a_metric_that_does_not_say_how_rows_move_it_is_resampled() -> None:
    top, pair = METRICS.parse({"kind": "recall_at_k", "k": 0.1}), models()
    drawn = [np.linspace(0.5, 0.7, 200), np.linspace(0.4, 0.6, 200)]
    found = interval(top, pair, 0.1, drawn, units=ROWS, level=0.95)
    assert found.lower == pytest.approx(0.1)
    assert flip(top, pair, units=ROWS, level=0.95, limit=0.0) is None


@pytest.mark.parametrize(("gain", "seed"), [(0.2, 1), (0.35, 0), (0.02, 3)])
@pytest.mark.parametrize("limit", [0.0, -0.01])
def test_leaving_out_the_rows_turns_the_verdict_and_a_few_less_do_not(gain: float, seed: int, limit: float) -> None:
    pair = models(gain=gain, seed=seed)
    found = flip(AREA, pair, units=ROWS, level=0.95, limit=limit)
    assert found is not None
    assert found.n_rows is not None
    moves = [AREA.influence(rows) for rows in pair]
    assert moves[0] is not None
    assert moves[1] is not None
    passes = bounds(pair)[0] > limit
    order = np.argsort((moves[1] - moves[0]) if passes else (moves[0] - moves[1]), kind="stable")

    def lower_without(n: int) -> float:
        return bounds((pair[0].where(np.sort(order[n:])), pair[1].where(np.sort(order[n:]))))[0]

    assert (lower_without(found.n_rows) > limit) != passes
    assert (lower_without(int(0.9 * found.n_rows) - 1) > limit) == passes
    assert found.fragile == (found.n_rows < 6)


def test_a_model_that_is_far_better_stays_so_without_half_of_its_rows() -> None:
    y = np.tile([0, 1], 200).astype(np.int8)
    pair = (Scored(y, 0.2 + 0.6 * y), Scored(y, np.random.default_rng(0).random(400)))
    found = flip(AREA, pair, units=ROWS, level=0.95, limit=-1.0)
    assert found is not None
    assert (found.n_rows, found.fragile) == (None, False)


def test_a_verdict_within_a_hair_of_its_limit_is_fragile() -> None:
    pair = models(2000, gain=0.1)
    found = flip(AREA, pair, units=ROWS, level=0.95, limit=bounds(pair)[0] - 1e-5)
    assert found is not None
    assert (found.n_rows, found.fragile) == (1, True)
