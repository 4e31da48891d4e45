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

pytestmark = pytest.mark.slow

QUIET = 250
MOVED = 60


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with threadpool_limits(limits=1):  # the matrices are small: more threads only wait for each other
        yield


def share_of_alarms(monitor: Monitor, n_windows: int, *, first_seed: int, **changes: Any) -> float:
    metrics = [getattr(monitor, "metric", None) or "roc_auc"] if "metric" in type(monitor).model_fields else []
    made = (window(seed=first_seed + i, judged_by=metrics, **changes) for i in range(n_windows))
    states = [monitor.look(each).state for each in made]
    assert set(states) <= {"pass", "alarm"}
    return states.count("alarm") / n_windows


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"kind": "feature_drift", "limit": 1e-9}, 0.01),  # chance alone decides
        ({"kind": "feature_drift", "test": "ks", "limit": 0.0}, 0.01),
        ({"kind": "feature_drift", "test": "ks", "limit": 0.0, "significance": 0.2}, 0.2),
        ({"kind": "score_drift", "limit": 1e-9}, 0.01),
        ({"kind": "target_drift", "limit": 1e-9}, 0.01),
        ({"kind": "live_metric", "tolerance": 0.0}, 0.005),
        ({"kind": "live_metric", "tolerance": 0.0, "significance": 0.025, "metric": "log_loss"}, 0.025),
    ],
)
def test_false_alarms_are_as_rare_as_promised(settings: dict[str, Any], wanted: float) -> None:
    three_errors = 3 * sqrt(wanted * (1 - wanted) / QUIET)
    assert share_of_alarms(MONITORS.parse(settings), QUIET, first_seed=1000) < wanted + three_errors


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
