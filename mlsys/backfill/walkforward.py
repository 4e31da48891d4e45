"""The walk-forward report: what past days teach about how often to retrain, from the simulated runs in the ledger.

For each simulated day: the candidate that would have been trained, how it did on its own holdout and on the days after,
and what the gates would have said against the model that would have served then. Over all days: what retraining at
different paces would have given, on the same rows. A model is judged on days after its cutoff alone.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from mlsys.backfill import page
from mlsys.backfill.answer import Circumstances, answer
from mlsys.backfill.change import fall_of
from mlsys.backfill.days import SimulatedDay, Simulation, collect
from mlsys.backfill.gates import judge_in_turn, promoted
from mlsys.backfill.measure import joined, plain
from mlsys.backfill.recalibrated import recalibrations
from mlsys.backfill.records import (
    Change,
    SimulatedModel,
    StrategyResult,
    StrategySummary,
    Verdict,
    WalkForward,
    WalkForwardDetails,
)
from mlsys.backfill.scores import ScoreBook, judged_days
from mlsys.backfill.strategies import GATED, NEVER, Strategy, compare, strategies_of
from mlsys.errors import UsageError
from mlsys.events import get_logger
from mlsys.metrics import METRICS
from mlsys.records import MetricValue
from mlsys.spec import Spec
from mlsys.store import canonical_json, write_if_other
from mlsys.workspace import Workspace

log = get_logger(__name__)

FOLLOWING_DAYS = 7


def walk_forward(work: Workspace, pipeline: str, *, first: date | None = None, last: date | None = None) -> WalkForward:
    """Write the walk-forward report of a pipeline's simulated days and return what it says.

    The same records give the same bytes. Costs the pairs of model and day that no earlier report has scored.

    Args:
        work: the installation.
        pipeline: name of the spec.
        first: first day of the range; default the first simulated one.
        last: last day, included; default the last simulated one.

    Raises:
        UsageError: no simulated run in the range came to its end.
        IntegrityError, RunError: a stored file is missing or damaged, or a model can't be scored.
    """
    simulation = collect(work, pipeline, first=first, last=last)
    if simulation is None:
        raise UsageError(
            f"No simulated day of {pipeline} came to its end",
            where=f"{first or 'the first day'} to {last or 'the last'}",
            remedy=f"mlsys backfill {pipeline} --from DAY --to DAY",
        )
    return report_of(work, simulation)


def report_of(work: Workspace, simulation: Simulation) -> WalkForward:
    """Write the walk-forward report of a simulation and return what it says.

    Raises:
        IntegrityError, RunError: a stored file is missing or damaged, or a model can't be scored.
    """
    pipeline, details = simulation.pipeline, details_of(work, simulation)
    data = canonical_json(details.model_dump(mode="json"))
    folder = Path("reports", pipeline)
    path, json_path = folder / "walk-forward.html", folder / "walk-forward.json"
    for target, content in ((json_path, data), (path, page.render(details).encode())):
        write_if_other(work.home / target, content)
    log.info("walk_forward", pipeline=pipeline, days=len(details.models), advice=details.answer.advice)
    return _summary(details, path, json_path, hashlib.sha256(data).hexdigest())


def details_of(work: Workspace, simulation: Simulation) -> WalkForwardDetails:
    """Return all numbers of the report."""
    verdicts = judge_in_turn(work, simulation)
    gated = promoted(simulation.days, verdicts)
    book = ScoreBook(work, simulation, judged_days(work, simulation))
    book.fill(_pairs(simulation, strategies_of(simulation, gated), book))
    strategies = strategies_of(simulation, gated, recalibrations(work, simulation, book))
    compared = compare(simulation, strategies, book)
    primary = simulation.spec.metrics.primary
    change = _change(compared.strategies, primary)
    models, withheld = _models(simulation, verdicts, book), withheld_by(simulation.spec)
    kept_out = [model for model in models if model.verdict.kept_out_by]
    return WalkForwardDetails(
        pipeline=simulation.pipeline,
        first=simulation.first,
        last=simulation.last,
        spec_fingerprint=simulation.spec_fingerprint,
        primary=primary,
        direction=METRICS.find(primary).direction,
        models=models,
        ranks=METRICS.find(primary).ranks,
        threshold=None if simulation.spec.metrics.costs else simulation.spec.metrics.usual_threshold,
        missing=dict(simulation.missing),
        notes=simulation.notes,
        compared=compared.days,
        n_rows=compared.n_rows,
        strategies=compared.strategies,
        gains=compared.gains,
        view_gains=compared.view_gains,
        change=change,
        withheld=withheld,
        answer=answer(compared, change, primary, around=Circumstances(withheld, kept_out)),
    )


def withheld_by(spec: Spec) -> dict[str, int]:
    """Return how many of the newest days before its cutoff a model is not fitted on, by what they are for."""
    days = {**spec.split.withheld, "`label.delay`": math.ceil(spec.label.delay / timedelta(days=1))}
    return {name: n for name, n in days.items() if n}


def _pairs(
    simulation: Simulation, strategies: Sequence[Strategy], book: ScoreBook
) -> dict[date, tuple[SimulatedDay, ...]]:
    """Return which models are asked about each judged day: those of the week before, and those that would serve."""
    pairs = {}
    for day in book.days:
        recent = [model for model in simulation.days if _follows(day, model.day)]
        serving = [model for strategy in strategies if (model := strategy.serving(day)) is not None]
        pairs[day] = tuple({model.day: model for model in (*recent, *serving)}.values())
    return pairs


def _follows(day: date, model_day: date) -> bool:
    return timedelta(0) < day - model_day <= timedelta(days=FOLLOWING_DAYS)


def _models(simulation: Simulation, verdicts: Sequence[Verdict], book: ScoreBook) -> tuple[SimulatedModel, ...]:
    found, serves = [], None
    for model, verdict in zip(simulation.days, verdicts, strict=True):
        serves = model.day if verdict.outcome == "promote" else serves
        found.append(
            SimulatedModel(
                day=model.day,
                run_id=model.plan.run_id,
                candidate=model.best.candidate_id,
                name=model.best.name,
                holdout=model.evaluation.holdout,
                following=_following(simulation, model, book),
                verdict=verdict,
                serves=serves,
            )
        )
    return tuple(found)


def _following(simulation: Simulation, model: SimulatedDay, book: ScoreBook) -> MetricValue | None:
    """Return the primary metric of a model on the judged days of the week after it."""
    parts = [book.scored(model, day) for day in sorted(book.days) if _follows(day, model.day)]
    if not parts:
        return None
    return plain(simulation.spec.metrics.metric(simulation.spec.metrics.primary), joined(parts))


def _change(results: Sequence[StrategyResult], primary: str) -> Change | None:
    never = next(result for result in results if result.name == NEVER)
    known = {daily.day: daily.value.value for daily in never.daily if daily.value.value is not None}
    return fall_of(list(known), list(known.values()), direction=METRICS.find(primary).direction)


def _summary(details: WalkForwardDetails, path: Path, json_path: Path, digest: str) -> WalkForward:
    gains: Mapping[tuple[str, str], object] = {(gain.strategy, gain.over): gain.comparison for gain in details.gains}
    return WalkForward.model_validate(
        {
            "pipeline": details.pipeline,
            "first": details.first,
            "last": details.last,
            "path": path.as_posix(),
            "json_path": json_path.as_posix(),
            "sha256": digest,
            "primary": details.primary,
            "n_days": len(details.models),
            "n_missing": len(details.missing),
            "n_rows": details.n_rows,
            "strategies": tuple(
                StrategySummary(
                    name=s.name, n_promotions=len(s.promotions), overall=s.overall, regret=s.regret, views=s.views
                )
                for s in details.strategies
            ),
            "gain": gains[GATED, NEVER],
            "change_day": details.change.day if details.change else None,
            "repaired": details.answer.repaired,
            "n_kept_out": len(details.kept_out),
            "advice": details.answer.advice,
            "headline": details.answer.headline,
            "disagreement": details.answer.disagreement,
            "sentence": " ".join((details.answer.sentence, *details.answer.more, *details.answer.disagreement)),
        }
    )
