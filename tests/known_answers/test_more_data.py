"""How many rows would decide, against worlds whose truth is known: binormal scores, as in `test_simulated_worlds.py`.

A challenger is better by a known difference, too small for the rows there are. Of the worlds in which the gate rejects
it and what was seen is near the truth, the rows are foretold, and as many are drawn anew: the gate must then pass about
as often as promised.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from statistics import NormalDist, median

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from mlsys.evaluation.comparison import ComparisonRules, Contender, assess
from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored
from mlsys.promotion.more_data import POWER, times_as_many
from mlsys.records import GateResult
from mlsys.testing.gates import evidence

pytestmark = pytest.mark.slow

N_ROWS = 500
SKILL, BETTER = 1.8, 2.0
WORLDS, AGAIN = 150, 120
NEAR = 0.15  # of the true difference
REPLICATES = 200


def true_auc(skill: float) -> float:
    return NormalDist().cdf(skill / sqrt(2))


TRUTH = true_auc(BETTER) - true_auc(SKILL)


def judged(n_rows: int, skill: float, *, seed: int) -> GateResult:
    """Let the gate judge a challenger of some skill on rows drawn for this world."""
    generator = np.random.default_rng(seed)
    y = (generator.random(n_rows) < 0.3).astype("int8")
    common = generator.normal(size=n_rows)

    def scored(known: float) -> Scored:
        logits = known * y + sqrt(0.5) * common + sqrt(0.5) * generator.normal(size=n_rows)
        return Scored(y, 1 / (1 + np.exp(-logits)))

    new, old = scored(skill), scored(SKILL)
    entries = [Contender("new", "new", "candidate", "a", new, new), Contender("old", "old", "champion", "b", None, old)]
    roc_auc = [METRICS.parse("roc_auc")]
    found = assess(entries[:1], entries[1], metrics=roc_auc, rules=ComparisonRules("roc_auc", REPLICATES, seed))
    return BetterThanChampion().judge(evidence(compared=found.comparisons["roc_auc"]))


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def foretold() -> list[int]:
    """Rows that would decide, as foretold in worlds that were not decided and showed about the truth."""
    gates = [judged(N_ROWS, BETTER, seed=world) for world in range(WORLDS)]
    near = [
        gate
        for gate in gates
        if gate.state == "fail" and gate.estimate is not None and abs(gate.estimate - TRUTH) <= NEAR * TRUTH
    ]
    return [round(N_ROWS * times_as_many(gate)) for gate in near]


def test_about_the_promised_share_decides_on_as_many_rows(foretold: list[int]) -> None:
    assert len(foretold) >= 10
    chosen = [foretold[world % len(foretold)] for world in range(AGAIN)]
    passed = [judged(n, BETTER, seed=1_000 + world).state == "pass" for world, n in enumerate(chosen)]
    assert abs(sum(passed) / AGAIN - POWER) < 3 * sqrt(POWER * (1 - POWER) / AGAIN)


def test_on_the_rows_there_were_far_fewer_decide(foretold: list[int]) -> None:
    assert median(foretold) > 1.5 * N_ROWS
    passed = [judged(N_ROWS, BETTER, seed=5_000 + world).state == "pass" for world in range(AGAIN)]
    assert sum(passed) / AGAIN < 0.65


def test_an_equal_model_passes_no_more_often_however_many_rows(foretold: list[int]) -> None:
    passed = [judged(round(median(foretold)), SKILL, seed=9_000 + world).state == "pass" for world in range(AGAIN)]
    assert sum(passed) / AGAIN < 0.05 + 3 * sqrt(0.05 * 0.95 / AGAIN)
