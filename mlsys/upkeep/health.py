"""How a champion is: how good where it was measured last, and what would keep it from being promoted today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from mlsys import clock
from mlsys.durations import in_words
from mlsys.errors import IntegrityError
from mlsys.events import get_logger
from mlsys.gates.freshness import Freshness
from mlsys.gates.minimum import Minimum
from mlsys.ledger import ChampionChange, Judgement
from mlsys.records import Decision, Evaluation, EvaluationSet, MetricValue
from mlsys.report.formats import figure, metric
from mlsys.spec import Spec
from mlsys.workspace import Workspace

log = get_logger(__name__)

_A_NIGHT = timedelta(days=1)  # until which the newest complete day is read


@dataclass(frozen=True)
class Measurement:
    """The champion's primary metric on the holdout rows of a live run about `day`, as the model `model_id` there."""

    value: MetricValue
    day: date
    model_id: str
    evaluations: EvaluationSet


def measured(work: Workspace, champion: ChampionChange, judgements: Sequence[Judgement]) -> Measurement | None:
    """Return the champion's newest measurement: as champion, or else as the challenger that it once was."""
    for judgement in reversed(judgements):
        decision, evaluations = judgement.decision, judgement.evaluations
        model_id = _as(champion, decision)
        value = evaluations.summary.get(model_id or "")
        if model_id is None or value is None:
            continue
        plan = work.ledger.plan(decision.run_id)
        if plan.mode == "live":  # a trial may be on any data
            return Measurement(value, plan.day, model_id, evaluations)
    found = work.ledger.decision(champion.decision_key) if champion.decision_key else None
    if found is None:
        return None
    evaluations, decision = found
    model_id = decision.challenger or ""
    value = evaluations.summary.get(model_id)
    return None if value is None else Measurement(value, champion.last_day, model_id, evaluations)


def misses(work: Workspace, spec: Spec, found: Measurement) -> str | None:
    """Return in words which minimum of the spec the champion misses where it was measured last, or None."""
    for gate in spec.gates:
        value = _value(work, found, gate.metric) if isinstance(gate, Minimum) else None
        if isinstance(gate, Minimum) and value is not None and gate.is_missed_by(value):
            return (
                f"The champion's {gate.metric} is {metric(value.value)} on the holdout rows up to {found.day}; "
                f"the spec wants {gate.required.removeprefix(gate.metric + ' ')}"
            )
    return None


def allowed_age(spec: Spec) -> timedelta | None:
    """Return how old the newest data may be by the `freshness` gate, or None without such a gate."""
    return next((gate.max_age for gate in spec.gates if isinstance(gate, Freshness)), None)


def is_old(spec: Spec, day: date, now: datetime) -> bool:
    """Return whether data up to a day are older than the `freshness` gate allows, by the clock."""
    allowed = allowed_age(spec)
    return allowed is not None and now - clock.cutoff_of(day) > allowed + _A_NIGHT


def stale(spec: Spec, newest_day: date | None, now: datetime) -> str | None:
    """Return in words that the newest data are older than the spec allows, or None."""
    allowed = allowed_age(spec)
    if allowed is None or newest_day is None or not is_old(spec, newest_day, now):
        return None
    return (
        f"The newest data are of {newest_day}, {figure((now.date() - newest_day).days)} days ago; "
        f"the freshness gate allows {in_words(allowed)}"
    )


def _as(champion: ChampionChange, decision: Decision) -> str | None:
    """Return under which id a decision has scored the champion, or None when it has not."""
    if decision.champion == champion.candidate_id:
        return decision.champion
    return decision.challenger if decision.decision_key == champion.decision_key else None


def _value(work: Workspace, found: Measurement, name: str) -> MetricValue | None:
    if name == found.value.name:
        return found.value
    return next((value for value in _holdout(work, found) if value.name == name), None)


def _holdout(work: Workspace, found: Measurement) -> Iterator[MetricValue]:
    try:
        models = work.store.read_json(found.evaluations.details)["evaluations"]
    except IntegrityError:
        log.warning("evaluations_missing", digest=found.evaluations.details)
        return
    for model in models:
        if model["model_id"] == found.model_id:
            yield from Evaluation.load(model).holdout
