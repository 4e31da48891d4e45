"""The beginning of a run: which day, which data, which key; and whether there is anything to do at all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from mlsys import clock, keys, snapshot
from mlsys.ledger import ChampionChange, RequestRow, RunRow
from mlsys.projection import project
from mlsys.promotion import plan_of
from mlsys.records import Mode, Plan, Snapshot, Start
from mlsys.spec import ResolvedSpec, resolve
from mlsys.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunRequest:
    """Somebody asks for a retraining.

    Attributes:
        day, partition_key, logical_date, run_type: what the asker knows of the day; `clock.resolve_day` decides.
        overrides: spec keys for this run alone, as `key.path=value`.
        request_id: the same id is the same request (an Airflow run); a fresh one by default.
    """

    pipeline: str
    day: str | date | None = None
    partition_key: str | None = None
    logical_date: datetime | None = None
    run_type: str = "manual"
    mode: Mode = "live"
    overrides: tuple[str, ...] = ()
    reason: str | None = None
    asked_by: str = "cli"
    request_id: str = field(default_factory=lambda: f"cli-{uuid4().hex[:12]}")


def open_run(work: Workspace, request: RunRequest) -> Start:
    """Fix day, snapshot, keys and plan of a run, and write the request into the ledger.

    Raises:
        UsageError: wrong day, override or spec. DataError: the source was refused; nothing was changed.
        TransientError: source or ledger locked or unreachable.
    """
    resolved = resolve(work.settings.spec_path(request.pipeline), request.overrides)
    spec = resolved.spec
    known = work.ledger.request(request.request_id)
    if known is not None and known.status == "accepted":
        return _repeated(work, known)
    project(work, spec.pipeline)
    day = clock.resolve_day(
        parameter=request.day,
        partition_key=request.partition_key,
        logical_date=request.logical_date,
        run_type=request.run_type,
        newest_complete=lambda: snapshot.newest_complete_day(spec),
    )
    taken = snapshot.take(spec, day.cutoff, catalog=work.ledger, store=work.store)
    if taken is None:
        return _skip(work, request, day, "no_data_for_day", f"The source has no rows of {day.day}")
    champion = work.ledger.champion(spec.pipeline)
    n_new = _rows_after(work, taken, champion)
    if champion is not None and day.cutoff > champion.cutoff and n_new < spec.ingest.min_new_rows:
        sentence = f"{n_new} new rows since the champion's data; the spec wants {spec.ingest.min_new_rows}"
        return _skip(work, request, day, "too_few_new_rows", sentence)
    plan = _plan(work, request, day=day, resolved=resolved, taken=taken, champion=champion)
    answered = _answered(work, plan, champion)
    if answered is not None:
        return _skip(work, request, day, "unchanged", answered, run_id=plan.run_id)
    return _go(work, request, plan, taken)


def _plan(
    work: Workspace,
    request: RunRequest,
    *,
    day: clock.ResolvedDay,
    resolved: ResolvedSpec,
    taken: Snapshot,
    champion: ChampionChange | None,
) -> Plan:
    training_key = keys.training_key(resolved, taken)
    return Plan(
        pipeline=request.pipeline,
        run_id=keys.run_id(request.pipeline, str(day.day), training_key, request.mode),
        request_id=request.request_id,
        day=day.day,
        day_source=day.source,
        cutoff=day.cutoff,
        mode=request.mode,
        reason=request.reason,
        spec=work.store.put_json(resolved.dump()),
        spec_fingerprint=resolved.fingerprint,
        training_key=training_key,
        seed=resolved.spec.training.seed,
        champion=champion.candidate_id if champion else None,
        overrides=resolved.overrides,
    )


def _go(work: Workspace, request: RunRequest, plan: Plan, taken: Snapshot) -> Start:
    first = next((row for row in work.ledger.run(plan.run_id) if row.plan is not None), None)
    # A run that was begun before goes on with its own plan and snapshot, so that its records stay the same.
    plan, taken = (first.plan or plan, first.snapshot or taken) if first else (plan, taken)
    new = f"{taken.n_new_rows:,} of them new in {taken.n_new_partitions} partitions"
    sentence = f"{taken.n_rows:,} rows up to {plan.day}, {new}"
    _begin(work, plan, taken, sentence)
    work.ledger.add_request(plan.pipeline, _row(request, "accepted", sentence, plan=plan))
    return Start(
        go=True, request_id=request.request_id, sentence=sentence, run_id=plan.run_id, plan=plan, snapshot=taken
    )


def _begin(work: Workspace, plan: Plan, taken: Snapshot, sentence: str) -> None:
    environment = {"versions": keys.versions(), "code": keys.code_fingerprint()}
    work.ledger.add_run(
        plan.pipeline,
        RunRow(
            run_id=plan.run_id,
            training_key=plan.training_key,
            status="started",
            sentence=sentence,
            plan=plan,
            snapshot=taken,
            parts={"environment": work.store.put_json(environment)},
        ),
    )
    log.info("run_started run=%s day=%s mode=%s rows=%d", plan.run_id, plan.day, plan.mode, taken.n_rows)


def _skip(
    work: Workspace,
    request: RunRequest,
    day: clock.ResolvedDay,
    reason: str,
    sentence: str,
    *,
    run_id: str | None = None,
) -> Start:
    row = _row(request, "skipped", sentence, day=day, reason=reason, run_id=run_id)
    work.ledger.add_request(request.pipeline, row)
    log.info("run_skipped pipeline=%s day=%s reason=%s", request.pipeline, day.day, reason)
    return Start(go=False, request_id=request.request_id, reason=reason, sentence=sentence, run_id=run_id)


def _row(
    request: RunRequest,
    status: Any,
    sentence: str,
    *,
    plan: Plan | None = None,
    day: clock.ResolvedDay | None = None,
    reason: str | None = None,
    run_id: str | None = None,
) -> RequestRow:
    return RequestRow(
        request_id=request.request_id,
        run_id=plan.run_id if plan else run_id,
        status=status,
        reason=reason,
        sentence=sentence,
        mode=request.mode,
        day=str(plan.day if plan else day.day if day else ""),
        day_source=plan.day_source if plan else day.source if day else None,
        asked_by=request.asked_by,
        parameters={"overrides": list(request.overrides), "reason": request.reason},
    )


def _repeated(work: Workspace, known: RequestRow) -> Start:
    """Return what the same request was answered before: a retried or cleared first task goes on where it stood."""
    rows = work.ledger.run(known.run_id or "")
    plan, taken = next((row.plan, row.snapshot) for row in rows if row.plan and row.snapshot)
    if rows[-1].status == "failed":
        _begin(work, plan, taken, known.sentence)
    return Start(
        go=True,
        request_id=known.request_id,
        sentence=known.sentence,
        run_id=known.run_id,
        plan=plan,
        snapshot=taken,
    )


def _answered(work: Workspace, plan: Plan, champion: ChampionChange | None) -> str | None:
    """Return why this run need not be done again, or None."""
    undone = _rolled_back(work, plan)
    if undone is not None:
        return f"{undone.previous} was trained on exactly this data and spec, and was rolled back: {undone.reason}"
    rows = work.ledger.run(plan.run_id)
    if champion is not None and plan_of(work.ledger, champion.run_id).training_key == plan.training_key:
        if champion.run_id != plan.run_id or (rows and rows[-1].status == "done"):
            return f"The champion {champion.candidate_id} was trained on exactly this data and spec"
        return None
    if not rows or rows[-1].status != "done":
        return None
    key = keys.decision_key(plan.training_key, plan.mode, champion.candidate_id if champion else None)
    made = work.ledger.decision(key)
    if made is None:
        return None
    return f"This data and spec were judged before: {made[1].outcome}, {made[1].sentence}"


def _rolled_back(work: Workspace, plan: Plan) -> ChampionChange | None:
    """Return the rollback of what this data and spec gave: only a person may let it serve again."""
    if plan.mode != "live":
        return None
    changes = work.ledger.champion_changes(plan.pipeline)
    for change in reversed(changes):
        run_id = work.ledger.run_of(change.previous) if change.previous and change.kind == "rollback" else None
        if run_id is not None and plan_of(work.ledger, run_id).training_key == plan.training_key:
            return None if changes[-1].candidate_id == change.previous else change
    return None


def _rows_after(work: Workspace, taken: Snapshot, champion: ChampionChange | None) -> int:
    partitions: Sequence[dict[str, Any]] = work.store.read_json(taken.manifest)["partitions"]
    last = clock.last_day_before(champion.cutoff).isoformat() if champion else ""
    return sum(int(partition["n_rows"]) for partition in partitions if partition["day"] > last)
