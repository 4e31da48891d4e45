"""Two versions, candidates or runs side by side: spec, data, packages, metrics and decision, only what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from mlsys.changes.records import KeyChange
from mlsys.changes.spec_keys import changed_keys
from mlsys.errors import IntegrityError, UsageError, near_match
from mlsys.ledger import RunRow
from mlsys.records import Candidate, Decision, Evaluation, Plan, Snapshot
from mlsys.snapshot.manifest import read_manifest
from mlsys.wording import counted
from mlsys.workspace import Workspace

_MARK = "@"  # between a pipeline's name and a version of it


@dataclass(frozen=True)
class Differing:
    """Something that two sides tell in different words; None where one of them has nothing to tell."""

    what: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class Difference:
    """What differs between two runs, of each the model that is meant.

    Attributes:
        first, second: their runs; `candidates` the models' ids, None where a run chose none.
        spec: changed keys, each with what it is for.
        data: rows, days and what of them differs.
        packages: versions of Python and packages, and whether mlsys itself differs.
        metrics: of the two models, each on the holdout of its own run; `same_rows` says whether that is the same one.
        decisions: outcome, reason and gates.
    """

    first: str
    second: str
    candidates: tuple[str | None, str | None]
    spec: tuple[KeyChange, ...]
    data: tuple[Differing, ...]
    packages: tuple[Differing, ...]
    model: tuple[Differing, ...]
    metrics: tuple[Differing, ...]
    decisions: tuple[Differing, ...]
    same_rows: bool


@dataclass(frozen=True)
class _Side:
    """A run, and the model of it that is meant."""

    plan: Plan
    snapshot: Snapshot
    parts: Mapping[str, str]
    decision: Decision | None
    candidate: Candidate | None
    evaluation: Evaluation | None


def difference(work: Workspace, first: str, second: str) -> Difference:
    """Return what differs between two versions (`1.2.0`, `shop@1.2.0`), candidates or runs.

    Raises:
        UsageError: there is no such thing, several pipelines have such a version, or they are of two pipelines.
        IntegrityError: a stored spec is missing or was changed.
    """
    one, other = (_side(work, name) for name in (first, second))
    if one.plan.pipeline != other.plan.pipeline:
        raise UsageError(
            f"They are of two pipelines, {one.plan.pipeline} and {other.plan.pipeline}", got=f"{first}, {second}"
        )
    packages = [_environment(work, side) for side in (one, other)]
    models = [_model(side) for side in (one, other)]
    metrics = [_metrics(side) for side in (one, other)]
    decisions = [_decided(side) for side in (one, other)]
    return Difference(
        first=one.plan.run_id,
        second=other.plan.run_id,
        candidates=tuple(side.candidate.candidate_id if side.candidate else None for side in (one, other)),  # type: ignore[arg-type]
        spec=changed_keys(work.spec_of(one.plan), work.spec_of(other.plan)),
        data=tuple(_data(work, one, other)),
        packages=tuple(_differing(*packages)),
        model=tuple(_differing(*models)),
        metrics=tuple(_differing(*metrics)),
        decisions=tuple(_differing(*decisions)),
        same_rows=_holdout_of(one) == _holdout_of(other),
    )


def _side(work: Workspace, name: str) -> _Side:
    run_id, candidate_id = _found(work, name)
    rows = work.ledger.run(run_id)
    begun = next((row for row in rows if row.plan and row.snapshot), None)
    if begun is None or begun.plan is None or begun.snapshot is None:
        raise UsageError("The run ended before it had any data", where=run_id)
    decisions = work.ledger.decisions(begun.plan.pipeline, of={run_id})
    found = work.ledger.decision(decisions[0].decision_key) if decisions else None
    candidate_id = candidate_id or (found[0].best if found else None)
    candidate = work.ledger.candidate(candidate_id) if candidate_id else None
    return _Side(
        plan=begun.plan,
        snapshot=begun.snapshot,
        parts=_parts(rows),
        decision=decisions[-1] if decisions else None,
        candidate=candidate,
        evaluation=_evaluation(work, found[0].details, candidate) if found and candidate else None,
    )


def _parts(rows: list[RunRow]) -> dict[str, str]:
    return {name: digest for row in rows for name, digest in row.parts.items()}


def _found(work: Workspace, name: str) -> tuple[str, str | None]:
    """Return the run that a name means, and the candidate, where it means one."""
    if work.ledger.run(name):
        return name, None
    run_id = work.ledger.run_of(name)
    if run_id is not None:
        return run_id, name
    pipeline, mark, version = name.rpartition(_MARK)
    pipelines = [pipeline] if mark else list(work.ledger.pipelines())
    changes = [
        change for each in pipelines for change in work.ledger.champion_changes(each) if change.version == version
    ]
    if len({change.pipeline for change in changes}) > 1:
        meant = " or ".join(sorted({f"{change.pipeline}{_MARK}{version}" for change in changes}))
        raise UsageError("Several pipelines have a version of that number", got=name, remedy=f"Say {meant}")
    if not changes:
        known = {row.run_id for each in work.ledger.pipelines() for row in work.ledger.runs(each)}
        remedy = f"{near_match(name, known)}. `mlsys history NAME` lists them" if known else "No run was started yet"
        raise UsageError("There is no version, candidate or run of that name", got=name, remedy=remedy)
    return changes[-1].run_id, changes[-1].candidate_id


def _evaluation(work: Workspace, details: str, candidate: Candidate) -> Evaluation | None:
    try:
        listed = work.store.read_json(details)["evaluations"]
    except IntegrityError:  # housekeeping removes those of old runs
        return None
    wanted = (candidate.candidate_id, candidate.judged_twin)  # a model that was fitted again was not itself judged
    return next((Evaluation.load(each) for each in listed if each["model_id"] in wanted), None)


def _differing(first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[Differing]:
    for what in dict.fromkeys((*first, *second)):
        if first.get(what) != second.get(what):
            yield Differing(what, first.get(what), second.get(what))


def _data(work: Workspace, one: _Side, other: _Side) -> Iterator[Differing]:
    facts = [_facts(side.snapshot) for side in (one, other)]
    yield from _differing(*facts)
    if one.snapshot.fingerprint == other.snapshot.fingerprint:
        return
    try:
        days = [_content(work, side) for side in (one, other)]
    except IntegrityError:  # housekeeping removes the lists of old runs
        return
    differ = [str(day) for day in sorted(days[0].keys() & days[1].keys()) if days[0][day] != days[1][day]]
    if differ:
        shown = ", ".join(differ[:5]) + (f" and {len(differ) - 5} more" if len(differ) > 5 else "")
        yield Differing("days that both have", f"{counted(len(differ), 'day')} as of then", f"with other rows: {shown}")


def _facts(snapshot: Snapshot) -> dict[str, str]:
    return {
        "first day": str(snapshot.first_day),
        "last day": str(snapshot.last_day),
        "days": f"{snapshot.n_partitions:,}",
        "rows": f"{snapshot.n_rows:,}",
        "labelled rows": f"{snapshot.n_labelled:,}",
    }


def _content(work: Workspace, side: _Side) -> dict[date, tuple[str, int]]:
    return {e.day: (e.content, e.n_rows) for e in read_manifest(side.snapshot.manifest, work.store).partitions}


def _environment(work: Workspace, side: _Side) -> dict[str, str]:
    known = work.store.read_json(side.parts["environment"])
    return {**known["versions"], "mlsys's own code": known["code"][:12]}


def _model(side: _Side) -> dict[str, str]:
    candidate = side.candidate
    if candidate is None:
        return {}
    threshold: dict[str, Any] = {} if candidate.threshold is None else {"threshold": candidate.threshold}
    known = {"candidate": candidate.name, "kind": candidate.kind, **candidate.params, **threshold}
    return {
        **{name: str(value) for name, value in known.items()},
        "training rows": f"{candidate.n_training_rows:,}",
        "features": f"{candidate.n_features:,}",
        "file": str(candidate.model)[:12],
    }


def _metrics(side: _Side) -> dict[str, str]:
    found = side.evaluation.holdout if side.evaluation else ()
    return {value.name: f"{value.value:.4f}" if value.value is not None else str(value.reason) for value in found}


def _decided(side: _Side) -> dict[str, str]:
    decision = side.decision
    if decision is None:
        return {}
    gates = {gate.name: f"{gate.state}. {gate.sentence}" for gate in decision.gates}
    return {"outcome": decision.outcome, "reason": decision.reason, "against": str(decision.champion), **gates}


def _holdout_of(side: _Side) -> tuple[str, str | None]:
    return side.snapshot.fingerprint, side.parts.get("split")
