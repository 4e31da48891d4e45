"""What a changed spec would do, before it goes live: what is reused, what is thrown away, and what would be decided.

The spec of the working tree, with what is set for this plan alone, is held against that of the last live run. Nothing
is written into the ledger, except by the simulated days that a comparison over past days asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from mlsys import clock, pipeline
from mlsys.backfill.backfill import BackfillListener
from mlsys.changes.records import CandidateOutlook, GatesSaid, KeyChange, SpecPlan, StoredRows, WalkedPair
from mlsys.changes.spec_keys import changed_keys, dearest
from mlsys.changes.walked import Days, walked
from mlsys.durations import in_words
from mlsys.errors import DataError, RunError, UsageError
from mlsys.ledger import RunRow
from mlsys.planning.libraries import require_libraries
from mlsys.planning.plan import RunRequest
from mlsys.promotion.envelope import spec_outside
from mlsys.records import Candidate, CheckReport, Decision, Plan, Prepared, Snapshot, Split
from mlsys.replay import judged_anew, left
from mlsys.report.formats import size
from mlsys.snapshot import snapshot
from mlsys.snapshot.joined import table_specs
from mlsys.snapshot.partitioning import layout_of
from mlsys.spec import Spec, resolve
from mlsys.spec.parts import fitted_by
from mlsys.wording import counted
from mlsys.workspace import Workspace

WORSE = 6  # exit code
_FITTED = "Fitted and judged on the rows of {} in the dry run {}; a live run about that day adopts what was fitted."
_REASON = "a plan that fits what has changed"
_GONE = "The candidates of then can't be judged again: their files were removed by housekeeping."


@dataclass(frozen=True)
class LastRun:
    """The last live run of a pipeline that decided, with the spec that it ran by.

    Attributes:
        rows: its transitions.
        fitted: its candidates by their names, less those that were fitted again after the gates.
    """

    plan: Plan
    snapshot: Snapshot
    spec: Spec
    rows: Sequence[RunRow]
    decision: Decision
    fitted: dict[str, Candidate]

    @property
    def seconds(self) -> float | None:
        """What it took from its newest beginning to its end."""
        began = [row.at for row in self.rows if row.status == "started" and row.at]
        ended = [row.at for row in self.rows if row.status == "done" and row.at]
        return round((ended[-1] - began[-1]).total_seconds(), 1) if began and ended else None


def last_run(work: Workspace, name: str) -> LastRun:
    """Return the last live run of a pipeline that came to a decision.

    Raises:
        UsageError: no such pipeline, or no such run.
        IntegrityError: a stored file is missing or was changed.
    """
    work.settings.spec_path(name)
    runs: dict[str, list[RunRow]] = {}
    for row in work.ledger.runs(name):
        runs.setdefault(row.run_id, []).append(row)
    decisions = {decision.run_id: decision for decision in reversed(work.ledger.decisions(name))}  # the gates' own
    ended = [rows for run_id, rows in runs.items() if rows[-1].status == "done" and run_id in decisions]
    live = [rows for rows in ended if next((row.plan for row in rows if row.plan), None) and _mode(rows) == "live"]
    if not live:
        raise UsageError(
            f"{name} has had no live run that decided: there is nothing to hold a change against",
            remedy=f"`mlsys preview {name}` shows what the first run would do",
        )
    rows = max(live, key=lambda found: str(found[-1].at))
    plan, taken, _ = left(work, rows)
    known = [each for each in work.ledger.candidates(plan.training_key) if each.judged_twin is None]
    fitted = {each.name: each for each in known}
    return LastRun(plan, taken, work.spec_of(plan), rows, decisions[plan.run_id], fitted)


def plan_of(
    work: Workspace,
    name: str,
    *,
    overrides: Sequence[str] = (),
    fit: bool = False,
    days: Days | None = None,
    listener: BackfillListener | None = None,
) -> SpecPlan:
    """Return what the spec of the working tree would do, with `key.path=value` overrides.

    Where nothing has to be fitted or read, the candidates of the last run are judged again. Where something has, `fit`
    does it in a dry run about the day of the last one, and a live run about that day adopts it. With `days`, both specs
    are retrained nightly over these days and compared; `listener` is told of each.

    Raises:
        UsageError: no such pipeline, a wrong spec or override, or no run to hold it against.
        DataError, TransientError: the source, which is read where the change is about it, or by the dry run.
        RunError: the dry run failed.
        IntegrityError: what the last run left is gone or was changed.
    """
    last = last_run(work, name)
    resolved = resolve(work.settings.spec_path(name), overrides)
    require_libraries(resolved.spec)
    work.require_registries(resolved.spec)
    changes = changed_keys(last.spec, resolved.spec)
    category = dearest(change.category for change in changes)
    refused = _lost(work, resolved.spec, last) if category == "data" else None
    stored = _thrown_away(work, last.spec, resolved.spec)
    tried = _tried(work, last, overrides) if fit and category in ("model", "data") and not refused else None
    again = _again(work, last, resolved.spec) if category == "gates only" and _kept(work, last) else tried
    then, now = (None, None) if again is None else (_judged(last.decision), _judged(again))
    candidates = tuple(_candidates(last, resolved.spec, reads=category == "data"))
    pair = None
    if days is not None and category != "no effect" and not refused:
        before, after = (last.plan.spec, last.spec), (resolved.fingerprint, resolved.spec)
        pair = walked(work, name, days, before=before, after=after, overrides=overrides, listener=listener)
    return SpecPlan(
        pipeline=name,
        run_id=last.plan.run_id,
        day=last.plan.day,
        spec_fingerprint=resolved.fingerprint,
        changes=changes,
        category=category,
        sentences=(
            *_sentences(last, changes, candidates, stored),
            *([] if now or category != "gates only" else [_GONE]),
            *([_FITTED.format(last.plan.day, tried.run_id)] if tried else []),
        ),
        candidates=candidates,
        stored=stored,
        seconds=last.seconds,
        then=then,
        now=now,
        dry_run=tried.run_id if tried else None,
        waits=spec_outside(work, resolved.spec) if category != "no effect" else None,
        refused=refused,
        walked=pair,
        exit_code=_exit_code(refused, now, pair),
    )


def _exit_code(refused: str | None, now: GatesSaid | None, pair: WalkedPair | None) -> int:
    if refused:
        return DataError.exit_code
    if now is not None and now.outcome == "error":
        return RunError.exit_code
    return WORSE if pair is not None and pair.earned.verdict == "worse" else 0


def _mode(rows: Sequence[RunRow]) -> str:
    return next(row.plan.mode for row in rows if row.plan)


def _kept(work: Workspace, last: LastRun) -> bool:
    """Whether what the last run fitted is still there; housekeeping removes the files of old candidates."""
    return all(work.store.renew(each.model) for each in last.fitted.values() if each.model is not None)


def _again(work: Workspace, last: LastRun, spec: Spec) -> Decision:
    _, _, parts = left(work, last.rows)
    prepared = Prepared(
        plan=last.plan,
        snapshot=last.snapshot,
        checks=CheckReport.load(parts["checks"]),
        split=Split.load(parts["split"]),
    )
    found = work.ledger.decision(last.decision.decision_key)
    assert found is not None
    candidates = list(last.fitted.values())
    return judged_anew(work, spec, prepared, candidates=candidates, then=found[0])


def _tried(work: Workspace, last: LastRun, overrides: Sequence[str]) -> Decision:
    """Return what a dry run about the day of the last one decides; one that was made before stands."""
    asked = RunRequest(
        last.plan.pipeline, day=last.plan.day, mode="dry", overrides=tuple(overrides), asked_by="plan", reason=_REASON
    )
    start = pipeline.run(work, asked).start
    made = work.ledger.decisions(last.plan.pipeline, of={str(start.run_id)})
    if not made:
        raise RunError(f"The dry run came to no decision: {start.sentence}", where=last.plan.pipeline)
    return made[-1]


def _judged(decision: Decision) -> GatesSaid:
    return GatesSaid(
        outcome=decision.outcome,
        reason=decision.reason,
        sentence=decision.sentence,
        challenger=decision.challenger,
        gates=decision.gates,
    )


def _candidates(last: LastRun, spec: Spec, *, reads: bool) -> Iterator[CandidateOutlook]:
    labels = [model.label for model in spec.models]
    for label in labels:
        known = last.fitted.get(label)
        same = known is not None and known.status == "fitted" and fitted_by(last.spec, label) == fitted_by(spec, label)
        yield CandidateOutlook(
            name=label,
            action="adopted" if same and not reads else "fitted",
            seconds=known.fit_seconds if known is not None and known.status == "fitted" else None,
        )
    for model in last.spec.models:
        if model.label not in labels:
            yield CandidateOutlook(name=model.label, action="left out")


def _thrown_away(work: Workspace, before: Spec, after: Spec) -> StoredRows | None:
    """Return the partitions of then that the changed spec does not read; None where it reads them all."""
    kept = {layout_of(each).fingerprint for each in (after, *table_specs(after))}
    gone = []
    for each in (before, *table_specs(before)):
        layout = layout_of(each).fingerprint
        gone += [] if layout in kept else work.ledger.partitions(each.pipeline, layout)
    files = {row.segment for row in gone}
    n_bytes = sum(work.store.path(digest).stat().st_size for digest in files if work.store.renew(digest))
    return StoredRows(n_days=len(gone), n_rows=sum(row.n_rows for row in gone), n_bytes=n_bytes) if gone else None


def _lost(work: Workspace, spec: Spec, last: LastRun) -> str | None:
    """Return in words that stored days would be lost; None where they would not."""
    for each in (spec, *table_specs(spec)):
        gone = snapshot.moving(each, clock.cutoff_of(last.plan.day), catalog=work.ledger, store=work.store)
        if gone.problem:
            return f"A run would lose {gone.text}, and wants `--accept-loss`: {gone.problem}"
    return None


def _sentences(
    last: LastRun, changes: Sequence[KeyChange], candidates: Sequence[CandidateOutlook], stored: StoredRows | None
) -> Iterator[str]:
    by_category = {change.category for change in changes}
    if not changes:
        yield f"The spec is that of the last live run, {last.plan.run_id}."
    if "no effect" in by_category:
        yield "No effect on models or decisions: nothing is fitted, read or judged again for it."
    if "gates only" in by_category:
        yield "Gates only: candidates are judged again, and none is fitted for it."
    if "model" in by_category:
        yield f"Model: {_fits(candidates, last)}."
    if "data" in by_category:
        yield f"Data: {_reading(stored)}, and every candidate is fitted again{_in_all(last)}."


def _fits(candidates: Sequence[CandidateOutlook], last: LastRun) -> str:
    named = {
        action: [f"{each.name}{_took(each)}" if action == "fitted" else each.name for each in candidates
                 if each.action == action]
        for action in ("fitted", "adopted", "left out")
    }  # fmt: skip
    said = [
        f"fitted again: {', '.join(named['fitted'])}" if named["fitted"] else "",
        f"adopted as they are on the rows of {last.plan.day}: {', '.join(named['adopted'])}"
        if named["adopted"]
        else "",
        f"left out: {', '.join(named['left out'])}" if named["left out"] else "",
    ]
    return "; ".join(filter(None, said))


def _took(candidate: CandidateOutlook) -> str:
    return "" if candidate.seconds is None else f" (took {candidate.seconds:.1f} s)"


def _in_all(last: LastRun) -> str:
    if not last.seconds:
        return ""
    return f" (the last run took {in_words(timedelta(seconds=round(last.seconds) or 1))} in all)"


def _reading(stored: StoredRows | None) -> str:
    if stored is None:
        return "the source is read by other rules from now on; what is stored stays"
    rows, days = counted(stored.n_rows, "row"), counted(stored.n_days, "day")
    return f"the source is read again; {rows} of {days} that are stored ({size(stored.n_bytes)}) are not used any more"
