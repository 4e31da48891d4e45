"""The look for flaws in the data of a run: leaks, duplicates, labels, units and spellings that changed.

It stands in the evaluation, where the rows have their sides and the scores are at hand; nothing is fitted or judged
differently for it. What is found is a record, shown on the report card, and what is critical stops a promotion.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from mlsys.errors import IntegrityError, shortened
from mlsys.evaluation.comparison import Assessment
from mlsys.events import get_logger
from mlsys.flaws.base import Flaw
from mlsys.flaws.rows import Inspected
from mlsys.inspection.rows import EarlierRun, inspected
from mlsys.ledger import RunRow
from mlsys.records import HISTORICAL, Plan, Prepared
from mlsys.records.inspection import FlawFound, Inspection
from mlsys.spec import Spec
from mlsys.store import Store, canonical_json
from mlsys.workspace import Workspace

log = get_logger(__name__)

_KEPT, _MOST_BYTES = 12, 7 * 1024  # of findings in a record, which has at most 16 KB with all else
_LONGEST = 700  # characters of a sentence

Inspector = Callable[[Assessment], Inspection]


def of(work: Workspace, prepared: Prepared) -> Inspector | None:
    """Return the look at the data of a run, to be taken when its models are scored; None where nothing is wanted.

    A simulated day is not looked at: its walk-forward judges by other means, and nothing is promoted.
    """
    spec = work.spec_of(prepared.plan)
    if not spec.inspection.enabled or prepared.plan.mode == "simulate":
        return None
    return look_at(spec, prepared, reference=reference_of(work, prepared.plan, spec), store=work.store)


def look_at(spec: Spec, prepared: Prepared, *, reference: EarlierRun | None, store: Store) -> Inspector:
    """Return the look at the data of a run, given the run that its rows are held against."""
    return partial(inspect, spec, prepared, reference=reference, store=store)


def again(work: Workspace, spec: Spec, prepared: Prepared, then: Inspection | None) -> Inspector | None:
    """Return the look at the data that a run took, against the same earlier run; None where it took none."""
    if then is None:
        return None
    reference = None if then.compared_with is None else recalled(work, then.compared_with, spec)
    return look_at(spec, prepared, reference=reference, store=work.store)


def inspect(
    spec: Spec, prepared: Prepared, assessed: Assessment, *, reference: EarlierRun | None, store: Store
) -> Inspection:
    """Inspector for all flaws that the spec does not ignore, and return what was found, worst first.

    A look that fails is a finding of the flaw's own severity: what could not be looked at is not honest.

    Raises:
        IntegrityError: a file of the run's own snapshot is missing or damaged.
    """
    rows = inspected(spec, prepared, assessed, reference=reference, store=store)
    flaws = spec.inspection.looked_for
    found = [finding for flaw in flaws for finding in _look(flaw, rows)]
    found.sort(key=lambda finding: finding.severity != "critical")
    critical = [finding for finding in found if finding.severity == "critical"]
    level = logging.WARNING if critical else logging.INFO
    log.log(level, "inspected", run=prepared.plan.run_id, found=len(found), critical=[each.flaw for each in critical])
    return Inspection(
        findings=_fitting(found),
        n_found=len(found),
        n_critical=len(critical),
        looked_for=tuple(flaw.kind for flaw in flaws),
        n_rows=len(rows.truths.key),
        n_sampled=len(rows.sample.y),
        compared_with=None if reference is None else reference.run_id,
        details=store.put_json([finding.dump() for finding in found]),
    )


def _look(flaw: Flaw, rows: Inspected) -> list[FlawFound]:
    try:
        found = list(flaw.look(rows))
    except Exception as error:
        log.exception("look_failed", flaw=flaw.kind)
        sentence = f"The data could not be looked at for {flaw.kind}: {type(error).__name__}: {shortened(str(error))}."
        return [FlawFound(flaw=flaw.kind, severity=flaw.severity_of_certain, state="error", sentence=sentence)]
    kept = [each for each in found if each.column is None or each.column not in rows.trusted]
    return [each.model_copy(update={"sentence": each.sentence[:_LONGEST]}) for each in kept]


def _fitting(found: Sequence[FlawFound]) -> tuple[FlawFound, ...]:
    """Return as many of the worst findings as the record of an evaluation has room for."""
    kept, size = [], 0
    for finding in found[:_KEPT]:
        size += len(canonical_json(finding.dump()))
        if size > _MOST_BYTES:
            break
        kept.append(finding)
    return tuple(kept)


def reference_of(work: Workspace, plan: Plan, spec: Spec) -> EarlierRun | None:
    """Return the run whose snapshot this one's is held against: the champion's, or without one the last that ended.

    The champion's, because what stopped last night's promotion must stop tonight's too. None where the columns, the
    target or the key are others, and where housekeeping has removed its files.
    """
    champion = work.ledger.champion(plan.pipeline)
    if champion is not None and champion.run_id == plan.run_id:  # the run was interrupted after its own promotion
        champion = next(iter(work.ledger.champion_changes(plan.pipeline, of={str(champion.previous)})[-1:]), None)
    if champion is not None:
        return recalled(work, champion.run_id, spec)
    ended = [row for row in work.ledger.runs(plan.pipeline) if row.status == "done" and row.run_id != plan.run_id]
    for run_id in dict.fromkeys(row.run_id for row in reversed(ended)):
        before = work.ledger.plan(run_id)
        if before.mode not in HISTORICAL and before.cutoff <= plan.cutoff:
            return recalled(work, run_id, spec)
    return None


def recalled(work: Workspace, run_id: str, spec: Spec) -> EarlierRun | None:
    """Return a run to hold rows against, or None where its rows can't be read as this spec's."""
    rows: list[RunRow] = work.ledger.run(run_id)
    snapshot = next((row.snapshot for row in rows if row.snapshot is not None), None)
    if snapshot is None:
        return None
    try:
        before = work.spec_of(work.ledger.plan(run_id))
        work.store.path(snapshot.manifest)
    except IntegrityError:
        return None
    alike = (
        before.columns == spec.columns
        and before.key == spec.key
        and before.target == spec.target
        and before.joins == spec.joins
    )
    return EarlierRun(run_id, snapshot.manifest) if alike else None
