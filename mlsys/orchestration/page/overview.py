"""What the Models page shows: who serves, how good and how old it is, what was decided and why.

Read from the ledger and two small files; nothing here trains, scores or loads a library that does, because the page is
served by Airflow's own api-server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from mlsys import clock
from mlsys.errors import IntegrityError
from mlsys.evaluation.canary import Canary, canary
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange, Judgement, RequestRow
from mlsys.live.known_evidence import JudgedTrials
from mlsys.live.known_evidence import latest as latest_trials
from mlsys.metrics import METRICS
from mlsys.monitoring import monitoring
from mlsys.monitoring.gains import gain_of
from mlsys.records import Candidate, Decision, MetricValue, Mode, Plan
from mlsys.records.monitoring import ConfirmedGain, MonitorReport
from mlsys.report import refusals
from mlsys.upkeep import health
from mlsys.upkeep.health import Measurement
from mlsys.upkeep.standing import LOOKED_AT, RECENT, Standing, standing
from mlsys.workspace import Workspace

log = get_logger(__name__)

AT_A_GLANCE = RECENT  # decisions drawn for each of many pipelines
IN_DETAIL = 200  # decisions drawn for one
LISTED = 60  # decisions told in words; those about the past count, and the simulated ones among them are left out


@dataclass(frozen=True)
class Judged:
    """One decision, with what a person wants to see of its run.

    Attributes:
        at: when it was decided; `day` is the last day of data it rests on.
        metric: the challenger's primary metric on the holdout rows; `champion_metric` that of the champion of then.
        version: what the challenger became when it was promoted by this decision, or None.
        asked_by: request id of the newest run that led to it; `<dag id>/<run id>` for a run of Airflow.
        asked_for: why the run was asked for: what monitors saw, say; None where nobody gave a reason.
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
    asked_for: str | None = None


@dataclass(frozen=True)
class Term:
    """The time in which one version served without a break; `until` is None for the present champion."""

    change: ChampionChange
    since: datetime
    until: datetime | None


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
        is_old: the champion's data are older than the freshness gate allows, by the clock.
        judged: decisions of live runs, oldest first; none about the past.
        waiting: the decision whose promotion waits for a person, or None.
        standing: what became of the newest live request, and what a person should do.
        canary: what is known of the champion under the packages that are installed now; None where nobody has asked.
    """

    pipeline: str
    champion: Term | None
    measured: Measurement | None
    title: str
    higher_is_better: bool
    newest_day: date | None
    days_behind: int | None
    age_days: int | None
    is_old: bool
    judged: tuple[Judged, ...]
    waiting: Judged | None
    newest: Newest | None
    monitoring: MonitorReport | None
    standing: Standing
    canary: Canary | None = None


@dataclass(frozen=True)
class Detail:
    """All that the page of one pipeline shows.

    Attributes:
        decisions: oldest first, those of runs about the past that trained among them.
        gains: confirmed ones, by the candidate that was promoted.
        live: what is tried beside the champion, as it was last judged.
    """

    glance: Glance
    terms: tuple[Term, ...]
    decisions: tuple[Judged, ...]
    gains: Mapping[str, ConfirmedGain] = field(default_factory=dict)
    live: JudgedTrials | None = None


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
    found = {change.candidate_id: gain_of(work.home, pipeline, change.candidate_id) for change in changes[-LISTED:]}
    gains = {candidate: gain for candidate, gain in found.items() if gain is not None}
    return Detail(seen, terms(changes), tuple(decisions), gains, latest_trials(work.home, pipeline))


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


def promoted(work: Workspace, pipeline: str, decisions: Iterable[Decision]) -> dict[str | None, str]:
    """Return what challengers became that were promoted by these decisions: versions, by the decision's key."""
    challengers = {decision.challenger or "" for decision in decisions}
    given = {name for challenger in challengers for name in (challenger, Candidate.refitted(challenger))}
    changes = work.ledger.champion_changes(pipeline, of=given)
    return {change.decision_key: change.version for change in changes if change.kind in ("promote", "rehydrate")}


def mlflow_version(work: Workspace, judged: Judged) -> str | None:
    """Return the number of MLflow's model version that a run registered, or None where there is none or it is lost."""
    rows = work.ledger.run(judged.decision.run_id)
    digest = next((row.parts["version"] for row in reversed(rows) if "version" in row.parts), None)
    if digest is None:
        return None
    try:
        record = work.store.read_json(digest)
    except IntegrityError:
        log.warning("record_missing", run=judged.decision.run_id, digest=digest)
        return None
    found = record.get("mlflow_version")
    return None if found is None else str(found)


def _glance(work: Workspace, pipeline: str, judgements: Sequence[Judgement], *, at: datetime) -> Glance:
    requests = work.ledger.requests(pipeline, last=LOOKED_AT)  # far enough back for who asked for the newest decisions
    # A trial, on whatever data somebody wanted to try, is no decision about production.
    judged = [each for each in _judged(work, pipeline, judgements, requests) if each.mode == "live"]
    stands = standing(work, pipeline, at=at, judgements=judgements, requests=requests)
    champion = next(iter(terms([stands.champion] if stands.champion else [])), None)
    newest_day = stands.newest_day
    known = stands.champion and stands.champion.last_day
    primary = judged[-1].primary if judged else None
    title, higher = _in_words(primary)
    return Glance(
        pipeline=pipeline,
        champion=champion,
        measured=stands.measured,
        title=title,
        higher_is_better=higher,
        newest_day=newest_day,
        days_behind=None if newest_day is None else max((at.date() - newest_day).days - 1, 0),
        age_days=_age(champion, newest_day),
        is_old=bool(known and stands.spec and health.is_old(stands.spec, known, at)),
        judged=tuple(each for each in judged if each.primary == primary),
        waiting=_waiting(stands, judged),
        newest=_newest(work, pipeline, requests, stands),
        monitoring=_monitoring(work, pipeline),
        standing=stands,
        canary=_canary(work, stands.champion),
    )


def _canary(work: Workspace, champion: ChampionChange | None) -> Canary | None:
    """Return what was found of the champion in this environment; nobody is asked for a page."""
    try:
        return canary(work, champion, ask=False) if champion else None
    except IntegrityError:
        log.warning("canary_unknown", pipeline=champion.pipeline if champion else None, exc_info=True)
        return None


def _judged(
    work: Workspace,
    pipeline: str,
    judgements: Sequence[Judgement],
    requests: Sequence[RequestRow] = (),
) -> list[Judged]:
    versions = promoted(work, pipeline, [each.decision for each in judgements])
    plans = work.ledger.plans({judgement.decision.run_id for judgement in judgements})
    asked = {row.run_id: row.request_id for row in requests if row.status == "accepted"}
    return [
        _one(judgement, plan, asked, version=versions.get(judgement.decision.decision_key))
        for judgement in judgements
        if (plan := plans.get(judgement.decision.run_id)) is not None
    ]


def _one(judgement: Judgement, plan: Plan, asked: dict[str | None, str], *, version: str | None) -> Judged:
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
        asked_for=plan.reason,
    )


def _waiting(stands: Standing, judged: Sequence[Judged]) -> Judged | None:
    """Return the decision whose run has come to where a person has the last word."""
    if stands.state != "waits" or stands.decision is None:
        return None
    key = stands.decision.decision_key
    return next((each for each in judged if each.decision.decision_key == key), None)


def _newest(work: Workspace, pipeline: str, requests: Sequence[RequestRow], stands: Standing) -> Newest | None:
    if not requests:
        return None
    request = requests[-1]
    if request.status != "accepted":
        card = refusals.card_path(pipeline, request.request_id).stem if request.status == "failed" else None
        return Newest(request, request.status, request.sentence, reason=request.reason, card=card)
    row = stands.run if request == stands.request else next(iter(work.ledger.run(request.run_id or "")[-1:]), None)
    return None if row is None else Newest(request, row.status, row.sentence, step=row.step)


def _monitoring(work: Workspace, pipeline: str) -> MonitorReport | None:
    try:
        return monitoring.latest(work.home, pipeline)
    except (IntegrityError, OSError):
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
