"""What the Models page shows: who serves, how good and how old it is, what was decided and why.

Read from the ledger and two small files; nothing here trains, scores or loads a library that does, because the page is
served by Airflow's own api-server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from pydantic import ValidationError

from mlsys import clock
from mlsys.errors import IntegrityError
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange, Judgement, RequestRow, RunRow
from mlsys.metrics import METRICS
from mlsys.monitoring import monitoring
from mlsys.records import Candidate, Decision, EvaluationSet, MetricValue, Mode, Plan
from mlsys.records.monitoring import MonitorReport
from mlsys.report import refusals
from mlsys.upkeep.standing import Standing, standing
from mlsys.workspace import Workspace

log = get_logger(__name__)

AT_A_GLANCE = 24  # decisions drawn for each of many pipelines
IN_DETAIL = 200  # decisions drawn for one
LISTED = 60  # decisions told in words; those about the past count, and the simulated ones among them are left out
_REQUESTS = 12  # far enough back to find who asked for the newest decisions


@dataclass(frozen=True)
class Judged:
    """One decision, with what a person wants to see of its run.

    Attributes:
        at: when it was decided; `day` is the last day of data it rests on.
        metric: the challenger's primary metric on the holdout rows; `champion_metric` that of the champion of then.
        version: what the challenger became when it was promoted by this decision, or None.
        asked_by: request id of the newest run that led to it; `<dag id>/<run id>` for a run of Airflow.
        version_record: SHA-256 of the run's `ModelVersion` in the store, or None.
    """

    decision: Decision
    at: datetime
    day: date
    mode: Mode
    metric: MetricValue | None
    champion_metric: MetricValue | None
    primary: str
    version: str | None
    asked_by: str
    version_record: str | None = None


@dataclass(frozen=True)
class Term:
    """The time in which one version served without a break; `until` is None for the present champion."""

    change: ChampionChange
    since: datetime
    until: datetime | None


@dataclass(frozen=True)
class Measurement:
    """The champion's primary metric where it was measured last: on the holdout rows of a run about `day`."""

    value: MetricValue
    day: date


@dataclass(frozen=True)
class Newest:
    """The newest request for a run and what came of it.

    Attributes:
        status: `skipped`, `started`, `done` or `failed`; `reason` of a skip or of a failure before a run was begun,
            `step` of a later one.
        card: name of the report card of a failure before a run was begun, or None.
    """

    request: RequestRow
    status: str
    sentence: str
    reason: str | None = None
    step: str | None = None
    card: str | None = None


@dataclass(frozen=True)
class Glance:
    """A pipeline at a glance.

    Attributes:
        newest_day: newest day of data that any run has read; `days_behind` yesterday, the newest that can be complete.
        age_days: days of data that arrived since the champion's cutoff.
        judged: decisions of live runs, oldest first; none about the past.
        waiting: the decision whose promotion waits for a person, or None.
        standing: what became of the newest live request, and what a person should do.
    """

    pipeline: str
    champion: Term | None
    measured: Measurement | None
    title: str
    higher_is_better: bool
    newest_day: date | None
    days_behind: int | None
    age_days: int | None
    judged: tuple[Judged, ...]
    waiting: Judged | None
    newest: Newest | None
    monitoring: MonitorReport | None
    standing: Standing


@dataclass(frozen=True)
class Detail:
    """All that the page of one pipeline shows; `decisions`, oldest first, include runs about the past that trained."""

    glance: Glance
    terms: tuple[Term, ...]
    decisions: tuple[Judged, ...]


def pipelines(work: Workspace) -> list[str]:
    """Return the names of all pipelines that have a spec or a row in the ledger, sorted."""
    specs = {path.stem for path in work.settings.pipelines.glob("*.yaml")}
    return sorted(specs.union(work.ledger.pipelines()))


def glance(work: Workspace, pipeline: str, *, at: datetime | None = None) -> Glance:
    """Return a pipeline at a glance; `at` is the present, for tests."""
    judgements = work.ledger.judgements(pipeline, last=AT_A_GLANCE, historical=False)
    return _glance(work, pipeline, judgements, at=at or clock.now())


def detail(work: Workspace, pipeline: str, *, at: datetime | None = None) -> Detail:
    """Return all that is shown of one pipeline; `at` is the present, for tests."""
    judgements = work.ledger.judgements(pipeline, last=IN_DETAIL, historical=False)
    seen = _glance(work, pipeline, judgements, at=at or clock.now())
    changes = work.ledger.champion_changes(pipeline)
    everything = work.ledger.judgements(pipeline, last=LISTED)
    decisions = [judged for judged in _judged(work, pipeline, everything) if judged.mode != "simulate"]
    return Detail(seen, terms(changes), tuple(decisions))


def terms(changes: Sequence[ChampionChange]) -> tuple[Term, ...]:
    """Return who served from when to when, oldest first."""
    dated = [(change, change.at) for change in changes if change.at is not None]
    ends: list[datetime | None] = [later for (_, _), (_, later) in pairwise(dated)]
    return tuple(Term(change, since, until) for (change, since), until in zip(dated, [*ends, None], strict=False))


def served_on(served: Sequence[Term], day: date) -> tuple[Term, ...]:
    """Return the terms of which a part lies within a UTC day, oldest first; one that ended at its midnight does not."""
    end = clock.cutoff_of(day)
    begin = end - timedelta(days=1)
    return tuple(term for term in served if term.since < end and (term.until is None or term.until > begin))


def mlflow_version(work: Workspace, judged: Judged) -> str | None:
    """Return the number of MLflow's model version that a run registered, or None where there is none or it is lost."""
    if judged.version_record is None:
        return None
    try:
        record = work.store.read_json(judged.version_record)
    except IntegrityError:
        log.warning("record_missing", run=judged.decision.run_id, digest=judged.version_record)
        return None
    found = record.get("mlflow_version")
    return None if found is None else str(found)


def _glance(work: Workspace, pipeline: str, judgements: Sequence[Judgement], *, at: datetime) -> Glance:
    requests = work.ledger.requests(pipeline, last=_REQUESTS)
    # A trial, on whatever data somebody wanted to try, is no decision about production.
    judged = [each for each in _judged(work, pipeline, judgements, requests) if each.mode == "live"]
    champion = next(iter(terms(work.ledger.champion_changes(pipeline, last=1))), None)
    newest_day = work.ledger.newest_day(pipeline)
    measured = None if champion is None else _measured(work, champion.change, judged)
    stands = standing(work, pipeline, at=at)
    primary = judged[-1].primary if judged else None
    title, higher = _in_words(primary)
    return Glance(
        pipeline=pipeline,
        champion=champion,
        measured=measured,
        title=title,
        higher_is_better=higher,
        newest_day=newest_day,
        days_behind=None if newest_day is None else max((at.date() - newest_day).days - 1, 0),
        age_days=_age(champion, newest_day),
        judged=tuple(each for each in judged if each.primary == primary),
        waiting=_waiting(stands, judged),
        newest=_newest(work, pipeline, requests),
        monitoring=_monitoring(work, pipeline),
        standing=stands,
    )


def _judged(
    work: Workspace,
    pipeline: str,
    judgements: Sequence[Judgement],
    requests: Sequence[RequestRow] = (),
) -> list[Judged]:
    challengers = {each.decision.challenger or "" for each in judgements}
    given = {name for challenger in challengers for name in (challenger, Candidate.refitted(challenger))}
    changes = work.ledger.champion_changes(pipeline, of=given)
    rows = work.ledger.runs(pipeline, of={judgement.decision.run_id for judgement in judgements})
    plans = {row.run_id: row.plan for row in rows if row.plan is not None}
    records = {row.run_id: row.parts["version"] for row in rows if "version" in row.parts}
    versions = {change.decision_key: change.version for change in changes if change.kind == "promote"}
    asked = {row.run_id: row.request_id for row in requests if row.status == "accepted"}
    return [
        _one(judgement, plan, asked, version=versions.get(judgement.decision.decision_key), record=records.get(run_id))
        for judgement in judgements
        if (plan := plans.get(run_id := judgement.decision.run_id)) is not None
    ]


def _one(
    judgement: Judgement, plan: Plan, asked: dict[str | None, str], *, version: str | None, record: str | None
) -> Judged:
    decision, evaluations = judgement.decision, judgement.evaluations
    return Judged(
        decision=decision,
        at=judgement.at,
        day=plan.day,
        mode=plan.mode,
        metric=evaluations.summary.get(decision.challenger or ""),
        champion_metric=evaluations.summary.get(decision.champion or ""),
        primary=evaluations.primary,
        version=version,
        asked_by=asked.get(plan.run_id, plan.request_id),
        version_record=record,
    )


def _measured(work: Workspace, champion: ChampionChange, judged: Sequence[Judged]) -> Measurement | None:
    """Return the champion's newest measurement: as champion, or else as the challenger that it once was."""
    for each in reversed(judged):
        if each.decision.champion == champion.candidate_id and each.champion_metric is not None:
            return Measurement(each.champion_metric, each.day)
        if each.decision.decision_key == champion.decision_key and each.metric is not None:
            return Measurement(each.metric, each.day)
    found: tuple[EvaluationSet, Decision] | None = None
    if champion.decision_key is not None:
        found = work.ledger.decision(champion.decision_key)
    value = None if found is None else found[0].summary.get(found[1].challenger or "")
    return None if value is None else Measurement(value, clock.last_day_before(champion.cutoff))


def _waiting(stands: Standing, judged: Sequence[Judged]) -> Judged | None:
    """Return the decision whose run has come to where a person has the last word."""
    if stands.state != "waits" or stands.decision is None:
        return None
    key = stands.decision.decision_key
    return next((each for each in judged if each.decision.decision_key == key), None)


def _newest(work: Workspace, pipeline: str, requests: Sequence[RequestRow]) -> Newest | None:
    if not requests:
        return None
    request = requests[-1]
    if request.status != "accepted":
        card = refusals.card_path(pipeline, request.request_id).stem if request.status == "failed" else None
        return Newest(request, request.status, request.sentence, reason=request.reason, card=card)
    rows: list[RunRow] = work.ledger.run(request.run_id or "")
    if not rows:
        return None
    return Newest(request, rows[-1].status, rows[-1].sentence, step=rows[-1].step)


def _monitoring(work: Workspace, pipeline: str) -> MonitorReport | None:
    try:
        return monitoring.latest(work.home, pipeline)
    except (ValidationError, OSError):
        log.warning("monitoring_unreadable", pipeline=pipeline, exc_info=True)
        return None


def _age(champion: Term | None, newest_day: date | None) -> int | None:
    if champion is None or newest_day is None:
        return None
    return max((newest_day - clock.last_day_before(champion.change.cutoff)).days, 0)


def _in_words(primary: str | None) -> tuple[str, bool]:
    """Return the title of a metric and whether higher is better; of one that is no longer installed, its name."""
    try:
        metric = METRICS.find(primary or "")
    except ValueError:
        return primary or "", True
    return metric.title, metric.direction == "higher"
