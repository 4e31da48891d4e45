"""Monitors over many simulated windows whose truth is known: how often they alarm in vain, and what they miss."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from mlsys.monitors import MONITORS
from mlsys.monitors.base import Monitor
from mlsys.testing.monitors import window

pytestmark = pytest.mark.long

QUIET = 250
MOVED = 60
PROMISES: list[tuple[dict[str, Any], float]] = [
    ({"kind": "feature_drift", "limit": 1e-9}, 0.01),  # chance alone decides
    ({"kind": "feature_drift", "test": "ks", "limit": 0.0}, 0.01),
    ({"kind": "feature_drift", "test": "ks", "limit": 0.0, "significance": 0.2}, 0.2),
    ({"kind": "score_drift", "limit": 1e-9}, 0.01),
    ({"kind": "target_drift", "limit": 1e-9}, 0.01),
    ({"kind": "live_metric", "tolerance": 0.0}, 0.005),
    ({"kind": "live_metric", "tolerance": 0.0, "significance": 0.025, "metric": "log_loss"}, 0.025),
]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):  # the matrices are small: more threads only wait for each other
        yield


def shares_of_alarms(monitors: list[Monitor], n_windows: int, *, first_seed: int, **changes: Any) -> list[float]:
    """Return the share of windows in which each monitor alarms; making a window costs more than a look at it."""
    asked = [getattr(each, "metric", None) or "roc_auc" for each in monitors if "metric" in type(each).model_fields]
    states: list[list[str]] = [[] for _ in monitors]
    for i in range(n_windows):
        made = window(seed=first_seed + i, judged_by=asked, **changes)
        for seen, each in zip(states, monitors, strict=True):
            seen.append(each.look(made).state)
    assert {state for seen in states for state in seen} <= {"pass", "alarm"}
    return [seen.count("alarm") / n_windows for seen in states]


def share_of_alarms(monitor: Monitor, n_windows: int, *, first_seed: int, **changes: Any) -> float:
    return shares_of_alarms([monitor], n_windows, first_seed=first_seed, **changes)[0]


@pytest.fixture(scope="module")
def in_vain() -> list[float]:
    """The share of quiet windows in which each monitor of `PROMISES` alarms."""
    return shares_of_alarms([MONITORS.parse(settings) for settings, _ in PROMISES], QUIET, first_seed=1000)


@pytest.mark.parametrize("place", range(len(PROMISES)), ids=[str(settings) for settings, _ in PROMISES])
def test_false_alarms_are_as_rare_as_promised(in_vain: list[float], place: int) -> None:
    wanted = PROMISES[place][1]
    assert in_vain[place] < wanted + 3 * sqrt(wanted * (1 - wanted) / QUIET)


def test_the_luck_of_the_holdout_counts_too() -> None:
    # Holdout and window have 700 rows each: a rule that took the holdout's value for the truth would alarm in 8 %.
    monitor = MONITORS.parse({"kind": "live_metric", "tolerance": 0.0, "significance": 0.025})
    assert share_of_alarms(monitor, QUIET, first_seed=5000, n_before=700, n_rows=1400) < 0.052


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("feature_drift", {"shift": 0.5}),
        ({"kind": "feature_drift", "test": "ks"}, {"shift": 0.5}),
        ("score_drift", {"shift": 0.7}),
        ("live_metric", {"skill": 1.4}),  # true ROC AUC 0.84 in place of 0.92
    ],
)
def test_what_changed_is_mostly_seen(kind: str | dict[str, Any], changes: dict[str, Any]) -> None:
    assert share_of_alarms(MONITORS.parse(kind), MOVED, first_seed=9000, **changes) > 0.9
