"""The decisions that a policy learnt from, to be played by another learner: a gymnasium environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlsys import extras
from mlsys.dataset import dataset
from mlsys.dataset.of_run import snapshot_and_split
from mlsys.errors import UsageError
from mlsys.models.q_learning import QLearning
from mlsys.splits.base import TRAINING
from mlsys.training import model_file
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    from mlsys.training.logged_decisions import LoggedDecisions


def decision_environment(work: Workspace, pipeline: str) -> LoggedDecisions:
    """Return the training decisions behind a pipeline's champion as a gymnasium environment, in the champion's states.

    An action is answered by a decision in which it was taken in that state, with its reward and the state that came
    next; no holdout row is among them.

    Raises:
        UsageError: gymnasium is not installed, or the champion is no table of states, or there is none.
        IntegrityError: what it rests on is gone (housekeeping removes it with old runs) or was changed.
    """
    extras.load("gymnasium", extra="environments", needed_by="An environment")
    from mlsys.training.logged_decisions import environment_of

    champion = work.ledger.champion(pipeline)
    if champion is None:
        raise UsageError("There is no champion", where=pipeline, remedy=f"`mlsys run {pipeline}` trains candidates")
    candidate = work.ledger.candidate(champion.candidate_id)
    run_id = work.ledger.run_of(champion.candidate_id)
    assert candidate is not None  # the ledger keeps what serves
    assert candidate.model is not None
    assert run_id is not None
    plan = work.ledger.plan(run_id)
    spec = work.spec_of(plan)
    model = next(one for one in spec.models if one.label == candidate.name)
    if not isinstance(model, QLearning):
        raise UsageError(
            "Only tables of states have an environment",
            where=pipeline,
            got=f"a champion of kind {model.kind}",
            remedy="Train a candidate of kind q_learning",
        )
    found = snapshot_and_split(work, run_id)
    assert found is not None  # it has fitted a model
    data = dataset.load(spec, *found, store=work.store, sides=(TRAINING,))
    fitted = model_file.load(candidate.model, work.store)
    return environment_of(fitted, data.rows, data.y, prior=model.prior)
