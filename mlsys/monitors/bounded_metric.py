"""A metric with its interval, and how much of a difference between two of them may be chance."""

from __future__ import annotations

from math import hypot
from statistics import NormalDist
from typing import NamedTuple

from mlsys.records import MetricValue

_USUAL = NormalDist().inv_cdf(0.975)  # of the intervals


class Bounded(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    lower: float
    upper: float


def bounded(found: MetricValue | None) -> Bounded | None:
    """Return a metric with its interval, or None where either is not known."""
    if found is None or found.value is None or found.lower is None or found.upper is None:
        return None
    return Bounded(found.value, found.lower, found.upper)


def loss_between(then: Bounded, now: Bounded, *, higher: bool) -> tuple[float, float]:
    """Return by how much a metric got worse, and the standard error of that, of the bounds that lie on its way.

    Args:
        then: what it was.
        now: what it is, on other rows.
        higher: whether more of it is better.
    """
    if higher:
        return then.value - now.value, hypot(now.upper - now.value, then.value - then.lower) / _USUAL
    return now.value - then.value, hypot(now.value - now.lower, then.upper - then.value) / _USUAL
