"""The champion as an opponent: its model, and what keeps it from being compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlsys.errors import IntegrityError
from mlsys.evaluation.canary import canary
from mlsys.evaluation.known_rows import FittedOn, fitted_on
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange
from mlsys.records import (
    HISTORICAL,
    Candidate,
    Plan,
)
from mlsys.schema import ColumnSpec
from mlsys.spec import Spec
from mlsys.workspace import Workspace

log = get_logger(__name__)


@dataclass(frozen=True)
class ChampionModel:
    """The model that serves, with its own feature columns, and the learning task that it was fitted for.

    Attributes:
        joined: what decided on the values of those columns that were joined.
        usual_threshold: of its own spec, for a model that has no threshold of its own.
        unlike: in words, why it is not what was promoted under the packages that are installed now; None where it is.
        serves: id of the model that serves, where `candidate` is its judged twin.
        fitted_on: what is known of the rows that `candidate` was fitted on.
    """

    candidate: Candidate
    columns: Mapping[str, ColumnSpec]
    task: str
    joined: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    usual_threshold: float = 0.5
    unlike: str | None = None
    serves: str | None = None
    fitted_on: FittedOn | None = None

    @property
    def champion_id(self) -> str:
        """Id of the model that serves."""
        return self.serves or self.candidate.candidate_id

    @property
    def threshold(self) -> float:
        """The threshold that it serves with: its own, or that of its spec."""
        return self.usual_threshold if self.candidate.threshold is None else self.candidate.threshold


def obstacle_of(spec: Spec, champion: ChampionModel | None) -> str | None:
    """Return why the champion can't read this snapshot, or None."""
    if champion is not None and champion.unlike is not None:
        return champion.unlike
    problems = []
    if champion is not None and champion.task != spec.target.task:
        problems.append(f"it was fitted for the task {champion.task}, and the task is {spec.target.task} now")
    known, joined = {**spec.columns, **spec.joined_columns()}, spec.joined_meanings()
    for name, column in (champion.columns if champion else {}).items():
        here = known.get(name)
        if here is None and champion is not None and name in champion.joined:
            problems.append(f"no join adds its column '{name}' any more")
        elif here is None:
            problems.append(f"its column '{name}' is not in the schema")
        elif here.type != column.type:
            problems.append(f"its column '{name}' was {column.type} and is {here.type} now")
        elif champion is not None and champion.joined.get(name) != joined.get(name):
            problems.append(f"its column '{name}' is joined in another way now")
        elif name == spec.target.column:
            problems.append(f"its column '{name}' is the target now")
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more if problems else None


def threshold_of(spec: Spec, champion: ChampionModel) -> float:
    """Return the threshold by which a champion is judged under a spec: the one that it serves with.

    A number that the spec gives to all models is the champion's, too, unless it was given one of its own.
    """
    its_own = spec.metrics.costs is not None or champion.candidate.threshold is not None
    return champion.threshold if its_own else spec.metrics.usual_threshold


def rival(work: Workspace, plan: Plan) -> ChampionModel | None:
    """Return the champion to compare a run's candidates with, or None when there is none yet.

    A run that was interrupted after its own promotion is still compared with the champion before. A run about the
    past is compared with none: today's champion may have learnt from the very rows it would be judged on.
    """
    champion = rival_change(work, plan)
    return None if champion is None else replace(opponent(work, champion), unlike=unlike(work, champion))


def rival_change(work: Workspace, plan: Plan) -> ChampionChange | None:
    """Return the change that made the champion of `rival` serve."""
    champion = work.ledger.champion(plan.pipeline)
    if plan.mode in HISTORICAL:
        return None
    if champion is not None and champion.run_id == plan.run_id and champion.kind == "promote":
        before = work.ledger.champion_changes(plan.pipeline, of={str(champion.previous)})
        champion = before[-1] if before else None
    return champion


def unlike(work: Workspace, champion: ChampionChange) -> str | None:
    """Return why the installed packages make another model of the champion than was promoted, or None.

    Raises:
        IntegrityError: its golden predictions or its run's records are missing or were changed.
    """
    found = canary(work, champion)
    if found is None or found.ok:
        return None
    log.warning("champion_unlike", pipeline=champion.pipeline, version=champion.version, why=found.sentence)
    return f"{found.sentence}; `mlsys rehydrate {champion.pipeline}` fits it anew as the same version"


def opponent(work: Workspace, champion: ChampionChange) -> ChampionModel:
    """Return the model that candidates are compared with: the champion, or the twin that was judged before its refit.

    A champion that was fitted again knows rows that no candidate does, and mostly the holdout, too. Its twin was fitted
    on training rows as the candidates are, so that recipes meet at equal edges. Once its file is gone the champion
    itself is compared, less the rows that it knows.

    Raises:
        IntegrityError: as in `model_of`.
    """
    found = model_of(work, champion)
    on = found.candidate.refit.on if found.candidate.refit else None
    judged = found.candidate.judged_twin
    twin = work.ledger.candidate(judged) if judged else None
    if twin is not None and twin.model is not None and work.store.renew(twin.model):
        found, on = replace(found, candidate=twin, serves=champion.candidate_id), None
    beside = found.candidate.built_on.learnt if found.candidate.built_on else ()
    return replace(found, fitted_on=fitted_on(work, champion.run_id, on, beside=beside))


def model_of(work: Workspace, champion: ChampionChange) -> ChampionModel:
    """Return the model that a change made champion, with the feature columns of its own run.

    Raises:
        IntegrityError: the ledger has no such candidate, or not its run.
    """
    candidate = work.ledger.candidate(champion.candidate_id)
    if candidate is None:
        raise IntegrityError("The ledger has no candidate of the champion's name", got=champion.candidate_id)
    spec = work.spec_of(work.ledger.plan(champion.run_id))
    return model_by(spec, candidate)


def model_by(spec: Spec, candidate: Candidate) -> ChampionModel:
    """Return a candidate that was fitted by a spec as a champion."""
    return ChampionModel(
        candidate, spec.feature_columns(), spec.target.task, spec.joined_meanings(), spec.metrics.usual_threshold
    )
