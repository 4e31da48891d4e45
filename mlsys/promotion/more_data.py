"""Whether more data of the same kind would decide what a run could not, and how much of it.

A bound lies `z * s` from its estimate, and the standard error `s` of an estimate from `n` independent rows shrinks as
`1 / sqrt(n)` (Efron and Tibshirani 1993, chapter 5). For a one-sided test of level `a` that passes with probability
`POWER` when the truth lies `gap` inside the limit, `s` must be `gap / (z_a + z_POWER)` (Chow, Shao and Wang, Sample
Size Calculations in Clinical Research, 2008, section 3.1). With a half width `half = z_a * s` on `n` rows that takes

    n * (half / gap) ** 2 * ((z_a + z_POWER) / z_a) ** 2

rows. It holds as far as the estimate is the truth: the smaller the gap beside `half`, the less can be said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from mlsys.records import EvaluationSet, GateResult, Snapshot
from mlsys.spec import Spec
from mlsys.wording import counted, number, signed

POWER = 0.8
MOST_DAYS = 100
_IF = "four times out of five, if the truth is as seen here."


def advice(spec: Spec, gates: Sequence[GateResult], evaluations: EvaluationSet, snapshot: Snapshot) -> str | None:
    """Return what more data would do for a rejected challenger, or None where it was not chance that stood in its way.

    None too where a gate failed that judges no bound: no more rows of the same kind change that.
    """
    missed = [gate for gate in gates if gate.state != "pass"]
    if not missed or any(_half(gate) is None for gate in missed):
        return None
    outside = next((gate for gate in missed if _gap(gate) <= 0), None)
    if outside is not None:
        shown = signed(outside.estimate or 0.0, outside.limit) if outside.unit == "difference" else None
        value = shown or number(outside.estimate or 0.0, outside.limit)
        limit = f"{outside.needs} {number(outside.limit or 0.0, outside.estimate)}"
        return f"More data of this kind would not help: the {outside.estimate_as} itself, {value}, is not {limit}."
    times = max(times_as_many(gate) for gate in missed)
    return _in_days(spec, times, evaluations.n_holdout, snapshot)


def times_as_many(gate: GateResult) -> float:
    """Return how many times as many rows a gate needs to pass with probability `POWER`, if its estimate is the truth.

    Of a gate that judges a bound and whose estimate lies inside the limit; at least 1.
    """
    normal = NormalDist()
    z = normal.inv_cdf(gate.level or 0.95)
    half = _half(gate) or 0.0
    return float(max(1.0, (half / _gap(gate)) ** 2 * ((z + normal.inv_cdf(POWER)) / z) ** 2))


def _in_days(spec: Spec, times: float, n_holdout: int, snapshot: Snapshot) -> str:
    """Say it in days: a split by time keeps its holdout, one by hash judges on more rows every night."""
    if spec.split.judging_days is not None:
        key, kept = spec.split.judging_days
        days = math.ceil(kept * times)
        about = f"of about {days:,} days" if days <= MOST_DAYS else f"of more than {MOST_DAYS} days"
        return (
            f"More nights alone would not decide it, for the holdout keeps its {counted(kept, 'day')}: one {about} "
            f"(`split.{key}`) would, {_IF}"
        )
    if snapshot.newest_event is None:
        return f"About {math.ceil(n_holdout * times):,} holdout rows in place of {n_holdout:,} would decide it, {_IF}"
    nights = math.ceil(snapshot.n_partitions * (times - 1))
    if nights > MOST_DAYS:
        return f"More than {MOST_DAYS} more nights of such data would decide it, {_IF}"
    return f"About {counted(max(nights, 1), 'more night')} of such data would decide it, {_IF}"


def _side(gate: GateResult) -> float:
    return -1.0 if gate.needs == "<=" else 1.0


def _half(gate: GateResult) -> float | None:
    """Return how far the bound lies from its estimate; None where the gate judges none, or both are the same."""
    if gate.estimate is None or gate.observed is None or gate.limit is None:
        return None
    return _side(gate) * (gate.estimate - gate.observed) or None


def _gap(gate: GateResult) -> float:
    """Return how far the estimate lies inside the limit; negative outside of it."""
    return _side(gate) * ((gate.estimate or 0.0) - (gate.limit or 0.0))
