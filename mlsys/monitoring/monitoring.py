"""The step `monitor`: all monitors of a spec look at the newest window, and the verdict asks for a retraining or not.

One alarm may be luck, so that enough windows have to alarm before a retraining is asked for (`asking.py`). Windows are
remembered as files, one per day; the newest one is cheap to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.errors import IntegrityError, MlsysError, UsageError
from mlsys.events import get_logger
from mlsys.monitoring.asking import Asking, asking
from mlsys.records import Snapshot
from mlsys.records.monitoring import ConfirmedGain, MonitorReport, MonitorResult, MonitorState, ScoreReport
from mlsys.store import canonical_json, write_atomically

if TYPE_CHECKING:
    from mlsys.ledger import ChampionChange
    from mlsys.monitors.base import Monitor, Window
    from mlsys.spec import Spec
    from mlsys.workspace import Workspace

log = get_logger(__name__)

_WORST_FIRST: tuple[MonitorState, ...] = ("alarm", "error", "inconclusive", "pass")
DRIFT = "drift"  # the page's name beside the report cards
_PARTS = 5  # per monitor in a report, and so many slices; all of them are in the details
_REPORT = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
# What a monitor raises when window and settings don't fit it. A full memory or a lock is no property of a monitor.
_MONITOR_ERRORS = (MlsysError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)


def monitor(work: Workspace, pipeline: str, *, day: str | date | None = None) -> MonitorReport:
    """Let all monitors look at the window that ends with `day`, keep the report of that day, and return it.

    Rows without scores are scored first. The same data and champion give the same report. Without a champion, rows or
    monitors there is nothing to look at: the report says so and is not kept.

    Raises:
        UsageError: no such pipeline, or no such day.
        DataError, TransientError: the source is refused, locked or unreachable.
        RunError: the champion can't be loaded or can't score; a stored file is damaged.
    """
    from mlsys.monitoring.scoring import score
    from mlsys.spec import resolve

    spec = resolve(work.settings.spec_path(pipeline)).spec
    scored = score(work, pipeline, day=day)
    nothing = _nothing_to_see(spec, scored)
    if nothing is not None:
        return nothing
    assert scored.snapshot is not None  # there is something to see
    report = _watched(work, spec, _serving(work, scored), scored.snapshot)
    write_atomically(_folder(work.home, pipeline) / f"{report.day}.json", canonical_json(report.dump()))
    log.info(
        "monitored",
        pipeline=pipeline,
        day=report.day,
        state=report.state,
        alarmed=report.n_alarmed,
        windows=report.n_windows,
        asks_retraining=report.asks_retraining,
    )
    return report


def latest(home: Path, pipeline: str) -> MonitorReport | None:
    """Return the report of the newest day, or None when there is none; reads one small file and loads nothing heavy."""
    newest = max(_days(home, pipeline), default=None)
    return None if newest is None else read_report(home, pipeline, newest)


def read_report(home: Path, pipeline: str, day: date) -> MonitorReport | None:
    """Return the report of a day, or None when there is none."""
    path = _folder(home, pipeline) / f"{day}.json"
    return MonitorReport.load_json(path.read_bytes()) if path.exists() else None


def drift_page(pipeline: str) -> Path:
    """Return where the page of the newest window lies, relative to MLSYS_HOME."""
    return Path("reports") / pipeline / f"{DRIFT}.html"


def _folder(home: Path, pipeline: str) -> Path:
    return home / "monitoring" / pipeline


def _days(home: Path, pipeline: str) -> list[date]:
    names = [path.name for path in _folder(home, pipeline).glob("*.json")]
    return sorted(date.fromisoformat(name.removesuffix(".json")) for name in names if _REPORT.fullmatch(name))


def _nothing_to_see(spec: Spec, scored: ScoreReport) -> MonitorReport | None:
    if scored.reason is None and spec.monitors.watch:
        return None
    sentence = scored.sentence if scored.reason else f"The spec of {spec.pipeline} names no monitors."
    return MonitorReport(
        pipeline=spec.pipeline,
        day=scored.day,
        champion=scored.champion,
        version=scored.version,
        state="inconclusive",
        reason=scored.reason or "no_monitors",
        sentence=sentence,
    )


def export_window(work: Workspace, pipeline: str, folder: Path, *, day: str | date | None = None) -> tuple[Path, Path]:
    """Write the rows that the monitors of a window compare as two Parquet files below `folder`, and return them.

    Raises:
        UsageError: there is nothing to compare (no champion, no rows of the day, no monitors), no such folder, or one
            from which the pipeline would read the files as data.
        DataError, TransientError, RunError: as `monitor`.
    """
    from mlsys.monitoring.export import NOW, THEN, export
    from mlsys.monitoring.scoring import score
    from mlsys.spec import resolve
    from mlsys.spec.outputs import require_no_drop

    spec = resolve(work.settings.spec_path(pipeline)).spec
    for name in (THEN, NOW):
        require_no_drop(spec, folder / name, where="--export")
    scored = score(work, pipeline, day=day)
    nothing = _nothing_to_see(spec, scored)
    if nothing is not None or scored.snapshot is None:
        raise UsageError(nothing.sentence if nothing else scored.sentence, where="--export")
    return export(_widest(work, spec, _serving(work, scored), scored.snapshot), folder)


def _serving(work: Workspace, scored: ScoreReport) -> ChampionChange:
    changes = work.ledger.champion_changes(scored.pipeline, of={str(scored.champion)})
    if not changes:
        raise IntegrityError("The ledger has no change that made this candidate champion", got=scored.champion)
    return changes[-1]


def _widest(work: Workspace, spec: Spec, change: ChampionChange, snapshot: Snapshot) -> Window:
    from mlsys.monitoring.window import window_of

    length, reach = (max(getattr(each, name) for each in spec.monitors.watch) for name in ("window", "reach"))
    sliced = [name for each in spec.monitors.watch for name in each.reads]
    return window_of(work, spec, change, snapshot, length=length, reach=reach, slices=sliced)


def _served(work: Workspace, spec: Spec, change: ChampionChange, window: Window) -> Window:
    """Return the window with the rows that were answered live, where a monitor looks at these; else the window."""
    from mlsys.monitoring.served_window import served_window

    lengths = [each.window for each in spec.monitors.watch if each.of_served]
    return served_window(work, spec, change, window, length=max(lengths)) if lengths else window


def _watched(work: Workspace, spec: Spec, change: ChampionChange, snapshot: Snapshot) -> MonitorReport:
    from mlsys.monitoring.drift_page import render
    from mlsys.report.page import keep

    gain = _gain(work, spec, change, snapshot)
    window = replace(_widest(work, spec, change, snapshot), confirmed=gain)
    served = _served(work, spec, change, window)
    looks = [_look(each, served if each.of_served else window) for each in spec.monitors.watch]
    found = tuple(_known(spec, result, window.last_day) for result in _believed(work, spec, change, snapshot, looks))
    state = min((result.counts_as for result in found), key=_WORST_FIRST.index)
    wish = asking(
        state,
        found,
        _earlier(work.home, spec.pipeline, window.last_day),
        day=window.last_day,
        champion=change.candidate_id,
        rule=spec.monitors,
    )
    report = MonitorReport(
        pipeline=spec.pipeline,
        day=window.last_day,
        champion=change.candidate_id,
        version=change.version,
        champion_cutoff=change.cutoff,
        state=state,
        sentence=_sentence(found, wish),
        results=tuple(map(_shortened, found)),
        n_rows=len(window.rows),
        n_labelled=int(window.labelled.sum()),
        n_alarmed=wish.n_alarmed,
        n_windows=wish.n_windows,
        asks_retraining=wish.asks,
        details=work.store.put_json([result.model_dump(mode="json") for result in found]),
        gain=gain,
    )
    if window.last_day >= max(
        _days(work.home, spec.pipeline), default=window.last_day
    ):  # else a newer one stands there
        keep(render(report, found, window), drift_page(spec.pipeline), home=work.home, run_id=change.run_id)
    return report


def _shortened(result: MonitorResult) -> MonitorResult:
    return result.model_copy(update={"parts": result.parts[:_PARTS], "slices": result.slices[:_PARTS]})


def _gain(work: Workspace, spec: Spec, change: ChampionChange, snapshot: Snapshot) -> ConfirmedGain | None:
    from mlsys.monitoring.confirmation import confirm

    try:
        return confirm(work, spec, change, snapshot)
    except _MONITOR_ERRORS as error:  # the model before it may be gone: what is watched is the one that serves
        log.warning("gain_not_confirmed", champion=change.candidate_id, reason=str(error))
        return None


def _believed(
    work: Workspace, spec: Spec, change: ChampionChange, snapshot: Snapshot, looks: Sequence[MonitorResult]
) -> Sequence[MonitorResult]:
    """Return the findings, those of estimates with what labels said of the ones before."""
    if not any(each.estimates for each in spec.monitors.watch):
        return looks
    from mlsys.monitoring.estimates import checked

    earlier = _earlier(work.home, spec.pipeline, clock.last_day_before(snapshot.cutoff))
    try:
        return checked(work, spec, change, snapshot, looks=looks, earlier=earlier)
    except _MONITOR_ERRORS as error:  # scores of old days may be gone: what is seen now is told all the same
        log.warning("estimates_not_checked", champion=change.candidate_id, reason=str(error))
        return looks


def _look(each: Monitor, window: Window) -> MonitorResult:
    from threadpoolctl import threadpool_limits

    try:
        with threadpool_limits(limits=1):
            return each.look(window)
    except _MONITOR_ERRORS as error:
        log.exception("monitor_failed", monitor=each.kind)
        reason = str(error) if isinstance(error, MlsysError) else f"{type(error).__name__}: {error}"
        return MonitorResult(
            monitor=each.kind,
            name=each.over(each.kind),
            state="error",
            sentence=f"It failed: {' '.join(reason.split())[:300].rstrip('.')}.",
            reason="monitor_error",
        )


def _known(spec: Spec, result: MonitorResult, day: date) -> MonitorResult:
    """Return a finding, marked where it is an alarm that the spec acknowledges."""
    slices = result.alarmed_slices
    known = spec.monitors.acknowledgement(result.monitor, day, slices=slices) if result.state == "alarm" else None
    if known is None:
        return result
    sentence = f"{result.sentence} Acknowledged until {known.until}: {known.reason.rstrip('.')}."
    return result.model_copy(update={"sentence": sentence, "acknowledged": known.reason})


def _earlier(home: Path, pipeline: str, day: date) -> Iterator[MonitorReport]:
    """Yield the reports of the days before `day`, newest first; each is read when it is asked for."""
    for before in reversed(_days(home, pipeline)):
        report = read_report(home, pipeline, before) if before < day else None
        if report is not None:
            yield report


def _sentence(found: Sequence[MonitorResult], wish: Asking) -> str:
    counts = [(state, [r.name for r in found if r.counts_as == state]) for state in _WORST_FIRST]
    told = "; ".join(f"{state}: {', '.join(names)}" for state, names in counts if names)
    return f"{told[0].upper()}{told[1:]}. {wish.sentence}"
