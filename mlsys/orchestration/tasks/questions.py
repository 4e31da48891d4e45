"""What a person is shown who has the last word: on a promotion the decision, every gate, both models and the card."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlsys.durations import in_words
from mlsys.orchestration.tasks.approval import Question
from mlsys.orchestration.tasks.workplace import Data, made, prepared_run

if TYPE_CHECKING:
    from mlsys.records import Decision, MetricValue, Plan

_MARKS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "error": "!"}


def promotion_question(decided: Data | None) -> Question | None:
    """Return the question of a run whose gates all pass and that needs a person, by plan or envelope; else None."""
    from mlsys.orchestration.page import addresses
    from mlsys.records import Decided
    from mlsys.report import run_records

    found = Decided.load(made(decided))
    decision = found.decision
    with prepared_run(found.prepared.dump(), "approve") as (work, known):
        plan = known.plan
        if not (plan.approval or decision.needs_person) or plan.mode != "live" or decision.outcome != "promote":
            return None
        timeout = work.spec_of(plan).approval.timeout
        card = addresses.report(run_records.write_card(work, plan.run_id).path)
        details = work.store.read_json(found.evaluations.details)
        lines = [
            f"**{decision.sentence}.** Without an answer within {in_words(timeout)} nothing is promoted.",
            *([f"\n{decision.envelope.sentence}."] if decision.envelope else []),
            "",
            *_run(plan),
            "",
            *_gates(decision),
            "",
            *_models(decision, details),
            "",
            f"[Report card]({card}), also `mlsys report {plan.run_id}`",
        ]
    return Question(f"Promote {decision.challenger} in {plan.pipeline}?", "\n".join(lines), timeout)


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


def _models(decision: Decision, details: Data) -> Iterator[str]:
    """Yield a table of every metric on the holdout: challenger, and champion where there is one."""
    from mlsys.report.sides import side_by_side

    champion = decision.champion is not None
    yield "| Metric on the holdout | Challenger |" + (" Champion |" if champion else "")
    yield "|---|---|" + ("---|" if champion else "")
    for side in side_by_side(decision, details):
        cells = [_value(side.challenger), *([_value(side.champion)] if champion else [])]
        yield f"| {_cell(side.metric)} | " + " | ".join(cells) + " |"


def _value(value: MetricValue | None) -> str:
    from mlsys.report.formats import metric

    if value is None or value.value is None:
        return metric(None)
    interval = "" if value.lower is None else f" ({metric(value.lower)} to {metric(value.upper)})"
    return metric(value.value) + interval


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_")
