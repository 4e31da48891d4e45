"""The luck of training: the challenger's fit repeated with other seeds, and judged by the same gates.

An interval on the holdout knows the luck of the rows and nothing of the seed. Where a promotion depends on it, the
evidence does not suffice. The repeated fits are candidates of nobody: none is kept in the ledger, and none may serve.

A rejection is left as it is: the champion serves on whatever another seed says, and most nights end so. Thus a run
that promotes nothing costs nothing more (docs/adr/0013-seeds-of-promotions.md).
"""

from __future__ import annotations

from collections.abc import Callable

from mlsys.evaluation import evaluation
from mlsys.evaluation.champion import ChampionModel
from mlsys.events import get_logger
from mlsys.records import Candidate, Decision, EvaluationSet, Luck, Prepared
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.training import training
from mlsys.wording import counted, number

log = get_logger(__name__)

REASON = "luck_of_training"


def tried(
    spec: Spec,
    prepared: Prepared,
    decision: Decision,
    *,
    candidate: Candidate | None,
    rival: ChampionModel | None,
    evaluations: EvaluationSet,
    judge: Callable[[EvaluationSet], Decision],
    store: Store,
) -> Decision:
    """Return a promotion that knows what other seeds say, `inconclusive` where one does not pass; others as they are.

    Args:
        spec: with the number of seeds.
        prepared: the run's rows.
        decision: what the gates say of the candidate.
        candidate: the challenger; None where there is none, and nothing is tried.
        rival: whom it was compared with.
        evaluations: what the decision rests on.
        judge: what the gates say of other evaluations.
        store: of the models.
    """
    if spec.training.seeds == 1 or decision.outcome != "promote" or candidate is None:
        return decision
    own = evaluations.summary.get(candidate.candidate_id)
    values, flipped = [own.value if own else None], None
    for place in range(1, spec.training.seeds):
        again = training.with_other_seed(spec, prepared, candidate=candidate, place=place, store=store)
        found = evaluation.evaluate(spec, prepared, candidates=[again], champion=rival, store=store, explained=False)
        if _measured(found, again, store) == _measured(evaluations, candidate, store):
            return decision.model_copy(update={"luck": _without_luck(values)})
        value = found.summary.get(again.candidate_id)
        values.append(value.value if value else None)
        other = judge(found)
        if other.outcome != decision.outcome:
            flipped = other
            break
    luck = _luck(spec, values, decision, flipped)
    log.info("seeds_tried", run=prepared.plan.run_id, seeds=luck.n_seeds, alike=luck.alike)
    if flipped is None:
        return decision.model_copy(update={"luck": luck})
    return decision.model_copy(
        update={
            "outcome": "inconclusive",
            "reason": REASON,
            "sentence": luck.sentence,
            "advice": "A model that depends less on its seed helps: more trees, a smaller learning rate, or a blend",
            "luck": luck,
        }
    )


def _measured(found: EvaluationSet, candidate: Candidate, store: Store) -> object:
    """Return all metrics of a candidate with their intervals; other answers would give other ones.

    The files differ even where answers do not: scikit-learn keeps the seed in them.
    """
    listed = store.read_json(found.details)["evaluations"]
    return next((each["holdout"] for each in listed if each["model_id"] == candidate.candidate_id), None)


def _without_luck(values: list[float | None]) -> Luck:
    return Luck(n_seeds=1, alike=True, values=tuple(values), sentence="Its fit does not depend on the seed")


def _luck(spec: Spec, values: list[float | None], decision: Decision, flipped: Decision | None) -> Luck:
    known = [value for value in values if value is not None]
    reach = f"{spec.metrics.primary} {number(min(known))} to {number(max(known))}" if known else "no metric is defined"
    seeds = counted(len(values), "seed")
    if flipped is None:
        sentence = f"The outcome is {decision.outcome} with all {seeds} ({reach})"
    else:
        sentence = (
            f"The outcome depends on the seed: {decision.outcome} with the challenger's own, {flipped.outcome} with "
            f"another one of {seeds} ({reach}): {flipped.sentence}"
        )
    return Luck(n_seeds=len(values), alike=flipped is None, values=tuple(values), sentence=sentence)
