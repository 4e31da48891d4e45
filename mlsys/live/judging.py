"""What the labels say of each model that is tried beside a champion, as far as they are known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from mlsys import clock
from mlsys.evaluation.champion import ChampionModel, model_by, threshold_of
from mlsys.ledger import ChampionChange, LiveTrial, live_trials
from mlsys.live.answered_rows import JoinedAnswers, side_by_side, since_of
from mlsys.live.comparing import LiveRows, compared, level_of, looks_of, too_few, verdict_of
from mlsys.live.rules import present_spec, rules_by
from mlsys.live.running import running, watched
from mlsys.live.sequential import SPENT, share_of
from mlsys.records import Comparison, MetricValue, Snapshot
from mlsys.records.live import LiveEvidence, LiveVerdict
from mlsys.snapshot import snapshot as snapshots
from mlsys.spec import Spec
from mlsys.wording import counted, number, signed
from mlsys.workspace import Workspace

_YEAR = timedelta(days=365)


def evidence(work: Workspace, pipeline: str, *, snapshot: Snapshot | None = None) -> list[LiveEvidence]:
    """Return what is known of each trial that goes on, in their order; none without a champion.

    Args:
        work: the installation.
        pipeline: name of the spec.
        snapshot: that has the labels; default the newest one of the source.

    Raises:
        DataError, TransientError: the source is refused, locked or unreachable.
        IntegrityError: a stored file is missing or damaged.
    """
    champion = work.ledger.champion(pipeline)
    if champion is None:
        return []
    spec = present_spec(work, champion)
    trials = running(work, champion, rules_by(spec), now=clock.now())
    if not trials:
        return []
    known = snapshot or _newest(work, spec)
    if known is None:
        return [_unknown(trial, champion, "the source has no rows of the newest day") for trial in trials]
    return [judged(work, spec, champion, trial, snapshot=known) for trial in trials]


def judged(
    work: Workspace, spec: Spec, champion: ChampionChange, trial: LiveTrial, *, snapshot: Snapshot
) -> LiveEvidence:
    """Return what the labels of a snapshot say of one trial."""
    blank = _unknown(trial, champion, "a model's records are gone")
    models = [model_named(work, name) for name in (trial.candidate_id, champion.candidate_id)]
    known = [model for model in models if model is not None]
    if len(known) < len(models):
        return blank
    classes = list(dict.fromkeys(name for model in known for name in model.candidate.classes))
    found = side_by_side(work, spec, champion, trial, snapshot, classes=classes)
    counts = {"n_answers": found.n_answers, "n_known": int(found.candidate.y.size)}
    blank = blank.model_copy(update=counts)
    sides = (found.candidate, found.champion)
    few = too_few([spec.target.class_counts(side.y) for side in sides], [side.y.size for side in sides])
    if few is not None:
        return blank.model_copy(update={"sentence": _sentence(blank, few + _keyless(found))})
    alpha = share_of(SPENT, _place(work, spec, champion, trial))
    return _compared(spec, blank, found, known, alpha)


def _compared(
    spec: Spec, blank: LiveEvidence, found: JoinedAnswers, models: Sequence[ChampionModel], alpha: float
) -> LiveEvidence:
    sides, days = (found.candidate, found.champion), found.candidate.days
    new, old = (
        found.target.predictions.of(side.y, side.answers, threshold=threshold_of(spec, model))
        for side, model in zip(sides, models, strict=True)
    )
    metric, sizes = (
        spec.metrics.metric(spec.metrics.primary),
        looks_of(days, blank.since.date(), blank.until.date()),
    )
    rows = LiveRows(new, old, (days, found.champion.days), paired=blank.role == "shadow")
    comparison = compared(metric, rows, level=level_of(sizes, alpha))
    values = [metric.value(side) for side in (new, old)]
    told = [
        MetricValue(name=metric.kind, value=each.value, n=side.y.size, reason=each.reason)
        for each, side in zip(values, sides, strict=True)
    ]
    whole = blank.model_copy(
        update={
            "first_day": days.min().item(),
            "last_day": days.max().item(),
            "comparison": comparison,
            "candidate_value": told[0],
            "champion_value": told[1],
            "alpha": alpha,
            "looks": len(sizes),
            "verdict": verdict_of(comparison),
        }
    )
    return whole.model_copy(update={"sentence": _sentence(whole, _said(comparison, whole.verdict))})


def _newest(work: Workspace, spec: Spec) -> Snapshot | None:
    cutoff = clock.cutoff_of(snapshots.newest_complete_day(spec, work.store))
    taken = snapshots.take(spec, cutoff, catalog=work.ledger, store=work.store)
    return None if taken is None else taken.snapshot


def model_named(work: Workspace, candidate_id: str) -> ChampionModel | None:
    """Return a candidate as a champion, or None where its records are gone."""
    candidate, run_id = work.ledger.candidate(candidate_id), work.ledger.run_of(candidate_id)
    if candidate is None or run_id is None:
        return None
    return model_by(work.spec_of(work.ledger.plan(run_id)), candidate)


def _place(work: Workspace, spec: Spec, champion: ChampionChange, trial: LiveTrial) -> int:
    """Return which of a year's tests of its kind this one is: each spends its part of the year's budget."""
    rules = rules_by(spec)
    own = watched(champion, rules)
    if own is not None and own.candidate_id == trial.candidate_id and own.at == trial.at:
        begun = [watched(change, rules) for change in work.ledger.champion_changes(trial.pipeline)]
        starts = [each.at for each in begun if each is not None and each.at is not None]
    else:
        written = live_trials.written(work.ledger, trial.pipeline)
        starts = [each.at for each in written if each.running and each.at is not None]
    at = trial.at or clock.now()
    return max(1, sum(at - _YEAR < start <= at for start in starts))


def _unknown(trial: LiveTrial, champion: ChampionChange, why: str) -> LiveEvidence:
    found = LiveEvidence(
        pipeline=trial.pipeline,
        candidate=trial.candidate_id,
        champion=champion.candidate_id,
        version=champion.version,
        role=trial.role,
        since=since_of(champion, trial),
        until=trial.until,
        sentence="",
    )
    return found.model_copy(update={"sentence": _sentence(found, why)})


def _sentence(found: LiveEvidence, said: str) -> str:
    how = "in the shadow" if found.role == "shadow" else "for a share of the keys"
    rows = f"{counted(found.n_answers, 'answer')}, {found.n_known:,} with a label"
    return f"{found.candidate} {how} of version {found.version}, {rows}: {said}."


def _said(comparison: Comparison, verdict: LiveVerdict) -> str:
    if comparison.difference is None or comparison.lower is None or comparison.upper is None:
        return f"nothing can be compared, {comparison.reason}"
    words = {"better": "truly better", "worse": "truly worse", "open": "not told apart yet", "unknown": "unknown"}
    return (
        f"{words[verdict]}, {signed(comparison.difference)} by {comparison.metric} "
        f"(bounds {number(comparison.lower)} to {number(comparison.upper)}, looked at every day)"
    )


def _keyless(found: JoinedAnswers) -> str:
    if not found.n_keyless:
        return ""
    return f"; {counted(found.n_keyless, 'answer')} came without the row's key, by which labels are joined"
