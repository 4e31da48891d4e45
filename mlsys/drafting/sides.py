"""The split of a draft: by time where rows have days enough, by group where keys repeat, else by hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import Any

from mlsys.drafting.roles import Roles
from mlsys.drafting.target import TargetFound

_SHARE = 0.15  # of the rows on each of the two sides that judge
_MOST = 0.3
_ENOUGH_ROWS, _ENOUGH_OF_CLASS = 250, 40  # some more than the gates ask for
_TO_CHOOSE, _TO_CHOOSE_OF_CLASS = 150, 20  # tell candidates apart that matter; what they don't need trains
_LEAST_DAYS = 10


@dataclass(frozen=True)
class Sides:
    """How rows are divided.

    Attributes:
        rule: the keys of `split`, with a comment each.
        why: comment on the whole.
        holdout: its share of the labelled rows, about.
    """

    rule: dict[str, tuple[Any, str]]
    why: str
    holdout: float


def sides(roles: Roles, target: TargetFound, labelled_days: Mapping[date, float], last: date | None) -> Sides:
    """Return the split that suits; `labelled_days` are rows with a label by day, `last` the newest day of all."""
    share = _needed_share(target)
    by_time = _by_time(labelled_days, last, share)
    if by_time is not None:
        return by_time
    choosing = (_choosing_share(target), "which candidate is best")
    both = {"validation": choosing, "holdout": (share, "challenger against champion")}
    if roles.group is not None:
        rule = {"kind": ("group", ""), "column": (roles.group, ""), **both}
        why = f"all rows of one {roles.group} stand on one side: what repeats is not to be learnt by heart"
        return Sides(rule, why, share)
    by = "the key: a row's side never changes" if roles.key else "the row's content"
    few = " (the days are too few for a split by time)" if labelled_days else ""
    return Sides({"kind": ("hash", ""), **both}, f"by hash of {by}{few}", share)


def _needed_share(target: TargetFound) -> float:
    """Return the holdout's share: a fifth, or more where that is too few rows for a decision."""
    n = target.n_labelled
    rarest = min(target.counts.values()) if target.counts else n
    needed = max(0.2, _ENOUGH_ROWS / n, _ENOUGH_OF_CLASS / rarest if target.counts else 0.0)
    return round(min(0.4, needed), 2)


def _choosing_share(target: TargetFound) -> float:
    """Return the validation rows' share: a tenth, or up to a fifth where that is too few rows to choose by."""
    needed = [0.1, _TO_CHOOSE / target.n_labelled]
    if target.counts:
        needed.append(_TO_CHOOSE_OF_CLASS / min(target.counts.values()))
    return round(min(0.2, max(needed)), 2)


def _by_time(labelled_days: Mapping[date, float], last: date | None, share: float) -> Sides | None:
    if last is None or len(labelled_days) < _LEAST_DAYS:
        return None
    total = sum(labelled_days.values())
    wanted = round(max(_SHARE, min(_MOST, share * 0.75)) * total, 6)
    ages = sorted((last - day).days for day in labelled_days)
    rows = {(last - day).days: n for day, n in labelled_days.items()}
    seen = dict(zip(ages, accumulate(rows[age] for age in ages), strict=True))
    holdout = next((age + 1 for age in ages if seen[age] >= wanted), None)
    if holdout is None:
        return None
    judged = sum(n for age, n in rows.items() if age < holdout)
    until = next(
        (age + 1 for age in ages if age >= holdout and seen[age] - judged >= min(wanted, _SHARE * total)), None
    )
    if until is None or total - seen[until - 1] < 0.4 * total:
        return None
    rule = {
        "kind": ("time", ""),
        "validation_days": (until - holdout, "which candidate is best"),
        "holdout_days": (holdout, f"challenger against champion: about {judged:,.0f} labelled rows"),
    }
    return Sides(rule, "judge on the latest days, as the model will be used", judged / total)
