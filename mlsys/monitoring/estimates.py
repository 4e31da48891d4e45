"""Estimates beside real values: when the labels of a window have come, what was estimated for it is held against them.

An estimate and a real value lie apart by chance, each as far as its interval says. One that is farther off is
*outside*, in 5 % of windows at most where the estimates are right. An estimator that has been outside more often than
such luck gives in one of a hundred cases is not believed: its findings are inconclusive, so that it asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from math import comb, hypot

import numpy as np

from mlsys import clock
from mlsys.ledger import ChampionChange
from mlsys.monitoring.delays import label_delay, mature_day
from mlsys.monitoring.window import window_of
from mlsys.monitors.base import Monitor, Window
from mlsys.records import MetricValue, Snapshot
from mlsys.records.monitoring import CheckedEstimate, MonitorReport, MonitorResult
from mlsys.spec import Spec
from mlsys.wording import counted, number
from mlsys.workspace import Workspace

MOST = 8  # windows that are remembered, none of which shares a day with another
_DELAYS_FROM = timedelta(days=56)  # rows that say how long labels take
_FEWEST = 200  # labels of a window
_USUAL = 0.05  # of the windows lie outside where estimates are right
_LUCK = 0.01


def checked(
    work: Workspace,
    spec: Spec,
    change: ChampionChange,
    snapshot: Snapshot,
    *,
    looks: Sequence[MonitorResult],
    earlier: Iterable[MonitorReport],
) -> list[MonitorResult]:
    """Return the findings of tonight, those of estimates with what labels said of their estimates before.

    Args:
        work: where answers and labels lie.
        spec: whose `monitors.watch` made the findings, in this order.
        change: whose model is watched; estimates for other champions don't count.
        snapshot: what is known tonight.
        looks: the findings.
        earlier: reports of the days before, newest first.

    Raises:
        IntegrityError: a stored file is missing or damaged, or a day has other rows than those scored.
    """
    last = clock.last_day_before(snapshot.cutoff)
    mature = mature_day(spec, snapshot, label_delay(work, spec, snapshot, first=last - _DELAYS_FROM))
    watch = spec.monitors.watch
    oldest = mature - MOST * max(each.window for each in watch)
    reports = list(_due(earlier, change.candidate_id, mature, oldest))
    if not reports:
        return list(looks)
    reach = last - oldest + max(each.window for each in watch)
    window = window_of(work, spec, change, snapshot, length=timedelta(days=1), reach=reach)
    return [
        judged(result, list(_checks(each, result.name, reports, window))) if each.estimates else result
        for each, result in zip(watch, looks, strict=True)
    ]


def judged(result: MonitorResult, checks: Sequence[CheckedEstimate]) -> MonitorResult:
    """Return a finding with the checks of earlier estimates, newest first; inconclusive where these were too bad."""
    if not checks:
        return result
    n_outside = sum(check.outside for check in checks)
    told = f"{result.sentence} {_sentence(checks[0])}"
    kept = {"checked": tuple(checks), "sentence": told}
    if not too_often(n_outside, len(checks)) or result.state == "error":
        return result.model_copy(update=kept)
    off = (
        f"Of {counted(len(checks), 'window')} whose labels have come its estimates lay outside in {n_outside}, more "
        f"than chance gives: it is not believed, and asks for nothing."
    )
    doubted = {"state": "inconclusive", "reason": "estimates_were_off", "observed": None, "limit": None}
    return result.model_copy(update={**kept, **doubted, "sentence": f"{told} {off}"})


def too_often(n_outside: int, n: int) -> bool:
    """Return whether so many of `n` estimates lie outside as luck gives in less than one of a hundred cases."""
    usual = sum(comb(n, k) * _USUAL**k * (1 - _USUAL) ** (n - k) for k in range(n_outside))
    return 1 - usual < _LUCK


def _due(earlier: Iterable[MonitorReport], champion: str, mature: date, oldest: date) -> Iterator[MonitorReport]:
    """Yield the reports of a champion on windows whose labels are due, newest first."""
    for report in earlier:
        if report.day is None or report.day <= oldest:
            return
        if report.day <= mature and report.champion == champion:
            yield report


def _checks(each: Monitor, name: str, reports: Sequence[MonitorReport], window: Window) -> Iterator[CheckedEstimate]:
    """Yield the checks of a monitor's estimates for windows that share no day, newest first."""
    before, n_found = date.max, 0
    for report in reports:
        assert report.day is not None
        made = next((r.estimate for r in report.results if (r.monitor, r.name) == (each.kind, name)), None)
        if made is None or report.day > before or n_found == MOST:
            continue
        first = report.day - each.window + timedelta(days=1)
        real = _real(window, made.name, (first, report.day))
        if real is not None:
            n_found, before = n_found + 1, first - timedelta(days=1)
            yield CheckedEstimate(
                first_day=first, last_day=report.day, estimated=made, real=real, outside=outside(made, real)
            )


def outside(made: MetricValue, real: MetricValue) -> bool:
    """Return whether estimate and real value lie farther apart than both intervals together allow."""
    assert made.value is not None
    assert real.value is not None
    above = real.value > made.value
    ends = (made.upper, real.lower) if above else (made.lower, real.upper)
    apart = [abs(end - value) for end, value in zip(ends, (made.value, real.value), strict=True) if end is not None]
    return abs(real.value - made.value) > hypot(*apart)


def _real(window: Window, metric: str, days: tuple[date, date]) -> MetricValue | None:
    """Return a metric on the labelled rows of days; None where they are too few, or it is not defined on them."""
    answered = window.answered
    if answered is None:
        return None
    first, last = (np.datetime64(day, "D") for day in days)
    rows = answered.where((answered.day >= first) & (answered.day <= last))
    rows = rows.where(window.target.labelled(rows.y_true))
    if rows.y_true.size < _FEWEST or not np.isfinite(rows.y_score).all():
        return None
    predictions = window.target.predictions.of(rows.y_true, rows.y_score, threshold=window.threshold)
    found = window.measure(metric, predictions)
    return None if found.value is None or found.lower is None or found.upper is None else found


def _sentence(check: CheckedEstimate) -> str:
    def told(value: MetricValue) -> str:
        known = [each for each in (value.value, value.lower, value.upper) if each is not None]
        return f"{number(known[0])} ({' to '.join(number(bound) for bound in known[1:])})"

    verdict = "farther off than chance gives" if check.outside else "no farther off than chance gives"
    return (
        f"For {check.first_day} to {check.last_day} it had said {told(check.estimated)}; {check.real.n:,} labels say "
        f"{told(check.real)}, {verdict}."
    )
