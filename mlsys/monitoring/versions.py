"""How good the newest versions are by the labels that are known now: on the days on which each served, and on the same.

Labels that came late or were corrected count at once, for past champions too: what they said is kept by day, and days
that got other rows, or came after them, they score again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.errors import MlsysError, UsageError
from mlsys.ledger import ChampionChange
from mlsys.monitoring.metric_values import all_metrics, values_of
from mlsys.records import MetricValue, Snapshot
from mlsys.records.versions import SliceScore, VersionScore, VersionsReport
from mlsys.spec import Spec
from mlsys.store import canonical_json, write_atomically
from mlsys.wording import counted, number
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from mlsys.monitors.base import Window

DAYS = timedelta(days=28)
MOST = 5  # versions
_SLICED = ("fnr", "fpr")  # shown of each slice, beside the primary metric
_VALUES, _COLUMNS = 8, 6  # most slices of a column, most columns
_LEAST = 50  # labelled rows of a slice


@dataclass(frozen=True)
class _Version:
    """A version, the stretches of days on which it served, and its rows, or why it has none."""

    change: ChampionChange
    serves: bool
    stretches: tuple[tuple[date, date], ...]
    window: Window | None = None
    reason: str | None = None


def measure_versions(
    work: Workspace, pipeline: str, *, day: str | date | None = None, length: timedelta = DAYS
) -> VersionsReport:
    """Measure the newest versions on the days up to `day`, keep the report, and return it.

    Raises:
        UsageError: no such pipeline or day, no champion, or no rows of the day.
        DataError, TransientError: the source is refused, locked or unreachable.
        RunError: the champion can't be loaded or can't score; a stored file is damaged.
    """
    from mlsys.monitoring.delays import label_delay, mature_day
    from mlsys.monitoring.live_arms import measure_arms
    from mlsys.monitoring.scoring import score
    from mlsys.monitoring.versions_page import keep
    from mlsys.spec import resolve

    spec = resolve(work.settings.spec_path(pipeline)).spec
    scored = score(work, pipeline, day=day)
    if scored.snapshot is None:
        raise UsageError(scored.sentence, where="--versions")
    snapshot, last = scored.snapshot, clock.last_day_before(scored.snapshot.cutoff)
    first = last - length + timedelta(days=1)
    delay = label_delay(work, spec, snapshot, first=last - 2 * length)
    mature = mature_day(spec, snapshot, delay)
    versions = list(_versions(work, spec, snapshot, days=(first, last)))
    since = max((v.change.cutoff.date() for v in versions if v.window is not None), default=None)
    served = tuple(_scored(spec, v, v.stretches, mature) for v in versions)
    same = ((since, last),) if since else ()
    report = VersionsReport(
        pipeline=pipeline,
        day=last,
        first_day=first,
        mature=mature,
        primary=spec.metrics.primary,
        delay=delay,
        served=served,
        same_days=tuple(_scored(spec, v, same, mature) for v in versions) if len(versions) > 1 else (),
        since=since,
        arms=measure_arms(work, spec, snapshot, days=(first, last), mature=mature),
        sentence=_sentence(served, spec.metrics.primary, mature),
    )
    write_atomically(_path(work.home, pipeline), canonical_json(report.model_dump(mode="json")))
    keep(report, work.home)
    return report


def latest_versions(home: Path, pipeline: str) -> VersionsReport | None:
    """Return the newest report, or None; reads one file and loads nothing heavy."""
    path = _path(home, pipeline)
    return VersionsReport.load_json(path.read_bytes()) if path.exists() else None


def served_days(changes: Sequence[ChampionChange], last: date) -> dict[str, list[tuple[date, date]]]:
    """Return the days of data on which each candidate served, as stretches up to `last`, by the time of the data.

    A promoted version serves from its cutoff on: the first day that it had not seen. One that was rolled back to, or
    knows less than the one before, serves from the day on which that was done.
    """
    starts: list[date] = []
    for change in changes:
        start, before = change.cutoff.date(), starts[-1] if starts else date.min
        if change.at is not None and (change.kind in ("rollback", "expiry") or start < before):
            start = change.at.date()
        starts.append(max(start, before))
    found: dict[str, list[tuple[date, date]]] = {}
    for change, start, after in zip(changes, starts, [*starts[1:], last + timedelta(days=1)], strict=True):
        end = min(after - timedelta(days=1), last)
        stretches = found.setdefault(change.candidate_id, [])
        if start <= end:
            stretches.append((start, end))
    return found


def _versions(work: Workspace, spec: Spec, snapshot: Snapshot, *, days: tuple[date, date]) -> Iterator[_Version]:
    """Yield the newest versions that served in these days, newest first, each with its rows."""
    changes = work.ledger.champion_changes(spec.pipeline)
    stretches = served_days(changes, days[1])
    newest = {change.candidate_id: change for change in changes}  # of a candidate that served twice the last change
    order = sorted(newest.values(), key=lambda change: change.generation, reverse=True)
    present = changes[-1].candidate_id
    inside = [c for c in order if c.candidate_id == present or _any_since(stretches[c.candidate_id], days[0])]
    for change in inside[:MOST]:
        mine = tuple((max(a, days[0]), b) for a, b in stretches[change.candidate_id] if b >= days[0])
        serves = change.candidate_id == present
        try:
            window = _window(work, spec, change, snapshot, days=days)
            yield _Version(change, serves, mine, window)
        except MlsysError as error:  # an old model may be gone, or read columns that are no more
            yield _Version(change, serves, mine, reason=str(error))


def _window(
    work: Workspace, spec: Spec, change: ChampionChange, snapshot: Snapshot, *, days: tuple[date, date]
) -> Window:
    from mlsys.monitoring.scoring import score_as
    from mlsys.monitoring.window import window_of
    from mlsys.snapshot.manifest import read_manifest

    known = [entry.day for entry in read_manifest(snapshot.manifest, work.store).partitions]
    unseen = [day for day in known if days[0] <= day and clock.cutoff_of(day) > change.cutoff]
    score_as(work, spec, change, snapshot, unseen)
    length = days[1] - days[0] + timedelta(days=1)
    return window_of(work, spec, change, snapshot, length=length, slices=_asked(spec))


def _scored(spec: Spec, version: _Version, stretches: Sequence[tuple[date, date]], mature: date) -> VersionScore:
    """Return a version's values on its rows of these days."""
    import numpy as np

    known = VersionScore(champion=version.change.candidate_id, version=version.change.version, serves=version.serves)
    window = version.window
    if window is None:
        return known.model_copy(update={"reason": version.reason})
    inside = np.zeros(window.day.size, dtype=bool)
    for first, last in stretches:
        inside |= (window.day >= np.datetime64(first, "D")) & (window.day <= np.datetime64(last, "D"))
    due = inside & (window.day <= np.datetime64(mature, "D"))
    rows = due & window.labelled
    counts = {"n_rows": int(due.sum()), "n_labelled": int(rows.sum()), "n_immature": int((inside & ~due).sum())}
    if inside.any():
        ends = {"first_day": window.day[inside].min().astype(date), "last_day": window.day[inside].max().astype(date)}
        known = known.model_copy(update={**counts, **ends})
    if not rows.any():
        why = "no label is due yet" if inside.any() else "no row of these days that it had not seen"
        return known.model_copy(update={"reason": why})
    n_bad = int((~np.isfinite(window.y_score[rows])).sum())
    if n_bad:
        return known.model_copy(update={"reason": f"{counted(n_bad, 'score')} of these rows are no finite numbers"})
    values = _values(spec, window, rows, all_metrics(spec))
    return known.model_copy(update={"values": values, "slices": tuple(_slices(spec, window, rows))})


def _values(spec: Spec, window: Window, rows: np.ndarray, names: Sequence[str]) -> tuple[MetricValue, ...]:
    scores = window.target.predictions.of(window.y_true[rows], window.y_score[rows], threshold=window.threshold)
    return values_of(spec, scores, window.day[rows], names)


def _slices(spec: Spec, window: Window, rows: np.ndarray) -> Iterator[SliceScore]:
    """Yield the slices with enough labelled rows, the worst by the primary metric first."""
    primary = spec.metrics.primary
    names = [primary, *(name for name in _SLICED if name in spec.task_metrics and name != primary)]
    found = []
    for column, values in _sliced(window):
        counts = values[rows].value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
        for value in list(counts.index)[:_VALUES]:
            inside = rows & (values == value).to_numpy(dtype=bool)
            if inside.sum() >= _LEAST:
                measured = _values(spec, window, inside, names)
                found.append(SliceScore(name=f"{column} is {value}", n_rows=int(inside.sum()), values=measured))
    sign = 1 if window.directions[primary] == "higher" else -1
    known = [s for s in found if s.values[0].value is not None]
    yield from sorted(known, key=lambda each: (sign * (each.values[0].value or 0.0), each.name))


def _sliced(window: Window) -> Iterator[tuple[str, pd.Series]]:
    """Yield the columns whose values are slices: those that gates and monitors ask about, else categories."""
    named = window.answered.sliced if window.answered is not None else None
    if named is None:
        texts = [name for name, column in window.rows.items() if column.dtype.kind == "O" and name not in window.texts]
        named = window.rows[texts]
    yield from ((str(name), column.reset_index(drop=True)) for name, column in list(named.items())[:_COLUMNS])


def _asked(spec: Spec) -> tuple[str, ...]:
    """Return the columns that gates and monitors slice by."""
    asking = (*spec.gates, *spec.monitors.watch)
    return tuple(dict.fromkeys(name for each in asking for name in getattr(each, "reads", ())))


def _any_since(stretches: Sequence[tuple[date, date]], first: date) -> bool:
    return any(end >= first for _, end in stretches)


def _sentence(served: Sequence[VersionScore], primary: str, mature: date) -> str:
    def told(score: VersionScore) -> str:
        value = score.value(primary)
        if value is None or value.value is None:
            return f"{score.version} is not known ({score.reason or (value and value.reason) or 'undefined'})"
        interval = (
            "" if value.lower is None or value.upper is None else f" ({number(value.lower)} to {number(value.upper)})"
        )
        return f"{score.version} {number(value.value)}{interval} on {counted(value.n, 'row')}"

    values: Mapping[bool, list[str]] = {now: [told(s) for s in served if s.serves is now] for now in (True, False)}
    before = f"; before it {', '.join(values[False])}" if values[False] else ""
    return (
        f"{primary} on the days on which it served, with labels due up to {mature}: {', '.join(values[True])}{before}."
    )


def _path(home: Path, pipeline: str) -> Path:
    return home / "monitoring" / pipeline / "versions.json"
