"""The tasks of the DAGs beside the retraining: score, monitor, simulate, roll back, hold, keep house.

Each opens the workspace and calls one function of the library; what came of it stands in the run's note.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from mlsys import clock
from mlsys.errors import MlsysError, RunError, UsageError
from mlsys.events import get_logger
from mlsys.orchestration.api import retrainings, service
from mlsys.orchestration.page import addresses
from mlsys.orchestration.tasks.run_notes import write_note
from mlsys.orchestration.tasks.run_params import params_of
from mlsys.orchestration.tasks.workplace import Data, opened

if TYPE_CHECKING:
    from mlsys.records.monitoring import MonitorReport

log = get_logger(__name__)


def score(pipeline: str) -> Data:
    """Let the champion score the days that it has not scored as they are now."""
    from mlsys.monitoring import scoring

    with opened() as work:
        report = scoring.score(work, pipeline, day=_day())
    _note(report.sentence)
    return report.dump()


def monitor(pipeline: str) -> Data:
    """Let all monitors look at the newest window, and judge what is tried live; the log has the findings."""
    from mlsys.live.concluding import conclude, told
    from mlsys.monitoring import monitoring
    from mlsys.orchestration.tasks.champion_asset import announce

    with opened() as work:
        report = monitoring.monitor(work, pipeline, day=_day())
        live = conclude(work, pipeline)
        if any(each.change is not None for each in live):
            announce(work, pipeline)
    for result in report.results:
        log.info("monitor", state=result.state, name=result.name, sentence=result.sentence)
    _note(f"{report.sentence} {told(live)}".strip())
    return report.dump()


def measure_versions(pipeline: str, report: Data) -> Data:
    """Measure the versions that served lately by the labels that are known now; the log has the sentence."""
    from mlsys.monitoring import versions
    from mlsys.records.monitoring import MonitorReport

    found: MonitorReport = MonitorReport.load(report)
    if found.champion is None or found.day is None:
        raise AirflowSkipException(found.sentence)
    with opened() as work:
        measured = versions.measure_versions(work, pipeline, day=found.day)
    log.info("versions", sentence=measured.sentence)
    return {"day": str(measured.day), "mature": str(measured.mature), "sentence": measured.sentence}


def ask_retraining(pipeline: str, report: Data) -> Data:
    """Start a live retraining where the monitors ask for one: once for each day that they looked at."""
    from mlsys.records.monitoring import MonitorReport

    found: MonitorReport = MonitorReport.load(report)
    if not found.asks_retraining:
        raise AirflowSkipException("The monitors ask for no retraining")
    with service.connect() as api:
        before = retrainings.under_way(api, pipeline)
        if before is not None:
            raise AirflowSkipException(f"{before} is under way")
        run_id = f"monitor__{found.day}"
        asked = retrainings.ask(api, pipeline, day=str(found.day), run_id=run_id, reason=found.wish)
    if not asked:
        raise AirflowSkipException(f"{run_id} was started before")
    return {"run_id": run_id}


def simulate() -> Data:
    """Simulate the days from `from` to `to`, some side by side; without them none."""
    from mlsys.backfill.backfill import backfill

    params = _params()
    pipeline = params["pipeline"]
    first, last = (
        None if params[name] is None else clock.parse_day(params[name], where=name) for name in ("from", "to")
    )
    if first is None and last is None and not params.get("compare"):
        return {"first": None, "last": None, "counts": {}}
    if first is None or last is None:
        raise UsageError("A range of days has two ends", where="from, to", got=f"{first} to {last}")
    if params.get("compare"):
        return {"first": str(first), "last": str(last), "counts": {}, "plan": _planned(params, first, last)}
    with opened() as work:
        done = backfill(
            work, pipeline, first=first, last=last, parallel=params["parallel"], reprocess=params["reprocess"]
        )
    for outcome in done.days:
        log.info("day", day=outcome.day, status=outcome.status, sentence=outcome.sentence)
    if done.failed:
        days = ", ".join(str(outcome.day) for outcome in done.failed[:5])
        raise RunError(
            f"{len(done.failed)} of {len(done.days)} days failed: {days}",
            where=pipeline,
            remedy="The log says why; the report of the others is written. Reprocess `failed` does these again",
        )
    return {"first": str(first), "last": str(last), "counts": done.counts}


def _planned(params: Mapping[str, Any], first: date, last: date) -> Data:
    """Simulate the days by the spec of the last live run and by a changed one, and write the page of that plan."""
    from mlsys.changes import page
    from mlsys.changes.spec_plan import plan_of
    from mlsys.changes.walked import Days

    asked = Days(first, last, params["parallel"])
    with opened() as work:
        found = plan_of(work, params["pipeline"], overrides=params.get("changes") or (), days=asked)
        written = page.write(work, found)
    said = found.walked.sentence if found.walked else " ".join(found.sentences)
    log.info("plan", pipeline=found.pipeline, category=found.category, exit_code=found.exit_code)
    return {"headline": page.headline_of(found), "sentence": said, "path": written.path, "exit_code": found.exit_code}


def walk_forward(simulated: Data) -> Data:
    """Write the walk-forward report, unless more simulated days are on their way, whose end asks for it again.

    Where specs were compared, the plan's page is the report, and is noted.
    """
    from mlsys.backfill.days import collect
    from mlsys.backfill.walkforward import report_of

    if plan := simulated.get("plan"):
        _note(f"{plan['headline']}. [Plan]({addresses.report(plan['path'])}) {plan['sentence']}")
        return dict(plan)
    params = _params()
    pipeline = params["pipeline"]
    first, last = (simulated[name] and date.fromisoformat(simulated[name]) for name in ("first", "last"))
    with service.connect() as api:
        runs = {str(run["dag_run_id"]) for run in retrainings.backfills_under_way(api, pipeline)}
    if runs - {params["after"]}:  # the run that asked may not be over for Airflow yet
        raise AirflowSkipException("More days are on their way")
    with opened() as work:
        simulation = collect(work, pipeline, first=first, last=last)
        if simulation is None:
            raise AirflowSkipException("No simulated day has come to its end")
        report = report_of(work, simulation)
        file = (work.home / report.path).as_uri()
    # The link first: Airflow cuts a long note at its end.
    _note(f"{report.headline}. [Report]({addresses.report(report.path)}) {report.sentence}")
    for strategy in report.strategies:
        looks = " ".join(f"{view.look}.{view.metric}={view.value}({view.gain})" for view in strategy.views)
        log.info("strategy", name=strategy.name, promotions=strategy.n_promotions, looks=looks)
    log.info("walk_forward_report", advice=report.advice, address=file)
    return {**report.dump(), "address": file}


def find_version() -> Data:
    """Find the version that shall serve again, and say so before anything changes."""
    from mlsys.promotion import by_hand
    from mlsys.spec import resolve

    params = _params()
    pipeline = params["pipeline"]
    with opened() as work:
        target = by_hand.rollback_target(work, pipeline, version=params["version"])
        present = work.ledger.champion(pipeline)
        approval = resolve(work.settings.spec_path(pipeline)).spec.approval
    sentence = (
        f"{pipeline}: version {target.version} ({target.candidate_id}, data up to {target.last_day}) "
        f"in place of {present.version if present else 'nothing'}"
    )
    log.info("rollback_wanted", sentence=sentence)
    return {
        "pipeline": pipeline,
        "version": target.version,
        "sentence": sentence,
        "reason": params["reason"],
        "asked_by": _user(),
        "timeout_seconds": approval.timeout.total_seconds() if approval.required else None,
    }


def roll_back(wanted: Data, answer: Data | None) -> Data:
    """Let the version serve again, unless a person refuses; the ledger has who and why in either case."""
    from mlsys.orchestration.tasks.champion_asset import announce
    from mlsys.promotion import by_hand
    from mlsys.records import Answer

    said = None if answer is None else Answer.load(answer)
    pipeline, version = wanted["pipeline"], wanted["version"]
    with opened() as work:
        if said is not None and said.answer != "approved":
            sentence = by_hand.refuse_rollback(
                work, pipeline, version=version, asked_by=wanted["asked_by"], answer=said, request_id=_request_id()
            )
            _note(sentence)
            raise AirflowSkipException(sentence)
        who = wanted["asked_by"] + (f", approved by {said.who}" if said is not None else "")
        reason = wanted["reason"] + (f" ({said.reason})" if said is not None and said.reason else "")
        change = by_hand.roll_back(work, pipeline, version=version, reason=reason, who=who)
        announce(work, pipeline)
    sentence = f"{change.candidate_id} serves {pipeline} as version {change.version} again: {change.reason}"
    _note(sentence)
    return {"pipeline": pipeline, "version": change.version, "candidate": change.candidate_id, "who": change.who}


def hold() -> Data:
    """Let the gates promote nothing until an instant or a release, or end that; the ledger has who and why."""
    from mlsys.promotion import by_hand

    params = _params()
    pipeline, until = params["pipeline"], params["until"]
    end = clock.parse_instant(until, where="until") if until else None
    with opened() as work:
        if params["release"]:
            done = by_hand.release(work, pipeline, reason=params["reason"], who=_user())
        else:
            done = by_hand.hold(work, pipeline, reason=params["reason"], until=end, who=_user())
    _note(f"{pipeline}: {done.sentence}")
    return done.dump()


def reconcile() -> Data:
    """Write MLflow's registry and the file registry again from the ledger, and announce a champion that was not."""
    from mlsys.orchestration.tasks.champion_asset import announce
    from mlsys.promotion.reconcile import mend

    mended: list[str] = []
    failed: list[str] = []
    with opened() as work:
        for name in work.ledger.pipelines():
            try:
                mended += mend(work, name)
                missed = announce(work, name)
                mended += [missed] if missed else []
            except MlsysError as error:  # the other pipelines' registries are to be mended all the same
                log.exception("not_mended", pipeline=name)
                failed.append(f"{name}: {error}")
    for sentence in mended:
        log.info("mended", sentence=sentence)
    if failed:
        raise RunError("; ".join(failed), remedy="See `mlsys doctor`")
    return {"mended": mended}


def clean() -> Data:
    """Remove files that no champion, no young run and no run to come needs; in a dry run only count their bytes."""
    from mlsys.upkeep.retention import Limits
    from mlsys.upkeep.retention import clean as remove

    params = _params()
    limits = Limits(runs=params["runs"], predictions=params["predictions"], logs=params["logs"])
    with opened() as work:
        done = remove(work, limits, apply=params["apply"])
    for share in done.shares:
        log.info("share", what=share.name, files=share.n_files, bytes=share.n_bytes)
    _note(f"{done.sentence}.")
    return done.dump()


def _day() -> str | None:
    day: str | None = _params()["day"]
    return day


def _params() -> Mapping[str, Any]:
    return params_of(get_current_context())


def _user() -> str:
    return str(get_current_context()["dag_run"].triggering_user_name or "airflow")


def _request_id() -> str:
    dag_run = get_current_context()["dag_run"]
    return f"{dag_run.dag_id}/{dag_run.run_id}"


def _note(text: str) -> None:
    dag_run = get_current_context()["dag_run"]
    write_note(dag_run.dag_id, dag_run.run_id, text)
