"""What a person is shown who has the last word: on a promotion the decision, every gate, both models and the card."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlsys.durations import in_words
from mlsys.orchestration.tasks.approval import Question
from mlsys.orchestration.tasks.workplace import Data, prepared_run

if TYPE_CHECKING:
    from mlsys.records import Decision, Evaluation, MetricValue, Plan

_MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "error": "!"}


def promotion_question(prepared: Data | None, evaluations: Data, decision: Data) -> Question | None:
    """Return the question of a run whose gates all pass and whose plan asks for a person; else None."""
    from mlsys.orchestration.page import addresses
    from mlsys.records import Decision, EvaluationSet
    from mlsys.report import run_records

    decided, evaluated = Decision.load(decision), EvaluationSet.load(evaluations)
    with prepared_run(prepared, "approve") as (work, known):
        plan = known.plan
        if not plan.approval or plan.mode != "live" or decided.outcome != "promote":
            return None
        timeout = work.spec_of(plan).approval.timeout
        card = addresses.report(run_records.write_card(work, plan.run_id).path)
        models = work.store.read_json(evaluated.details)["evaluations"]
        lines = [
            f"**{decided.sentence}.** Without an answer within {in_words(timeout)} nothing is promoted.",
            "",
            *_run(plan),
            "",
            *_gates(decided),
            "",
            *_models(decided, models),
            "",
            f"[Report card]({card}), also `mlsys report {plan.run_id}`",
        ]
    return Question(f"Promote {decided.challenger} in {plan.pipeline}?", "\n".join(lines), timeout)


def rollback_question(wanted: dict[str, Any]) -> Question | None:
    """Return the question, where the pipeline's spec leaves the last word to a person; else None."""
    if wanted["timeout_seconds"] is None:
        return None
    timeout = timedelta(seconds=wanted["timeout_seconds"])
    return Question(
        subject=f"Roll back {wanted['pipeline']} to version {wanted['version']}?",
        body=f"**{wanted['sentence']}.** Without an answer within {in_words(timeout)} nothing changes.\n\n"
        f"Asked for by {wanted['asked_by']}, because: {wanted['reason']}",
        timeout=timeout,
    )


def _run(plan: Plan) -> Iterator[str]:
    yield f"Run `{plan.run_id}` about {plan.day}" + (f", asked for because: {plan.reason}" if plan.reason else "")


def _gates(decision: Decision) -> Iterator[str]:
    yield from ("| | Gate | Finding |", "|---|---|---|")
    for gate in decision.gates:
        yield f"| {_MARKS[gate.state]} | {_cell(gate.name)} | {_cell(gate.sentence)} |"


def _models(decision: Decision, models: list[Data]) -> Iterator[str]:
    """Yield a table of every metric on the holdout: challenger, and champion where there is one."""
    from mlsys.records import Evaluation

    known = {model["model_id"]: Evaluation.load(model) for model in models}
    sides = {"Challenger": known.get(decision.challenger or ""), "Champion": known.get(decision.champion or "")}
    shown: dict[str, Evaluation] = {side: model for side, model in sides.items() if model is not None}
    yield "| Metric on the holdout | " + " | ".join(shown) + " |"
    yield "|---|" + "---|" * len(shown)
    for value in next(iter(shown.values())).holdout if shown else ():
        cells = [_value(model.on_holdout(value.name)) for model in shown.values()]
        yield f"| {_cell(value.name)} | " + " | ".join(cells) + " |"


def _value(value: MetricValue | None) -> str:
    from mlsys.report.formats import metric

    if value is None or value.value is None:
        return metric(None)
    interval = "" if value.lower is None else f" ({metric(value.lower)} to {metric(value.upper)})"
    return metric(value.value) + interval


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_")
