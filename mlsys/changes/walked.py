"""Two specs retrained nightly over the same past days, each behind its own gates, and compared on the same rows.

Each spec's days are simulated as `mlsys backfill` does it; fits that both have in common are made once. Rows that only
one of the two can be judged on, for a check of the other sets them aside, are left out for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from mlsys.backfill.backfill import Backfilled, BackfillListener, backfill
from mlsys.backfill.days import SimulatedDay, Simulation, collect, spans
from mlsys.backfill.gates import judge_in_turn, promoted
from mlsys.backfill.measure import ByDay, plain
from mlsys.backfill.scores import ScoreBook, judged_days
from mlsys.backfill.strategies import GATED, Strategy
from mlsys.changes.gain import earned
from mlsys.changes.records import DailyPair, Earned, WalkedPair
from mlsys.errors import RunError, UsageError
from mlsys.metrics import METRICS
from mlsys.metrics.predictions import Predictions
from mlsys.schema import KEY
from mlsys.snapshot.rows import read_rows
from mlsys.spec import Spec
from mlsys.wording import counted, number, signed
from mlsys.workspace import Workspace


@dataclass(frozen=True)
class Days:
    """Past days to compare two specs on: `first` to `last`, both included, `parallel` side by side."""

    first: date
    last: date
    parallel: int = 1


@dataclass(frozen=True)
class _Side:
    """What one spec would have done.

    Attributes:
        service: the model that would have served on each day.
        book: its scores.
    """

    simulation: Simulation
    taken: tuple[SimulatedDay, ...]
    book: ScoreBook
    service: dict[date, SimulatedDay]


def walked(
    work: Workspace,
    name: str,
    days: Days,
    *,
    before: tuple[str, Spec],
    after: tuple[str, Spec],
    overrides: Sequence[str] = (),
    listener: BackfillListener | None = None,
) -> WalkedPair:
    """Simulate the days by both specs and return what the second would have earned over the first.

    Args:
        work: the installation.
        name: the pipeline.
        days: the range.
        before: digest of the stored spec of the last run, and that spec.
        after: fingerprint of the changed spec, and that spec.
        overrides: what makes the changed spec of the file.
        listener: told of each day of either spec.

    Raises:
        UsageError: an empty range, a source without time, or specs that predict different things.
        RunError: no day could be simulated by one of them.
        TransientError: the source or the ledger does not answer.
    """
    _require_alike(before[1], after[1])
    options = {"first": days.first, "last": days.last, "parallel": days.parallel, "listener": listener}
    then = backfill(work, name, stored_spec=before[0], reported=False, **options)  # type: ignore[arg-type]
    now = backfill(work, name, overrides=overrides, reported=False, **options)  # type: ignore[arg-type]
    old, new = _side(work, then), _side(work, now)
    spec = before[1]
    metric = spec.metrics.metric(spec.metrics.primary)
    scored, left_out = _on_the_same_rows(work, old, new)
    gained = earned(metric, *scored, n_replicates=spec.metrics.replicates, seed=spec.training.seed)
    daily = tuple(
        DailyPair(
            day=day,
            n_rows=scored[0][day].y_true.size,
            before=plain(metric, scored[0][day]).value,
            after=plain(metric, scored[1][day]).value,
            before_model=old.service[day].day,
            after_model=new.service[day].day,
        )
        for day in sorted(scored[0])
    )
    return WalkedPair(
        first=days.first,
        last=days.last,
        metric=metric.kind,
        higher=metric.direction == "higher",
        earned=gained,
        promotions_before=tuple(model.day for model in old.taken),
        promotions_after=tuple(model.day for model in new.taken),
        daily=daily,
        n_rows=sum(pair.n_rows for pair in daily),
        left_out=left_out,
        sentence=_sentence(gained, len(daily), len(old.taken), len(new.taken)),
    )


def _require_alike(before: Spec, after: Spec) -> None:
    if before.target.model_dump() != after.target.model_dump():
        raise UsageError(
            "The two specs predict different things: what they earn can't be compared",
            where="target",
            remedy="Leave out --backfill",
        )


def _side(work: Workspace, done: Backfilled) -> _Side:
    """Return what a spec would have done on its simulated days."""
    simulation = collect(work, done.pipeline, first=done.first, last=done.last, spec_fingerprint=done.spec_fingerprint)
    if simulation is None:
        why = done.failed[0].sentence if done.failed else "the source has no rows of them"
        raise RunError(f"None of the days {done.first} to {done.last} could be simulated: {why}", where=done.pipeline)
    taken = promoted(simulation.days, judge_in_turn(work, simulation))
    book = ScoreBook(work, simulation, judged_days(work, simulation))
    gated = Strategy(GATED, taken)
    service = {day: model for day in sorted(book.days) if (model := gated.serving(day)) is not None}
    book.fill({day: (model,) for day, model in service.items()})
    return _Side(simulation, taken, book, service)


def _on_the_same_rows(work: Workspace, old: _Side, new: _Side) -> tuple[tuple[ByDay, ByDay], dict[str, str]]:
    """Return the scores of both by day, on rows that both are judged on, and which days are left out, and why."""
    common = sorted(old.service.keys() & new.service.keys())
    found: tuple[dict[date, Predictions], dict[date, Predictions]] = ({}, {})
    without: list[date] = []
    rows = [_rows_of(work, side, common) for side in (old, new)]
    for day in common:
        places = _in_common(rows[0][day], rows[1][day])
        pair = [side.book.scored(side.service[day], day).where(at) for side, at in zip((old, new), places, strict=True)]
        if not places[0].size or not np.array_equal(pair[0].y_true, pair[1].y_true):
            without.append(day)
            continue
        for by_day, scored in zip(found, pair, strict=True):
            by_day[day] = scored
    served = old.book.days.keys() | new.book.days.keys()
    reasons = {
        "one of the two specs has no model that would serve yet": sorted(served - set(common)),
        "the two specs have no rows in common, or other labels of them": without,
    }
    return found, {spans(each): why for why, each in reasons.items() if each}


def _rows_of(work: Workspace, side: _Side, days: Sequence[date]) -> dict[date, np.ndarray]:
    """Return `(n_usable, 2)` what names the usable rows of each day, in the order of the scores.

    It is a row's key, and the how manyth of that key on its day it is.
    """
    if not days:
        return {}
    manifest = side.simulation.days[-1].prepared.snapshot.manifest
    keys = read_rows(manifest, work.store, [KEY], days=set(days))[KEY].to_numpy(zero_copy_only=False)
    found, start = {}, 0
    for day in days:
        judged = side.book.days[day]
        found[day] = _named(keys[start : start + judged.n_rows][judged.usable])
        start += judged.n_rows
    return found


def _named(keys: np.ndarray) -> np.ndarray:
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    place = np.empty(keys.size, dtype=keys.dtype)
    place[order] = np.arange(keys.size) - np.repeat(first, np.diff(np.r_[first, keys.size]))
    return np.column_stack([keys, place])


def _in_common(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the rows that two tables have in common stand in each, in the order of the first."""
    if np.array_equal(one, other):
        return np.arange(len(one)), np.arange(len(one))
    places = {tuple(row): at for at, row in enumerate(other.tolist())}
    pairs = [(at, places[tuple(row)]) for at, row in enumerate(one.tolist()) if tuple(row) in places]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _sentence(gained: Earned, n_days: int, before: int, after: int) -> str:
    title = METRICS.find(gained.metric).title
    promoted_times = f"promoted {counted(after, 'time')} instead of {before}"
    if gained.difference is None:
        return f"The two specs can't be compared: {gained.reason}. The new spec would have {promoted_times}."
    over = f"over {counted(n_days, 'day')}"
    if gained.lower is None or gained.upper is None or gained.next_lower is None or gained.next_upper is None:
        amount = f"{signed(gained.difference)} {title} {over}, without an interval ({gained.reason})"
        return f"The new spec would have earned {amount}, and {promoted_times}."
    expected = (
        f"Over as many days to come expect between {signed(gained.next_lower)} and {signed(gained.next_upper)}, "
        "if they are like these"
    )
    low, high, size = gained.lower, gained.upper, gained.difference
    if gained.verdict == "worse":
        low, high, size = -high, -low, -size
    interval = f"{title} ({number(low)} to {number(high)}) {over}"
    if gained.verdict == "not separated":
        said = f"is not separated from the old one, {signed(size)} {interval}, and would have {promoted_times}"
    else:
        verb = "earned +" if gained.verdict == "better" else "cost "
        said = f"would have {verb}{number(size)} {interval}, and {promoted_times}"
    return f"The new spec {said}. {expected}."
