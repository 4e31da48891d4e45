"""Whether retraining makes good a fall of the never retrained model within the range, and what stood in its way.

The newest days are looked at: a week, or the newer half of the days since the fall where these are fewer than two
weeks. On them each strategy stands somewhere between the level after the fall and the level before it. Half of the fall
is what counts as repaired: less leaves the model nearer to the fallen one than to what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from mlsys.backfill.records import Change, Recovery, StrategyResult
from mlsys.backfill.strategies import GATED, MONTHLY, NEVER, NIGHTLY, RECALIBRATED, WEEKLY
from mlsys.wording import number

NEWEST_DAYS = 7
FEWEST_DAYS = 3
ENOUGH = 0.5

SUBJECTS = {
    NEVER: "Never retraining",
    RECALIBRATED: "Recalibrating nightly",
    MONTHLY: "Retraining monthly",
    WEEKLY: "Retraining weekly",
    NIGHTLY: "Retraining nightly without gates",
    GATED: "Retraining nightly behind the gates",
}


def recoveries_of(strategies: Sequence[StrategyResult], change: Change | None) -> tuple[Recovery, ...]:
    """Return where each strategy stands on the newest days; empty without a fall, or with too few days since it.

    Days count on which every strategy that took a model has a value; each weighs the same.
    """
    if change is None:
        return ()
    known = {s.name: {d.day: d.value.value for d in s.daily if d.value.value is not None} for s in strategies}
    known = {name: values for name, values in known.items() if values}
    together = sorted(set.intersection(*map(set, known.values()))) if known else []
    since = [day for day in together if change.day is None or day >= change.day]
    newest = since[-min(NEWEST_DAYS, max(FEWEST_DAYS, len(since) // 2)) :]
    if len(newest) < FEWEST_DAYS or len(known) < 2:
        return ()
    found = []
    for name, values in known.items():
        mean = sum(values[day] for day in newest) / len(newest)
        share = (mean - change.after) / (change.before - change.after)
        found.append(Recovery(strategy=name, n_days=len(newest), value=mean, share=share))
    return tuple(found)


def repaired(found: Sequence[Recovery]) -> bool | None:
    """Return whether a strategy has made good enough of the fall; None without a fall."""
    if not found:
        return None
    return any(recovery.share >= ENOUGH for recovery in found)


def not_repaired(found: Sequence[Recovery], change: Change, title: str) -> str:
    """Return in words that no pace repairs the fall, and where the best of them stands."""
    by_name = {recovery.strategy: recovery for recovery in found}
    best = max((r for r in found if r.strategy != NEVER), key=lambda r: r.share)
    how = f"falls on {change.day}" if change.day else "falls steadily over the range"
    return (
        f"The model that is never retrained {how}, from {number(change.before)} to {number(change.after)} {title} in "
        f"the mean of days, and no pace of retraining makes good half of it within the range: over its newest "
        f"{best.n_days} days {SUBJECTS[NEVER].lower()} stands at {number(by_name[NEVER].value)}, and the best other, "
        f"{SUBJECTS[best.strategy].lower()}, at {number(best.value)}."
    )


def never_trained_on(withheld: Mapping[str, int], change: Change, last: date) -> tuple[str, ...]:
    """Return that the newest days were never trained on, and which model is the first to know the fall; `last` serves.

    Empty where every day trains too.
    """
    n = sum(withheld.values())
    if not n:
        return ()
    said = f"No model was trained on the newest {in_days(withheld)} before its cutoff"
    if change.day is None:
        return (f"{said}.",)
    first = change.day + timedelta(days=n)
    left = (last - first).days
    when = f"the last {left} day{'s' if left > 1 else ''} of the range" if left > 0 else "no day of the range"
    return (f"{said}: the first to have learnt from {change.day}, the model of {first}, serves on {when}.",)


def in_days(withheld: Mapping[str, int]) -> str:
    """Return days with what they are for.

    >>> in_days({"holdout": 7, "validation": 5})
    '12 days (holdout 7 + validation 5)'
    """
    n = sum(withheld.values())
    return f"{n} day{'s' if n != 1 else ''} ({' + '.join(f'{name} {days}' for name, days in withheld.items())})"
