"""A run done again from what it left: its snapshot, its spec, its seeds; and what differs, with the reason.

Nothing is read from a source, and nothing is written into the ledger or a registry. Models that come out differently
stay in the store, where nothing reaches them, until housekeeping removes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlsys import keys
from mlsys.dataset import assignment, dataset
from mlsys.dataset.dataset import Dataset
from mlsys.errors import UsageError, near_match
from mlsys.evaluation import evaluation
from mlsys.evaluation.anchor import anchor_under
from mlsys.evaluation.champion import ChampionModel, opponent
from mlsys.events import get_logger
from mlsys.inspection import inspection
from mlsys.ledger import ChampionChange, RunRow
from mlsys.promotion import decide
from mlsys.records import Candidate, CheckReport, Decision, EvaluationSet, Plan, Prepared, Snapshot, Split
from mlsys.spec import Spec
from mlsys.splits.base import HOLDOUT
from mlsys.training import model_file, training
from mlsys.training.adoption import as_first_fitted
from mlsys.wording import counted, number
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np

log = get_logger(__name__)

Agreement = Literal["identical", "within tolerance", "diverged"]

_ORDER: tuple[Agreement, ...] = ("identical", "within tolerance", "diverged")
# Of the spread of a model's answers: sums in another order differ by less, another split of a tree by more.


@dataclass(frozen=True)
class ReplayedModel:
    """A candidate beside the one fitted then.

    Attributes:
        largest: largest difference of the two models' answers on the holdout; None where they were not compared.
    """

    name: str
    agreement: Agreement
    largest: float | None = None
    why: str | None = None


@dataclass(frozen=True)
class Replayed:
    """What came of a run done again.

    Attributes:
        models: in the spec's order.
        decision: whether the gates say the same; None where the run had none.
        causes: what is known to differ from then; empty where nothing is.
    """

    run_id: str
    agreement: Agreement
    models: tuple[ReplayedModel, ...]
    decision: Agreement | None
    causes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What came of it, in words."""
        differing = [model for model in self.models if model.agreement != "identical"]
        n_models = counted(len(self.models), "model")
        n_other = counted(len(differing), "model differs", "models differ")
        found = f"{n_other} of {len(self.models)}" if differing else f"{n_models}, byte for byte"
        decided = {
            None: "no decision",
            "identical": "the same decision",
            "within tolerance": "the same decision",
            "diverged": "another decision",
        }[self.decision]
        why = "; ".join(self.causes) if self.agreement != "identical" else ""
        return f"{self.agreement}: {found}, and {decided}" + (f" ({why})" if why else "")


def replay(work: Workspace, run_id: str) -> Replayed:
    """Fit a run's candidates again and let its gates judge again, on the rows that it had.

    Raises:
        UsageError: no such run, or it ended before anything was fitted.
        IntegrityError: what it rests on is gone (housekeeping removes it with old runs) or was changed.
    """
    rows = _rows(work, run_id)
    plan, snapshot, parts = left(work, rows)
    spec = work.spec_of(plan)
    checks, divided = CheckReport.load(parts["checks"]), Split.load(parts["split"])
    again = assignment.split(spec, snapshot, checks, store=work.store)
    prepared = Prepared(plan=plan, snapshot=snapshot, checks=checks, split=again)
    known = {c.candidate_id: c for c in work.ledger.candidates(plan.training_key)}.values()
    before = {c.name: c for c in known if c.judged_twin is None}
    prepared = as_first_fitted(prepared, before.values())
    fitted = training.train_all(spec, prepared, names=list(before), store=work.store, workers=work.settings.workers)
    pairs = [(before[one.name], one) for one in fitted]
    models = _models(work, spec, prepared, [*pairs, *_refits(work, spec, prepared, known, fitted)])
    decided = _decided(work, plan)
    decision = None if decided is None else _judged_again(work, spec, prepared, fitted, decided)
    agreement = max([*(model.agreement for model in models), *([decision] if decision else [])], key=_ORDER.index)
    causes = _causes(parts["environment"], same_sides=again.assignment == divided.assignment)
    if agreement == "diverged" and not causes:
        causes = ["nothing that is recorded differs: another processor, or a fit that does not repeat"]
    found = Replayed(run_id, agreement, tuple(models), decision, tuple(causes))
    log.info("replayed", run=run_id, agreement=agreement, models=len(models), decision=decision)
    return found


def newest(work: Workspace, pipelines: Sequence[str], *, last: int) -> list[str]:
    """Return the ids of the newest `last` runs of each pipeline that fitted something, oldest first."""
    found: list[str] = []
    for pipeline in pipelines:
        done = [row.run_id for row in work.ledger.runs(pipeline) if row.status == "done"]
        found += list(dict.fromkeys(done))[-last:]
    return found


def _rows(work: Workspace, run_id: str) -> list[RunRow]:
    rows = work.ledger.run(run_id)
    if not rows:
        known = {row.run_id for name in work.ledger.pipelines() for row in work.ledger.runs(name)}
        remedy = near_match(run_id, known) if known else "No run was started yet"
        raise UsageError("There is no such run", got=run_id, remedy=remedy)
    return rows


def left(work: Workspace, rows: Sequence[RunRow]) -> tuple[Plan, Snapshot, dict[str, Any]]:
    """Return what a run left, by its transitions: plan, snapshot, and its parts by name.

    Raises:
        UsageError: it ended before anything was fitted.
        IntegrityError: a stored file is missing or was changed.
    """
    parts = {name: digest for row in rows for name, digest in row.parts.items()}
    plan, snapshot = next((row.plan, row.snapshot) for row in rows if row.plan and row.snapshot)
    missing = [name for name in ("checks", "split") if name not in parts]
    if missing:
        raise UsageError(
            f"The run ended before anything was fitted: it has no {missing[0]}",
            where=plan.run_id,
            remedy="Replay a run that ended with a decision; `mlsys history` shows them",
        )
    wanted = ("checks", "split", "environment")
    return plan, snapshot, {name: work.store.read_json(parts[name]) for name in wanted}


def _models(
    work: Workspace, spec: Spec, prepared: Prepared, pairs: Sequence[tuple[Candidate, Candidate]]
) -> list[ReplayedModel]:
    data: Dataset | None = None
    found = []
    for then, now in pairs:
        if then.model == now.model and then.status == now.status:
            found.append(ReplayedModel(now.name, "identical"))
        elif then.model is None or now.model is None:
            said = {one.status: one.reason for one in (then, now)}
            why = f"it was {then.status} and is {now.status} now: {said.get('failed') or 'no reason given'}"
            found.append(ReplayedModel(now.name, "diverged", why=why))
        else:
            if data is None:
                data = dataset.load(spec, prepared.snapshot, prepared.split, store=work.store, sides=(HOLDOUT,))
            found.append(_compared(work, data, then, now))
    return found


def _refits(
    work: Workspace, spec: Spec, prepared: Prepared, known: Iterable[Candidate], fitted: Sequence[Candidate]
) -> Iterator[tuple[Candidate, Candidate]]:
    """Yield each model that was fitted again after its judgement, with the same once more."""
    twins = {twin.candidate_id: twin for twin in fitted}
    for then in known:
        twin = twins.get(then.judged_twin or "")
        if twin is not None and then.model is not None:
            on = then.refit.on if then.refit else "train+validation"
            now = training.refit(spec, prepared, candidate=twin, on=on, store=work.store)
            called = {"name": f"{then.name}, fitted again"}  # guards decide on the status, and not on the bytes
            yield then.model_copy(update=called), now.model_copy(update={**called, "status": then.status})


def _compared(work: Workspace, data: Dataset, then: Candidate, now: Candidate) -> ReplayedModel:
    """Compare the answers of two models whose files differ."""
    import numpy as np

    rows = data.rows
    answers = [data.target.answers(model_file.load(str(one.model), work.store), rows) for one in (then, now)]
    largest = float(np.abs(answers[1] - answers[0]).max()) if len(rows) else 0.0
    close = largest <= keys.TOLERANCE * _spread(answers[0])
    why = f"other bytes; answers on {len(rows):,} holdout rows differ by at most {number(largest)}"
    return ReplayedModel(now.name, "within tolerance" if close else "diverged", largest, why)


def _spread(answers: np.ndarray) -> float:
    return float(answers.max() - answers.min()) if answers.size else 0.0


def _decided(work: Workspace, plan: Plan) -> tuple[EvaluationSet, Decision] | None:
    """Return the first decision of a run: later ones are a person's, or follow on a race."""
    decisions = work.ledger.decisions(plan.pipeline, of={plan.run_id})
    return work.ledger.decision(decisions[0].decision_key) if decisions else None


def _judged_again(
    work: Workspace,
    spec: Spec,
    prepared: Prepared,
    candidates: Sequence[Candidate],
    decided: tuple[EvaluationSet, Decision],
) -> Agreement:
    evaluations, decision = decided
    judged = judged_anew(work, spec, prepared, candidates=candidates, then=evaluations)
    if (judged.outcome, judged.reason, judged.challenger) != (decision.outcome, decision.reason, decision.challenger):
        return "diverged"
    seen = [[(gate.name, gate.state, gate.observed) for gate in one.gates] for one in (decision, judged)]
    return "identical" if seen[0] == seen[1] else "within tolerance"


def judged_anew(
    work: Workspace,
    spec: Spec,
    prepared: Prepared,
    *,
    candidates: Sequence[Candidate],
    then: EvaluationSet,
) -> Decision:
    """Return what a spec's gates say of candidates against the champion of then; nothing is written down.

    Args:
        work: the installation.
        spec: whose gates and metrics judge; not always that of the run.
        prepared: the run.
        candidates: models on its rows.
        then: what the run itself found, which names the champion of then.
    """
    change = _rival_of(work, prepared.plan, then)
    asked = change is not None and spec.anchored_metrics
    rival: ChampionModel | None = None if change is None else opponent(work, change)
    again = evaluation.evaluate(
        spec,
        prepared,
        candidates=candidates,
        champion=rival,
        anchor=anchor_under(work, change, prepared.plan.cutoff) if asked and change else None,
        store=work.store,
        explained=False,
        inspect=inspection.again(work, spec, prepared, then.inspection),
    )
    judged = decide.judge(spec, prepared, evaluations=again, champion=change, store=work.store)
    return decide.lucky(spec, prepared, judged, again, rival=rival, change=change, work=work)


def _rival_of(work: Workspace, plan: Plan, evaluations: EvaluationSet) -> ChampionChange | None:
    """Return the change that had made the champion of then serve."""
    if evaluations.champion is None:
        return None
    changes = work.ledger.champion_changes(plan.pipeline, of=[evaluations.champion])
    return changes[0] if changes else None


def _causes(environment: Mapping[str, Any], *, same_sides: bool) -> list[str]:
    """Return what is known to differ from a run's environment."""
    then, now = environment["versions"], keys.versions()
    found = [
        f"{name} {then.get(name, 'was missing')} then, {now.get(name, 'is missing')} now"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    if environment["code"] != keys.code_fingerprint():
        found.append("mlsys itself has changed")
    if not same_sides:
        found.append("rows stand on other sides of the split")
    return found
