"""The flow of a retraining, in order. The command line and the DAGs call these same functions.

    sources/ -> snapshot/ -> validation/ (checks/) -> dataset/ (splits/) -> training/ (features/, models/)
       ^                                                                        |
       |          registries/  <-  promotion/ (gates/)  <-  evaluation/ (metrics/) + inspection/ (flaws/)
       |
       +-- dags/ <-- monitoring/ (monitors/) <-- predictions, late labels

Each step takes records and returns a record. Each may be called again with the same input: it adopts what exists,
registers nothing twice and changes no byte.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from mlsys.children import Standby
from mlsys.dataset import assignment
from mlsys.errors import LostRaceError, MlsysError
from mlsys.evaluation import champion, evaluation
from mlsys.evaluation.anchor import anchor_for
from mlsys.events import get_logger
from mlsys.explanation.explanation import explain
from mlsys.inspection import inspection
from mlsys.ledger import ChampionMovedError, HeldError, RunRow
from mlsys.live.begun import try_challenger
from mlsys.planning.plan import RunRequest, open_run
from mlsys.planning.refused import reason_of, record_refused
from mlsys.promotion import decide as decide_module
from mlsys.promotion import promote as promotion
from mlsys.promotion import refit as refitting
from mlsys.promotion.by_hand import expire
from mlsys.promotion.projection import project, show_explanation
from mlsys.records import (
    HISTORICAL,
    Answer,
    Candidate,
    CheckReport,
    Decision,
    EvaluationSet,
    ModelVersion,
    Plan,
    Prepared,
    Record,
    RunReport,
    RunStatus,
    Snapshot,
    Start,
)
from mlsys.report import refusals
from mlsys.report.run_records import write_card
from mlsys.shortages import in_words
from mlsys.spec import Spec
from mlsys.training import adoption, training
from mlsys.upkeep.retention import clear_up
from mlsys.validation import validation
from mlsys.validation.apart import beside, checks_ready
from mlsys.wording import counted
from mlsys.workspace import Workspace

log = get_logger(__name__)

RACES = 3


def take_snapshot(work: Workspace, request: RunRequest) -> Start:
    """Resolve the day, read what is new, and fix what the run will do; or say why there is nothing to do."""
    clear_up(work.home, request.pipeline)
    expire(work, request.pipeline)
    project(work, request.pipeline)
    return open_run(work, request)


def record_refusal(work: Workspace, request: RunRequest, *, reason: str, sentence: str) -> RunReport | None:
    """Let a request that failed before its run was begun end in the ledger, with a card of its own.

    Returns None for a pipeline that does not exist, and for a request that a run has answered.
    """
    row = record_refused(work, request, reason=reason, sentence=sentence)
    return None if row is None or row.status != "failed" else refusals.write(request.pipeline, row, home=work.home)


def validate(work: Workspace, plan: Plan, snapshot: Snapshot, *, checker: Standby | None = None) -> CheckReport:
    """Check the new partitions and set bad rows aside; what later steps need is imported while a `checker` does so.

    Raises:
        DataError: a critical rule failed, or more rows than the spec tolerates.
    """
    spec = work.spec_of(plan)
    looking = beside(checker, partial(_load, spec))
    checks = validation.validate(spec, snapshot, store=work.store, home=work.home, looking=looking)
    refusal = validation.refusal(plan, checks)
    if refusal is not None:
        record_failure(work, plan, step="validate", error=refusal, parts={"checks": checks})
        raise refusal
    return checks


def _load(spec: Spec) -> None:
    """Import the libraries of the steps that follow."""
    training.preload(spec.models, spec)
    for registry in spec.registries:
        registry.preload()


def split(work: Workspace, plan: Plan, snapshot: Snapshot, checks: CheckReport) -> Prepared:
    """Give every row its side, before anything is fitted; what comes back is all that later steps rest on."""
    sides = assignment.split(work.spec_of(plan), snapshot, checks, store=work.store)
    return Prepared(plan=plan, snapshot=snapshot, checks=checks, split=sides)


def train(work: Workspace, prepared: Prepared, *, name: str) -> Candidate:
    """Fit one candidate, or adopt the one that stands in the ledger."""
    plan, spec = prepared.plan, work.spec_of(prepared.plan)
    known = work.ledger.candidate(Candidate.id_of(plan.training_key, name))
    if known is not None and _stands(work, known):
        return known
    prepared = adoption.as_first_fitted(prepared, [known] if known else [])
    found = adoption.adopted(spec, prepared, name=name, ledger=work.ledger, store=work.store)
    return _keep(work, spec, prepared, found or training.train(spec, prepared, name=name, store=work.store))


def train_all(work: Workspace, prepared: Prepared) -> list[Candidate]:
    """Fit all candidates side by side, in the spec's order; those that stand in the ledger are adopted."""
    plan = prepared.plan
    spec = work.spec_of(plan)
    names = {Candidate.id_of(plan.training_key, model.label): model.label for model in spec.models}
    known = {c.candidate_id: c for c in work.ledger.candidates(plan.training_key) if c.candidate_id in names}
    missing = [name for key, name in names.items() if key not in known or not _stands(work, known[key])]
    prepared = adoption.as_first_fitted(prepared, known.values())
    ask = partial(adoption.adopted, spec, prepared, ledger=work.ledger, store=work.store)
    found = {name: candidate for name in missing if (candidate := ask(name=name)) is not None}
    missing = [name for name in missing if name not in found]
    fitted = list(found.values())
    if missing:
        fitted += training.train_all(spec, prepared, names=missing, store=work.store, workers=work.settings.workers)
    for candidate in fitted:  # failed ones too: the report card shows their reasons
        known[candidate.candidate_id] = _keep(work, spec, prepared, candidate)
    candidates = [known[key] for key in names]
    training.require_fitted(candidates, prepared.split)
    return candidates


def _keep(work: Workspace, spec: Spec, prepared: Prepared, candidate: Candidate) -> Candidate:
    """Write a candidate into the ledger, and note where its fit is to be found."""
    kept = work.ledger.add_candidate(prepared.plan.pipeline, prepared.plan.run_id, candidate)
    adoption.note(spec, prepared, kept, store=work.store)
    return kept


def _stands(work: Workspace, known: Candidate) -> bool:
    """Whether a candidate need not be fitted again; housekeeping removes the files of old ones."""
    return known.status == "fitted" and known.model is not None and work.store.renew(known.model)


def evaluate(work: Workspace, prepared: Prepared, *, candidates: Sequence[Candidate]) -> EvaluationSet:
    """Score the candidates and the champion on the same raw rows, and look for flaws in the data meanwhile.

    Raises:
        RunError: not one candidate was fitted.
    """
    training.require_fitted(candidates, prepared.split)
    plan, spec = prepared.plan, work.spec_of(prepared.plan)
    return evaluation.evaluate(
        spec,
        prepared,
        candidates=candidates,
        champion=champion.rival(work, plan),
        anchor=anchor_for(work, spec, plan),
        store=work.store,
        inspect=inspection.of(work, prepared),
    )


def decide(work: Workspace, prepared: Prepared, *, evaluations: EvaluationSet) -> Decision:
    """Let all gates judge, and write the decision into the ledger."""
    return decide_module.decide(work.spec_of(prepared.plan), prepared, evaluations=evaluations, work=work)


def refit(work: Workspace, prepared: Prepared, *, decision: Decision, answer: Answer | None = None) -> Candidate | None:
    """Fit a challenger that is about to serve again on more rows, where the spec asks for it, or adopt what stands.

    What comes back was not judged; where its guards refused it, the judged challenger serves, and the reason is said.
    """
    if not promotion.would_serve(prepared.plan, decision, answer):
        return None
    return refitting.refit(work, prepared, decision=decision)


def promote(
    work: Workspace,
    prepared: Prepared,
    *,
    candidates: Sequence[Candidate],
    evaluations: EvaluationSet,
    decision: Decision,
    answer: Answer | None = None,
) -> ModelVersion:
    """Make the challenger the champion if the decision says so, then bring the registries up to date.

    Where a person has the last word, `answer` is theirs; a refusal is a decision of its own, and so is what a hold
    keeps back. When another run promoted meanwhile, the challenger is judged again, against the new champion, and a
    person has to be asked again.

    Raises:
        LostRaceError: that happened three times.
    """
    plan = prepared.plan
    if decision.outcome == "promote" and answer is not None and answer.answer != "approved":
        decision = decide_module.refuse(work, decision, answer)
    for _ in range(RACES):
        try:
            again = refit(work, prepared, decision=decision, answer=answer)
            promoted = promotion.promote(work, prepared, decision, answer=answer, refitted=again)
            break
        except HeldError as held:
            decision, promoted = decide_module.hold_back(work, decision, held.hold), None
            break
        except ChampionMovedError as moved:
            log.warning("champion_moved", run=plan.run_id, judging_again=moved)
            evaluations = evaluate(work, prepared, candidates=candidates)
            decision = decide(work, prepared, evaluations=evaluations)
            answer = None
    else:
        raise LostRaceError(
            f"Other runs promoted first {RACES} times", where=plan.run_id, remedy="Trigger the run again"
        )
    try_challenger(work, plan, decision)
    names = project(work, plan.pipeline)
    return promotion.outcome_of(work, plan, decision, promoted, names=names)


def settle(work: Workspace, prepared: Prepared, version: ModelVersion) -> None:
    """Close the run in the ledger as done, with pointers to what its report card shows."""
    parts = {"checks": prepared.checks, "split": prepared.split, "version": version}
    _close(work, prepared.plan, status="done", sentence=version.sentence, parts=parts)


def report(work: Workspace, run_id: str) -> RunReport:
    """Write the report card of a run, explain its challenger, and show the explanation wherever the model is shown.

    The card is there before the explanation is begun, which costs seconds; nothing of it fails the run. Runs about past
    data, of which a backfill has many, are explained when somebody asks for their card.
    """
    written = write_card(work, run_id)
    if work.ledger.plan(run_id).mode in HISTORICAL or not explain(work, run_id):
        return written
    show_explanation(work, run_id)
    return write_card(work, run_id)


def record_failure(work: Workspace, plan: Plan, *, step: str, error: MlsysError, parts: Mapping[str, Record]) -> None:
    """Close the run in the ledger as failed: the step, the reason, and the records made so far."""
    _close(work, plan, status="failed", sentence=str(error), parts=parts, step=step)


def _close(
    work: Workspace,
    plan: Plan,
    *,
    status: RunStatus,
    sentence: str,
    parts: Mapping[str, Record],
    step: str | None = None,
) -> None:
    stored = {name: work.store.put_json(part.dump()) for name, part in parts.items()}
    row = RunRow(
        run_id=plan.run_id,
        training_key=plan.training_key,
        status=status,
        step=step,
        sentence=sentence,
        parts=stored,
    )
    work.ledger.add_run(plan.pipeline, row)


class Listener(Protocol):
    """Told when a step begins and ends; the command line draws its progress from it."""

    def begin(self, step: str) -> None:
        """A step begins."""

    def end(self, step: str, seconds: float, sentence: str) -> None:
        """A step ended well; `sentence` says what came of it."""


@dataclass
class Finished:
    """All that a run without Airflow leaves in memory; the fields after `start` are None for a skip."""

    start: Start
    parts: dict[str, Record] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    evaluations: EvaluationSet | None = None
    version: ModelVersion | None = None
    report: RunReport | None = None
    seconds: dict[str, float] = field(default_factory=dict)


def run(work: Workspace, request: RunRequest, *, listener: Listener | None = None, ahead: bool = False) -> Finished:
    """Do a whole retraining in this process; with `ahead`, a child gets ready for the checks from the beginning.

    Raises:
        DataError, RunError, LostRaceError, ...: the run failed; the ledger says at which step.
    """
    with checks_ready(wanted=ahead and work.settings.workers > 1) as checker:
        return _run(work, request, watch=_Watch(listener), checker=checker)


def _run(work: Workspace, request: RunRequest, *, watch: _Watch, checker: Standby | None) -> Finished:
    with watch.step("take_snapshot"):
        try:
            start = take_snapshot(work, request)
        except Exception as error:
            with suppress(MlsysError):  # the ledger may be what failed
                record_refusal(work, request, reason=reason_of(error), sentence=str(error) or type(error).__name__)
            raise
        watch.say(start.sentence)
    finished = Finished(start, seconds=watch.seconds)
    if not start.go or start.plan is None or start.snapshot is None:
        return finished
    try:
        _steps(work, start.plan, start.snapshot, finished=finished, watch=watch, checker=checker)
    except MlsysError as error:
        try:
            record_failure(work, start.plan, step=watch.current, error=error, parts=finished.parts)
        except MlsysError:  # on a full disk, say: what is raised next says more
            log.exception("failure_not_recorded", run=start.plan.run_id)
        raise
    return finished


def _steps(
    work: Workspace, plan: Plan, snapshot: Snapshot, *, finished: Finished, watch: _Watch, checker: Standby | None
) -> None:
    with watch.step("validate"):
        checks = finished.parts["checks"] = validate(work, plan, snapshot, checker=checker)
        of_all = f"{checks.n_quarantined:,} of {counted(checks.n_rows, 'row')} quarantined"
        watch.say(f"{counted(checks.n_checks, 'check')} of the spec, {of_all}")
    with watch.step("split"):
        prepared = split(work, plan, snapshot, checks)
        finished.parts["split"] = prepared.split
        watch.say(prepared.split.sentence)
    with watch.step("train"):
        finished.candidates = train_all(work, prepared)
        fitted = [candidate.name for candidate in finished.candidates if candidate.status == "fitted"]
        watch.say(", ".join(fitted) or "nothing could be fitted")
    with watch.step("evaluate"):
        evaluations = evaluate(work, prepared, candidates=finished.candidates)
        watch.say(f"best on validation: {evaluations.best or 'none'}")
    with watch.step("decide"):
        decision = decide(work, prepared, evaluations=evaluations)
        watch.say(f"{decision.outcome}: {decision.sentence}")
    with watch.step("promote"):
        finished.version = promote(
            work, prepared,
            candidates=finished.candidates, evaluations=evaluations, decision=decision,
        )  # fmt: skip
        watch.say(finished.version.sentence)
        settle(work, prepared, finished.version)
    with watch.step("report"):
        finished.report = report(work, plan.run_id)
        watch.say(finished.report.path)
    finished.evaluations = evaluations


class _Watch:
    """Times the steps and tells the listener."""

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._sentence = ""
        self.current = ""
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.current, self._sentence = name, ""
        if self._listener:
            self._listener.begin(name)
        begun = time.perf_counter()
        with in_words():
            yield
        self.seconds[name] = round(time.perf_counter() - begun, 3)
        log.info("step", name=name, seconds=round(self.seconds[name], 3))
        if self._listener:
            self._listener.end(name, self.seconds[name], self._sentence)

    def say(self, sentence: str) -> None:
        self._sentence = sentence
