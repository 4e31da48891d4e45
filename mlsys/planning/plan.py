"""The beginning of a run: which day, which data, which key; and whether there is anything to do at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import uuid4

from mlsys import clock, keys
from mlsys.errors import UsageError
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange, RequestRow, RunRow
from mlsys.planning.foundation import foundation
from mlsys.planning.libraries import require_libraries
from mlsys.records import HELD, HISTORICAL, Arrivals, Mode, Plan, Start
from mlsys.snapshot import snapshot
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.ranges import DayRange, take_in_once
from mlsys.snapshot.snapshot import Taken
from mlsys.spec import ResolvedSpec, flatten, resolve, resolved_again
from mlsys.wording import counted
from mlsys.workspace import Workspace

log = get_logger(__name__)


@dataclass(frozen=True)
class RunRequest:
    """Somebody asks for a retraining.

    Attributes:
        day, partition_key, logical_date, run_type: what the asker knows of the day; `clock.resolve_day` decides.
        mode: `auto` is a simulation in a backfill and live everywhere else.
        overrides: spec keys for this run alone, as `key.path=value`.
        stored_spec: digest of a spec that a run has stored, which takes the place of the file; overrides are in it.
        candidates: names of the spec's candidates to train; none means all.
        together: the days of the backfill that this run belongs to; None when whoever asks has taken them in.
        accept_loss: whether stored days may be lost by a change of the spec into which they can't be carried.
        approval: whether a person has the last word; None leaves it to the spec.
        request_id: the same id is the same request (an Airflow run); a fresh one by default.
        pages: addresses for a browser, kept with the run for its card: `airflow` of the run's page, `mlflow` of all
            pages there.
    """

    pipeline: str
    day: str | date | None = None
    partition_key: str | None = None
    logical_date: datetime | None = None
    run_type: str = "manual"
    mode: Mode | Literal["auto"] = "live"
    overrides: tuple[str, ...] = ()
    stored_spec: str | None = None
    candidates: tuple[str, ...] = ()
    together: DayRange | None = None
    accept_loss: bool = False
    approval: bool | None = None
    reason: str | None = None
    asked_by: str = "cli"
    request_id: str = field(default_factory=lambda: f"cli-{uuid4().hex[:12]}")
    pages: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, Any]:
        """What was asked for, as the ledger keeps it."""
        accepted = {"accept_loss": True} if self.accept_loss else {}
        stored = {"stored_spec": self.stored_spec} if self.stored_spec else {}
        return {"overrides": list(self.overrides), "reason": self.reason, **accepted, **stored}


def open_run(work: Workspace, request: RunRequest) -> Start:
    """Fix day, snapshot, keys and plan of a run, and write the request into the ledger.

    Raises:
        UsageError: wrong day, mode, candidate, override or spec.
        DataError: the source was refused; nothing was changed.
        TransientError: source or ledger locked or unreachable.
    """
    mode = _mode(request)
    resolved = resolved_for(work, request)
    spec = resolved.spec
    known = work.ledger.request(request.request_id)
    if known is not None and known.status == "accepted":
        return _repeated(work, request, known)
    require_libraries(spec)
    work.require_registries(spec)
    day = clock.resolve_day(
        parameter=request.day,
        partition_key=request.partition_key,
        logical_date=request.logical_date,
        run_type=request.run_type,
        newest_complete=lambda: snapshot.newest_complete_day(spec, work.store),
    )
    _log_effective(request, mode, day, resolved)
    request = replace(request, mode=mode)
    if request.together is not None:
        take_in_once(work, spec, request.together)
    taken = snapshot.take(spec, day.cutoff, catalog=work.ledger, store=work.store, accept_loss=request.accept_loss)
    if taken is None:
        return _skip(work, request, day, "no_data_for_day", f"The source has no rows of {day.day}")
    champion = None if mode in HISTORICAL else work.ledger.champion(spec.pipeline)
    n_new = _rows_after(work, taken, champion)
    if champion is not None and day.cutoff > champion.cutoff and n_new < spec.ingest.min_new_rows:
        sentence = f"{counted(n_new, 'new row')} since the champion's data; the spec wants {spec.ingest.min_new_rows:,}"
        return _skip(work, request, day, "too_few_new_rows", sentence, taken=taken)
    plan = _plan(work, request, day=day, resolved=resolved, taken=taken, champion=champion)
    answered = _answered(work, plan, champion)
    if answered is not None:
        return _skip(work, request, day, "unchanged", answered, run_id=plan.run_id, taken=taken)
    return _go(work, request, plan, taken)


def resolved_for(work: Workspace, request: RunRequest) -> ResolvedSpec:
    """Return the spec that a request is about.

    Raises:
        UsageError: no such pipeline or candidate.
        SpecError: a wrong spec or override.
        IntegrityError: the stored spec is gone or was changed.
    """
    path = work.settings.spec_path(request.pipeline)
    if request.stored_spec is not None:
        return resolved_again(path, work.store.read_json(request.stored_spec))
    return resolve(path, request.overrides, models=request.candidates)


def _mode(request: RunRequest) -> Mode:
    if request.run_type != "backfill":
        return "live" if request.mode == "auto" else request.mode
    if request.mode in ("live", "dry"):
        raise UsageError(
            "A backfill is about the past: it simulates, or trains for the record, and never promotes",
            where="mode",
            got=request.mode,
            remedy="Leave `mode` out of the backfill's configuration, or set it to simulate or train",
        )
    return "simulate" if request.mode == "auto" else request.mode


def _log_effective(request: RunRequest, mode: Mode, day: clock.ResolvedDay, resolved: ResolvedSpec) -> None:
    """Log each value in force and its source: of the run's parameters all, of the spec what its file does not say."""
    asked, spec = "run parameter", resolved.spec
    chosen = [model.label for model in spec.models]
    for name, value, source in (
        ("day", day.day, f"{day.source} day" if day.source == "newest" else day.source),
        ("mode", mode, f"default of a {request.run_type} run" if request.mode == "auto" else asked),
        ("candidates", ",".join(chosen), asked if request.candidates else "spec"),
        ("approval", _approval(request, resolved), "spec" if request.approval is None else asked),
        ("accept_loss", request.accept_loss, asked if request.accept_loss else "not given"),
        ("reason", request.reason, asked if request.reason else "not given"),
    ):
        log.info("effective", parameter=name, value=value, source=source)
    leaves = flatten(spec.dump())
    for key, origin in resolved.origins.items():
        if origin in ("environment", "run parameter") and not (request.candidates and key.startswith("models.")):
            log.info("effective", spec_key=key, value=leaves[key], source=origin)
    counts = Counter(resolved.origins.values())
    log.info("effective", spec=resolved.path, sources=dict(sorted(counts.items())))


def _approval(request: RunRequest, resolved: ResolvedSpec) -> bool:
    return resolved.spec.approval.required if request.approval is None else request.approval


def _plan(
    work: Workspace,
    request: RunRequest,
    *,
    day: clock.ResolvedDay,
    resolved: ResolvedSpec,
    taken: Taken,
    champion: ChampionChange | None,
) -> Plan:
    training_key = keys.training_key(resolved, taken.snapshot)
    mode = _mode(request)
    return Plan(
        pipeline=request.pipeline,
        run_id=keys.run_id(request.pipeline, str(day.day), training_key, mode),
        request_id=request.request_id,
        day=day.day,
        day_source=day.source,
        cutoff=day.cutoff,
        mode=mode,
        reason=request.reason,
        spec=work.store.put_json(resolved.dump()),
        spec_fingerprint=resolved.fingerprint,
        training_key=training_key,
        seed=resolved.spec.training.seed,
        champion=champion.candidate_id if champion else None,
        approval=_approval(request, resolved),
        overrides=resolved.overrides,
        built_on=foundation(work, resolved.spec, champion),
    )


def _go(work: Workspace, request: RunRequest, plan: Plan, taken: Taken) -> Start:
    first = next((row for row in work.ledger.run(plan.run_id) if row.plan is not None), None)
    # A run that was begun before goes on with its own plan and snapshot, so that its records stay the same.
    plan, found = (first.plan or plan, first.snapshot or taken.snapshot) if first else (plan, taken.snapshot)
    if not work.store.renew(found.manifest):  # housekeeping removes that of an old run; the rows are the same
        found = taken.snapshot
    new = f"{taken.arrivals.n_rows:,} of them new in {counted(taken.arrivals.n_partitions, 'partition')}"
    new += f", {taken.moved}" if taken.moved else ""
    start = Start(
        go=True,
        request_id=request.request_id,
        sentence=f"{counted(found.n_rows, 'row')} up to {plan.day}, {new}",
        run_id=plan.run_id,
        plan=plan,
        snapshot=found,
        arrivals=taken.arrivals,
    )
    _begin(work, start, request.pages)
    work.ledger.add_request(plan.pipeline, _row(request, "accepted", start.sentence, plan=plan, taken=taken))
    return start


def _begin(work: Workspace, start: Start, pages: Mapping[str, str]) -> None:
    plan, taken = start.plan, start.snapshot
    if plan is None or taken is None:
        return
    environment = {"versions": keys.versions(), "code": keys.code_fingerprint()}
    parts = {"environment": work.store.put_json(environment)}
    known = {"mlflow": work.settings.mlflow_told, **pages}
    if any(known.values()):
        parts["pages"] = work.store.put_json({name: address for name, address in known.items() if address})
    if start.arrivals is not None:
        parts["arrivals"] = work.store.put_json(start.arrivals.dump())
    work.ledger.add_run(
        plan.pipeline,
        RunRow(
            run_id=plan.run_id,
            training_key=plan.training_key,
            status="started",
            sentence=start.sentence,
            plan=plan,
            snapshot=taken,
            parts=parts,
        ),
    )
    log.info("run_started", run=plan.run_id, day=plan.day, mode=plan.mode, rows=taken.n_rows)


def _skip(
    work: Workspace,
    request: RunRequest,
    day: clock.ResolvedDay,
    reason: str,
    sentence: str,
    *,
    run_id: str | None = None,
    taken: Taken | None = None,
) -> Start:
    row = _row(request, "skipped", sentence, day=day, reason=reason, run_id=run_id, taken=taken)
    work.ledger.add_request(request.pipeline, row)
    log.info("run_skipped", pipeline=request.pipeline, day=day.day, reason=reason)
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
    taken: Taken | None = None,
) -> RequestRow:
    return RequestRow(
        request_id=request.request_id,
        run_id=plan.run_id if plan else run_id,
        status=status,
        reason=reason,
        sentence=sentence,
        mode=_mode(request),
        day=str(plan.day if plan else day.day if day else ""),
        day_source=plan.day_source if plan else day.source if day else None,
        asked_by=request.asked_by,
        parameters=request.parameters,
        manifest=taken.snapshot.manifest if taken else None,
    )


def _repeated(work: Workspace, request: RunRequest, known: RequestRow) -> Start:
    """Return what the same request was answered before: a retried or cleared first task goes on where it stood."""
    rows = work.ledger.run(known.run_id or "")
    begun = next(row for row in rows if row.plan and row.snapshot)
    start = Start(
        go=True,
        request_id=known.request_id,
        sentence=known.sentence,
        run_id=known.run_id,
        plan=begun.plan,
        snapshot=begun.snapshot,
        arrivals=Arrivals.load(work.store.read_json(begun.parts["arrivals"])),
    )
    if rows[-1].status == "failed":
        _begin(work, start, request.pages)
    return start


def _answered(work: Workspace, plan: Plan, champion: ChampionChange | None) -> str | None:
    """Return why this run need not be done again, or None."""
    undone = _rolled_back(work, plan)
    if undone is not None:
        return f"{undone.previous} was trained on exactly this data and spec, and was rolled back: {undone.reason}"
    rows, decisions = work.ledger.run(plan.run_id), work.ledger.decisions(plan.pipeline, of={plan.run_id})
    if decisions and decisions[-1].outcome == "error":
        return None  # an error is no answer, and must not turn into a green skip
    if plan.mode in HISTORICAL:
        done = rows and rows[-1].status == "done" and work.has_models(plan.training_key)
        return f"This day was done before: {rows[-1].sentence}" if done else None
    if champion is not None and work.ledger.plan(champion.run_id).training_key == plan.training_key:
        if champion.run_id != plan.run_id or (rows and rows[-1].status == "done"):
            return f"The champion {champion.candidate_id} was trained on exactly this data and spec"
        return None
    if not rows or rows[-1].status != "done":
        return None
    made = [d for d in decisions if d.champion == plan.champion]
    if made and made[-1].reason == HELD and work.ledger.hold(plan.pipeline) is None:
        return None  # what only a hold kept back is judged again once that is over
    return f"This data and spec were judged before: {made[-1].outcome}, {made[-1].sentence}" if made else None


def _rolled_back(work: Workspace, plan: Plan) -> ChampionChange | None:
    """Return the rollback of what this data and spec gave: only a person may let it serve again."""
    if plan.mode != "live":
        return None
    given = {candidate.candidate_id for candidate in work.ledger.candidates(plan.training_key)}
    undone, champion = work.ledger.rollback_of(plan.pipeline, given), work.ledger.champion(plan.pipeline)
    serves_again = undone is not None and champion is not None and champion.candidate_id == undone.previous
    return None if serves_again else undone


def _rows_after(work: Workspace, taken: Taken, champion: ChampionChange | None) -> int:
    last = clock.last_day_before(champion.cutoff) if champion else date.min
    partitions = read_manifest(taken.snapshot.manifest, work.store).partitions
    return sum(partition.n_rows for partition in partitions if partition.day > last)
