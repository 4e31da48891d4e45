"""The champion fitted anew in another environment, as the same version: from its snapshot, its spec and its seed.

An old model file may not be readable, or not give the same answers, with newer packages. What is fitted anew takes its
place only when it answers nearly as the old one did and is as good on the same holdout rows; then it is still the same
version to whoever reads the registries. Everything is compared before anything is written, and the ledger decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlsys import keys
from mlsys.account import account
from mlsys.errors import IntegrityError, LostRaceError, RunError, UsageError
from mlsys.evaluation import evaluation
from mlsys.evaluation.canary import canary
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange, ChampionMovedError, RunRow
from mlsys.promotion import promote
from mlsys.promotion.projection import project
from mlsys.records import (
    Candidate,
    CheckReport,
    Decision,
    EvaluationSet,
    MetricValue,
    Plan,
    Prepared,
    Snapshot,
    Split,
)
from mlsys.report.run_records import write_card
from mlsys.spec import Spec
from mlsys.training import golden, training
from mlsys.training.adoption import as_first_fitted
from mlsys.wording import measured, number
from mlsys.workspace import Workspace

log = get_logger(__name__)

CLOSE = 0.02  # of the spread of the golden answers: on average no further apart, or it is another model
_NO_INTERVAL = 0.01  # of the recorded metric, where no interval of it was recorded


@dataclass(frozen=True)
class Rehydrated:
    """What came of a champion fitted anew.

    Attributes:
        change: the change that lets it serve; None in a dry run.
        largest, mean: differences to the golden answers as shares of their spread; None without golden predictions.
        before, after: the primary metric on the holdout, as it was recorded and of the model fitted anew.
        why: what made it necessary or useful, in words.
    """

    pipeline: str
    version: str
    change: ChampionChange | None
    largest: float | None
    mean: float | None
    before: MetricValue
    after: MetricValue
    why: str

    @property
    def sentence(self) -> str:
        """What came of it, in words."""
        answers = "no golden predictions were kept to compare"
        if self.mean is not None and self.largest is not None:
            answers = f"golden predictions differ by {number(self.largest * 100)} % of their range at most"
            answers = "golden predictions are identical" if self.largest == 0 else answers
        metric = f"{self.after.name} {_value(self.before)} before, {_value(self.after)} now"
        done = "would serve" if self.change is None else "serves"
        return f"{self.pipeline} {self.version} {done}, fitted anew: {answers}; {metric} ({self.why})"


@dataclass(frozen=True)
class _Fitted:
    """The champion fitted anew, with all that is written down of it once it was compared."""

    plan: Plan
    prepared: Prepared
    candidate: Candidate
    evaluations: EvaluationSet
    found: Rehydrated


def rehydrate(work: Workspace, pipeline: str, *, dry_run: bool = False) -> Rehydrated:
    """Fit the champion anew from its snapshot and spec, compare, and let it serve as the same version.

    A repetition after a crash goes on where it stopped; once it serves there is nothing to do.

    Raises:
        UsageError: no champion, or one that is as it was when it was promoted.
        RunError: what was fitted is too different to be the same version; nothing was changed.
        LostRaceError: the champion changed meanwhile; nothing was changed.
        IntegrityError: what it rests on is gone or was changed.
    """
    champion = work.ledger.champion(pipeline)
    if champion is None:
        raise UsageError(f"{pipeline} has no champion", remedy=f"Make one: `mlsys run {pipeline}`")
    seen = canary(work, champion)
    if seen is None or seen.state == "unchanged":
        project(work, pipeline)  # heals what a crash after the ledger's commit has left
        raise UsageError(
            f"{pipeline} {champion.version} needs no fit: the packages are those of its promotion",
            remedy="Where its file is damaged: `mlsys reconcile`, or `mlsys rollback`",
        )
    fitted = _fit(work, champion, why=seen.since if seen.ok else seen.sentence)
    _require_close(fitted.found)
    if dry_run:
        return fitted.found
    change = _serve(work, champion, fitted)
    log.info("rehydrated", pipeline=pipeline, version=change.version, candidate=change.candidate_id)
    return Rehydrated(**{**vars(fitted.found), "change": change})


def _fit(work: Workspace, champion: ChampionChange, *, why: str) -> _Fitted:
    """Fit the champion's candidate anew and measure it on its own holdout rows; only the store is written to."""
    old, rows = work.ledger.candidate(champion.candidate_id), work.ledger.run(champion.run_id)
    plan, snapshot, prepared = _left(work, champion, rows)
    if old is None:
        raise IntegrityError("The ledger has no candidate of the champion's name", got=champion.candidate_id)
    spec = work.spec_of(plan)
    key = keys.training_key_of(spec, plan.spec_fingerprint, snapshot)
    run_id = f"{keys.run_id(plan.pipeline, str(plan.day), key, 'live')}-rehydrated"
    told = {"run_id": run_id, "request_id": run_id, "training_key": key, "reason": f"rehydrated: {why}"[:500]}
    told |= {"mode": "live", "day_source": "the champion's run", "champion": champion.candidate_id}
    again = plan.model_copy(update={**told, "approval": False})
    prepared = prepared.model_copy(update={"plan": again})
    candidate = _fitted_as(work, spec, prepared, old)
    evaluations = evaluation.evaluate(spec, prepared, candidates=[candidate], champion=None, store=work.store)
    after = evaluations.summary.get(candidate.candidate_id)
    if after is None or after.value is None:
        raise RunError(f"The model fitted anew can't be measured: {after.reason if after else 'it can not be scored'}")
    largest = mean = None
    if champion.golden:
        known = work.store.read_json(champion.golden)
        largest, mean = golden.apart(known, golden.answered(spec, known, str(candidate.model), work.store))
    found = Rehydrated(
        plan.pipeline, champion.version, None, largest, mean, _recorded(work, champion, old, after), after, why
    )
    return _Fitted(again, prepared, candidate, evaluations, found)


def _left(work: Workspace, champion: ChampionChange, rows: Sequence[RunRow]) -> tuple[Plan, Snapshot, Prepared]:
    """Return what the champion's run left."""
    parts = {name: digest for row in rows for name, digest in row.parts.items()}
    plan, snapshot = next((row.plan, row.snapshot) for row in rows if row.plan and row.snapshot)
    if not {"checks", "split"} <= parts.keys():
        raise IntegrityError("The champion's run has not ended: it has left no split", where=champion.run_id)
    checks = CheckReport.load(work.store.read_json(parts["checks"]))
    split = Split.load(work.store.read_json(parts["split"]))
    return plan, snapshot, Prepared(plan=plan, snapshot=snapshot, checks=checks, split=split)


def _fitted_as(work: Workspace, spec: Spec, prepared: Prepared, old: Candidate) -> Candidate:
    """Return a candidate fitted as the old one was, and fitted again on more rows where that one was.

    Raises:
        RunError: it can't be fitted with what is installed now.
    """
    prepared = as_first_fitted(prepared, [old])
    candidate = training.train(spec, prepared, name=old.name, store=work.store)
    if candidate.status == "fitted" and old.judged_twin is not None:
        on = old.refit.on if old.refit else "train+validation"
        candidate = training.refit(spec, prepared, candidate=candidate, on=on, store=work.store)
    if candidate.status != "fitted" or candidate.model is None:
        raise RunError(f"The champion's model can't be fitted here: {candidate.reason}", where=candidate.candidate_id)
    return candidate


def _recorded(work: Workspace, champion: ChampionChange, old: Candidate, after: MetricValue) -> MetricValue:
    """Return the primary metric as it was when the champion was judged; unknown where that is gone."""
    found = work.ledger.decision(champion.decision_key) if champion.decision_key else None
    summary = found[0].summary if found else {}
    names = (old.candidate_id, old.candidate_id.removesuffix("-refit"))
    known = next((summary[name] for name in names if name in summary), None)
    return known or MetricValue(name=after.name, value=None, n=0, reason="it was never judged")


def _require_close(found: Rehydrated) -> None:
    """Refuse what is another model than the champion.

    Raises:
        RunError: answers or metric are too far from those recorded.
    """
    before, after = found.before, found.after
    problem = None
    if found.mean is not None and found.mean > CLOSE:
        problem = (
            f"golden predictions differ by {number(found.mean * 100)} % of their range on average; "
            f"up to {number(CLOSE * 100)} % is the same model"
        )
    elif before.value is not None and after.value is not None:
        slack = abs(before.value) * _NO_INTERVAL
        low = before.value - slack if before.lower is None else before.lower
        high = before.value + slack if before.upper is None else before.upper
        if not low <= after.value <= high:
            problem = f"{after.name} is {_value(after)} and was {_value(before)} ({measured(low)} to {measured(high)})"
    elif found.mean is None:
        problem = "neither golden predictions nor a metric of the champion were kept"
    if problem is not None:
        raise RunError(
            f"What was fitted anew is another model than version {found.version}: {problem}. Nothing was changed",
            where=found.pipeline,
            remedy=f"Let it be judged: `mlsys run {found.pipeline} --mode train`, then `mlsys promote {found.pipeline} "
            "RUN --reason '...'`",
        )


def _value(value: MetricValue) -> str:
    return "unknown" if value.value is None else measured(value.value)


def _serve(work: Workspace, champion: ChampionChange, fitted: _Fitted) -> ChampionChange:
    """Write the fit into the ledger and let it serve, if the champion is still the one that was fitted anew."""
    plan, prepared, spec = fitted.plan, fitted.prepared, work.spec_of(fitted.plan)
    environment = {"versions": keys.versions(), "code": keys.code_fingerprint()}
    _note(work, prepared, "started", "Rehydrated", {"environment": work.store.put_json(environment)})
    candidate = work.ledger.add_candidate(plan.pipeline, plan.run_id, fitted.candidate)
    decision = work.ledger.add_decision(plan.pipeline, fitted.evaluations, _decision(champion, fitted))
    wanted = ChampionChange(
        pipeline=plan.pipeline,
        generation=champion.generation + 1,
        candidate_id=candidate.candidate_id,
        version=champion.version,
        kind="rehydrate",
        cutoff=champion.cutoff,
        run_id=plan.run_id,
        decision_key=decision.decision_key,
        previous=champion.candidate_id,
        who=account(),
        expires=champion.expires,
        reason=decision.sentence[:500],
        golden=golden.keep(spec, prepared.snapshot, prepared.split, candidate, work.store),
    )
    try:
        change = work.ledger.change_champion(wanted)
    except ChampionMovedError as moved:
        raise LostRaceError(
            f"{moved.rule}; the champion was not changed by this command",
            where=plan.pipeline,
            remedy=f"See `mlsys champion {plan.pipeline}`",
        ) from moved
    names = project(work, plan.pipeline)
    version = promote.outcome_of(work, plan, decision, change, names=names)
    parts = {"checks": prepared.checks, "split": prepared.split, "version": version}
    stored = {name: work.store.put_json(part.dump()) for name, part in parts.items()}
    _note(work, prepared, "done", version.sentence, stored)
    write_card(work, plan.run_id)
    return change


def _note(work: Workspace, prepared: Prepared, status: str, sentence: str, parts: dict[str, str]) -> None:
    """Write a transition of the rehydration, which is a run of its own."""
    plan = prepared.plan
    begun = status == "started"
    row = RunRow(
        run_id=plan.run_id,
        training_key=plan.training_key,
        status="started" if begun else "done",
        sentence=sentence,
        plan=plan if begun else None,
        snapshot=prepared.snapshot if begun else None,
        parts=parts,
    )
    work.ledger.add_run(plan.pipeline, row)


def _decision(champion: ChampionChange, fitted: _Fitted) -> Decision:
    return Decision(
        decision_key=keys.rehydrated_key(fitted.plan.training_key, champion.candidate_id),
        run_id=fitted.plan.run_id,
        outcome="promote",
        reason="rehydrated",
        sentence=Rehydrated(**{**vars(fitted.found), "change": champion}).sentence,
        challenger=fitted.candidate.candidate_id,
        champion=champion.candidate_id,
        gates=(),
    )
