"""How often intervals hold the truth: of all metrics of two classes, in worlds whose truth is known.

Scores are binormal, a little too sure of themselves, and the threshold is where a good model would have it. The truth
is that of two million rows.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest

from mlsys.metrics import METRICS
from mlsys.metrics.scores import Scored
from mlsys.metrics.units import ROWS, Units

NAMES = (
    "roc_auc", "pr_auc", "log_loss", "accuracy", "balanced_accuracy", "precision", "recall", "f1", "mcc", "fnr", "fpr"
)  # fmt: skip
ALL = [METRICS.parse(name) for name in NAMES]
THRESHOLDS = {0.02: 0.1, 0.1: 0.25, 0.5: 0.5}
SKILL = 1.0


def drawn(random: np.random.Generator, n_rows: int, share: float) -> Scored:
    y = (random.random(n_rows) < share).astype(np.int8)
    seen = (2 * y - 1) * SKILL + random.normal(size=n_rows)
    return Scored(y, 1 / (1 + np.exp(-(2.2 * SKILL * seen + np.log(share / (1 - share))))), THRESHOLDS[share])


@cache
def truth(share: float, n_rows: int) -> dict[str, float]:
    rows = drawn(np.random.default_rng(99), n_rows, share)
    return {metric.kind: metric.value(rows).value or 0.0 for metric in ALL}


def held(n_rows: int, share: float, n_worlds: int, *, of: int, seed: int = 1) -> dict[str, tuple[float, float]]:
    """Return by metric how many of the intervals hold the truth, and of how many worlds there is one."""
    random, known, there, right = np.random.default_rng(seed), truth(share, of), Counter[str](), Counter[str]()
    for _ in range(n_worlds):
        rows = drawn(random, n_rows, share)
        for metric in ALL:
            if metric.value(rows).value is None:
                continue
            found = metric.interval(rows, np.empty(0), 0.95, units=ROWS)
            if found.lower is not None and found.upper is not None:
                there[metric.kind] += 1
                right[metric.kind] += found.lower <= known[metric.kind] <= found.upper
    return {name: (right[name] / max(1, there[name]), there[name] / n_worlds) for name in NAMES}


@pytest.mark.slow
@pytest.mark.parametrize(("n_rows", "share"), [(200, 0.1), (1000, 0.5)])
def test_intervals_hold_the_truth_as_often_as_they_say(n_rows: int, share: float) -> None:
    for name, (right, there) in held(n_rows, share, 100, of=200_000).items():
        assert right > 0.95 - 3 * 0.0218, name  # standard errors of 100 worlds
        assert there > 0.98, name


@pytest.mark.long
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("n_rows", [200, 1000, 5000])
def test_intervals_hold_the_truth_whatever_the_size(n_rows: int, share: float) -> None:
    n_worlds = 1000
    least = 0.93 if n_rows * share >= 20 else 0.92
    for name, (right, there) in held(n_rows, share, n_worlds, of=2_000_000).items():
        if n_rows * share < 20 and there < 0.95:
            continue  # where many worlds have no interval, those that have one are not like all
        assert least - 0.013 < right < 0.97 + 0.015, (name, right)


@pytest.mark.slow
def test_intervals_of_rows_in_groups_hold_the_truth() -> None:
    """Customers with ten rows each, alike in label and in how the model sees them."""
    random, groups = np.random.default_rng(2), np.repeat(np.arange(100), 10)
    right: Counter[str] = Counter()

    def rows_of(n_groups: int) -> Scored:
        y = np.repeat((random.random(n_groups) < 0.3).astype(np.int8), 10)
        seen = (2 * y - 1) * SKILL + np.repeat(random.normal(size=n_groups), 10) + 0.5 * random.normal(size=y.size)
        return Scored(y, 1 / (1 + np.exp(-2 * seen)), 0.5)

    whole = rows_of(30_000)
    known = {metric.kind: metric.value(whole).value or 0.0 for metric in ALL}
    for _ in range(80):
        rows = rows_of(100)
        for metric in ALL:
            found = metric.interval(rows, np.empty(0), 0.95, units=Units("group", groups))
            right[metric.kind] += (found.lower or 0) <= known[metric.kind] <= (found.upper or 1)
    assert all(n / 80 > 0.95 - 3.5 * 0.0244 for n in right.values()), right
