"""Retrainings about past days: one run per UTC day of a range, several side by side, each in a process of its own.

A run of a backfill looks at its own day alone and never promotes, so days may come in any order. What they read is
taken in once, before the first of them: then all orders find the same partitions, and leave the same records.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal, Protocol
from uuid import uuid4

from mlsys import keys, pipeline
from mlsys.backfill.days import collect
from mlsys.backfill.records import WalkForward
from mlsys.backfill.walkforward import report_of
from mlsys.children import ChildExit, side_by_side
from mlsys.errors import MlsysError, UsageError
from mlsys.events import get_logger
from mlsys.ledger import Ledger
from mlsys.planning.plan import RunRequest, resolved_for
from mlsys.report import card
from mlsys.snapshot import ranges
from mlsys.snapshot.partitioning import layout_of
from mlsys.spec import Spec
from mlsys.training import training
from mlsys.validation import data_docs
from mlsys.workspace import Workspace

log = get_logger(__name__)

BackfillMode = Literal["simulate", "train"]
Reprocess = Literal["none", "failed", "completed"]
Status = Literal["done", "unchanged", "left", "no_data", "failed"]

_EMPTY_AT_ONCE = 50  # days without data that one child looks at; they cost less than a fork

# What an earlier run of a day may have ended with, for its day to be left as it is.
_LEFT: dict[Reprocess, frozenset[str]] = {
    "none": frozenset({"done", "failed"}),
    "failed": frozenset({"done"}),
    "completed": frozenset(),
}


@dataclass(frozen=True)
class DayOutcome:
    """What came of a day.

    Attributes:
        status: `done` now; `unchanged`, for the same data and spec were done before; `left` as an earlier run ended;
            `no_data`; or `failed`.
        exit_code: of a failed day, as of the command line.
    """

    day: date
    status: Status
    sentence: str
    run_id: str | None = None
    exit_code: int = 0


class BackfillListener(Protocol):
    """Told what the backfill does; the command line draws its progress from it."""

    def begin(self, days: Sequence[date]) -> None:
        """These days are going to be run, in this order."""

    def end(self, outcome: DayOutcome) -> None:
        """A day ended."""


@dataclass(frozen=True)
class Backfilled:
    """What a backfill did.

    Attributes:
        days: one outcome per day of the range, by day.
        report: the walk-forward report of the range; None in mode `train`, and where no day could be simulated.
        spec_fingerprint: of the spec that the days were run by.
    """

    pipeline: str
    first: date
    last: date
    mode: BackfillMode
    days: tuple[DayOutcome, ...]
    report: WalkForward | None = None
    spec_fingerprint: str = ""

    @property
    def counts(self) -> dict[Status, int]:
        """How many days ended how."""
        return dict(Counter(outcome.status for outcome in self.days))

    @property
    def failed(self) -> tuple[DayOutcome, ...]:
        """The days that failed in this backfill."""
        return tuple(outcome for outcome in self.days if outcome.status == "failed")

    @property
    def exit_code(self) -> int:
        """0 when no day failed, else the worst of their codes."""
        return max((outcome.exit_code for outcome in self.failed), default=0)


def backfill(
    work: Workspace,
    pipeline: str,
    *,
    first: date,
    last: date,
    mode: BackfillMode = "simulate",
    parallel: int = 1,
    backwards: bool = False,
    reprocess: Reprocess = "none",
    overrides: Sequence[str] = (),
    stored_spec: str | None = None,
    reported: bool = True,
    listener: BackfillListener | None = None,
) -> Backfilled:
    """Run every day from `first` to `last`; a simulation ends with the walk-forward report of the range.

    A day without data is counted, a failed one is named, and the others go on. Each day is run in a forked child: the
    caller must not have used an OpenMP pool or an MLflow client of its own.

    Args:
        work: its ledger's connections are closed before the children are forked, and opened again on use.
        pipeline: name of the spec.
        first: first UTC day.
        last: last UTC day, included.
        mode: `simulate`, or `train` to register each day's best model for the record.
        parallel: days run side by side.
        backwards: the newest day first.
        reprocess: days of an earlier run with the present spec that are run again: `none`, `failed` ones, or all
            `completed` ones; what is found unchanged is adopted.
        overrides: spec keys for these days alone, as `key.path=value`.
        stored_spec: digest of a spec that a run has stored, which takes the place of the file.
        reported: whether a simulation ends with the report.
        listener: told of each day.

    Raises:
        UsageError: an empty range, a source without time, a wrong spec.
        TransientError: the source or the ledger does not answer.
    """
    asked = RunRequest(pipeline, run_type="backfill", mode=mode, overrides=tuple(overrides), stored_spec=stored_spec)
    resolved = resolved_for(work, asked)
    _require_range(resolved.spec, first, last)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    left = _left(work, resolved.fingerprint, pipeline, mode=mode, reprocess=reprocess)
    todo = [day for day in (reversed(days) if backwards else days) if day not in left]
    batches = _batches(todo, _days_with_data(work, resolved.spec, todo))
    if listener:
        listener.begin(todo)
    outcomes = {day: left[day] for day in days if day in left}
    for outcome in _run_all(work, resolved.spec, batches, asked=asked, parallel=parallel):
        log.info("day_ended", pipeline=pipeline, day=outcome.day, status=outcome.status)
        outcomes[outcome.day] = outcome
        if listener:
            listener.end(outcome)
    wanted = mode == "simulate" and reported
    simulation = collect(work, pipeline, first=first, last=last) if wanted else None
    report = report_of(work, simulation) if simulation else None
    ended = tuple(outcomes[day] for day in days)
    return Backfilled(pipeline, first, last, mode, ended, report, resolved.fingerprint)


def _require_range(spec: Spec, first: date, last: date) -> None:
    if first > last:
        raise UsageError("The range ends before it begins", where="--from, --to", got=f"{first} to {last}")
    if not spec.source.timed:
        raise UsageError(
            "A source without time has no past: it shows what it holds today",
            where=f"{spec.pipeline}: source",
            remedy="Give the source an `event_time` (or `day_pattern`)",
        )


def _left(
    work: Workspace, fingerprint: str, name: str, *, mode: BackfillMode, reprocess: Reprocess
) -> dict[date, DayOutcome]:
    """Return the days whose newest run with the present spec ended in a way that `reprocess` leaves alone."""
    newest: dict[date, str] = {}
    status: dict[str, str] = {}
    outcomes = {decision.run_id: decision.outcome for decision in work.ledger.decisions(name)}
    for row in work.ledger.runs(name):
        status[row.run_id] = "failed" if outcomes.get(row.run_id) == "error" else row.status
        if row.plan is not None and row.plan.mode == mode and row.plan.spec_fingerprint == fingerprint:
            newest[row.plan.day] = row.run_id
    return {
        day: DayOutcome(day, "left", f"An earlier run of it is {status[run_id]}", run_id)
        for day, run_id in newest.items()
        if status[run_id] in _LEFT[reprocess]
    }


def _days_with_data(work: Workspace, spec: Spec, days: Sequence[date]) -> set[date]:
    """Take in what is new of a range of days and return those that now have rows; all where that can't be known."""
    if not days:
        return set()
    if not ranges.take_in(work, spec, min(days), max(days)):
        return set(days)
    return {partition.day for partition in work.ledger.partitions(spec.pipeline, layout_of(spec).fingerprint)}


def _batches(days: Sequence[date], with_data: set[date]) -> list[list[date]]:
    """Return the days in batches of one child each: a day with data alone, neighbours without data together."""
    batches: list[list[date]] = []
    for day in days:
        joins = batches and not {day, batches[-1][-1]} & with_data and len(batches[-1]) < _EMPTY_AT_ONCE
        if joins:
            batches[-1].append(day)
        else:
            batches.append([day])
    return batches


def _run_all(
    work: Workspace, spec: Spec, batches: Sequence[Sequence[date]], *, asked: RunRequest, parallel: int
) -> Iterator[DayOutcome]:
    _preload(spec)
    command = uuid4().hex[:12]
    workers = max(1, work.settings.workers // parallel)
    quieter = replace(work, settings=work.settings.model_copy(update={"workers": workers}))

    def request(day: date) -> RunRequest:
        return replace(asked, partition_key=str(day), request_id=f"backfill-{command}-{day}")

    by_name = {str(days[0]): days for days in batches}
    calls = {name: partial(_in_child, quieter, [request(day) for day in days]) for name, days in by_name.items()}
    # All candidates one after another, and as long again for the other steps.
    timeout = spec.training.timeout.total_seconds() * (len(spec.models) + 1)
    work.ledger.close()  # a connection must not be shared with a child
    for ended in side_by_side(calls, workers=parallel, timeout=timeout):
        yield from _outcomes(by_name[ended.name], ended)


def _preload(spec: Spec) -> None:
    """Import once what the children need; all days are run by the code that is imported here."""
    training.preload(spec.models, spec)
    keys.code_fingerprint()
    keys.versions()
    card.preload()
    if any(rule.scope == "partition" for rule in spec.checks.rules):
        data_docs.preload()


def _in_child(work: Workspace, requests: Sequence[RunRequest]) -> bytes:
    os.setpgid(0, 0)  # Ctrl-C reaches the parent alone, which ends this child and the fits that it has started
    ledger = Ledger(work.databases.ledger_url)
    try:
        own = replace(work, ledger=ledger)
        return json.dumps([_run(own, request) for request in requests]).encode()
    finally:
        ledger.close()


def _run(work: Workspace, request: RunRequest) -> Mapping[str, Any]:
    try:
        finished = pipeline.run(work, request)
    except MlsysError as error:
        return {"status": "failed", "sentence": str(error), "exit_code": error.exit_code}
    start, version = finished.start, finished.version
    if version is None:
        status = "no_data" if start.reason == "no_data_for_day" else "unchanged"
        return {"status": status, "sentence": start.sentence, "run_id": start.run_id}
    decision = version.decision
    failed = decision.outcome == "error"
    return {
        "status": "failed" if failed else "done",
        "sentence": decision.sentence,
        "run_id": start.run_id,
        "exit_code": 4 if failed else 0,
    }


def _outcomes(days: Sequence[date], ended: ChildExit) -> list[DayOutcome]:
    if ended.data is None:
        sentence = str(ended.error or f"Its process ended by {ended.cause}{ended.hint}")
        return [DayOutcome(day, "failed", sentence, exit_code=4) for day in days]
    return [DayOutcome(day, **found) for day, found in zip(days, json.loads(ended.data), strict=True)]
