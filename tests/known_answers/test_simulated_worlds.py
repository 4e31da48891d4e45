"""The comparison over many simulated worlds whose truth is known: errors of the first kind, coverage, power.

Scores are binormal: a positive row scores `skill` standard deviations higher, so that the true ROC AUC of a model is
Phi(skill / sqrt(2)). Half of the noise is common to both models, as it is for models fitted on the same data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from mlsys.evaluation.comparison import ComparisonRules, Contender, assess
from mlsys.gates.better_than_champion import BetterThanChampion
from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored
from mlsys.testing.gates import evidence

N_ROWS = 2000
WORLDS = 300
REPLICATES = 200
SKILL = 1.8


@dataclass(frozen=True)
class Simulated:
    n_worlds: int
    n_passes: int
    n_intervals: int
    n_covered: int


def true_auc(skill: float) -> float:
    return NormalDist().cdf(skill / sqrt(2))


def simulate(n_worlds: int, skill: float, champion_skill: float, *, seed: int) -> Simulated:
    generator = np.random.default_rng(seed)
    passes = covered = 0
    for world in range(n_worlds):
        y = (generator.random(N_ROWS) < 0.3).astype("int8")
        common = generator.normal(size=N_ROWS)
        entries = [
            Contender("new", "new", "candidate", "a", *_scored(y, common, skill, generator)),
            Contender("old", "old", "champion", "b", None, _scored(y, common, champion_skill, generator)[1]),
        ]
        metrics = [METRICS.parse("roc_auc")]
        found = assess(
            entries[:1], entries[1], metrics=metrics, rules=ComparisonRules("roc_auc", REPLICATES, seed=world)
        )
        gate = BetterThanChampion().judge(evidence(compared=found.comparisons["roc_auc"]))
        passes += gate.state == "pass"
        for evaluation, truth in zip(found.evaluations, (skill, champion_skill), strict=True):
            value = evaluation.on_holdout("roc_auc")
            assert value is not None
            assert value.lower is not None
            assert value.upper is not None
            covered += value.lower <= true_auc(truth) <= value.upper
    return Simulated(n_worlds, passes, 2 * n_worlds, covered)


def _scored(y: np.ndarray, common: np.ndarray, skill: float, generator: np.random.Generator) -> tuple[Scored, Scored]:
    logits = skill * y + sqrt(0.5) * common + sqrt(0.5) * generator.normal(size=y.size)
    holdout = Scored(y, 1 / (1 + np.exp(-logits)))
    return holdout, holdout  # the choice among candidates plays no part here


@pytest.fixture(scope="module")
def equal_worlds() -> Simulated:
    return simulate(WORLDS, SKILL, SKILL, seed=20)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):  # the matrices are small: more threads only wait for each other
        yield


@pytest.mark.slow
def test_an_equally_good_model_passes_in_about_five_percent_of_worlds(equal_worlds: Simulated) -> None:
    share = equal_worlds.n_passes / equal_worlds.n_worlds
    three_errors = 3 * sqrt(0.05 * 0.95 / equal_worlds.n_worlds)
    assert 0.05 - three_errors < share < 0.05 + three_errors


@pytest.mark.slow
def test_intervals_cover_the_truth(equal_worlds: Simulated) -> None:
    assert 0.92 <= equal_worlds.n_covered / equal_worlds.n_intervals <= 0.98


@pytest.mark.slow
def test_a_truly_better_model_mostly_passes() -> None:
    # True AUC 0.931 against 0.898; the difference has a standard error of 0.0073, so the power is 0.99.
    found = simulate(60, SKILL + 0.3, SKILL, seed=21)
    assert found.n_passes / found.n_worlds > 0.9
