"""From the ledger to what other systems see: MLflow's registry and alias, the file registry and its link.

Everything here can be wiped and is made again from ledger and store. A crash between the ledger and a registry
leaves a true ledger and a stale registry; the next run, `mlsys up` or `mlsys reconcile` heals it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mlsys.errors import IntegrityError, MlsysError
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange
from mlsys.ledger.anchors import anchor_of
from mlsys.records import SIMULATED, Candidate, Decision, Evaluation
from mlsys.registries.base import Registry, Release, Shown
from mlsys.report import explained
from mlsys.report.card import explanation_page
from mlsys.report.run_records import card_of
from mlsys.store import canonical_json, write_atomically
from mlsys.workspace import Workspace

log = get_logger(__name__)

_REMEMBERED = 500  # decisions of which the marker knows where they are shown
Failures = dict[str, MlsysError]  # by kind of registry
Names = dict[str, dict[str, Shown]]  # by decision key, then by kind of registry


@dataclass(frozen=True)
class _Marker:
    """What was projected last: the champion's generation, the newest decision, and where decisions are shown."""

    generation: int
    decision: str
    names: Names


def project(work: Workspace, pipeline: str, *, force: bool = False) -> Names:
    """Write what the ledger says into the registries; return where the newest decisions are shown.

    Costs one file read when nothing changed since the last time. Otherwise every decision made since is published, and
    the champion's release where a registry does not point at it any more. `force` writes all decisions again.

    Raises:
        MlsysError: a registry failed; the others are written all the same, and it is tried again at the next call.
    """
    path = work.home / "projections" / f"{pipeline}.json"
    done, (generation, newest) = None if force else _read(path), _newest(work, pipeline)
    if newest is None:
        return {}
    if done is not None and (done.generation, done.decision) == (generation, newest):
        return done.names
    with work.ledger.projecting(pipeline):
        # Read under the lock: whoever held it before may have changed the champion.
        generation, newest = _newest(work, pipeline)
        champion = work.ledger.champion(pipeline)
        done = None if force else _read(path)
        settled = done is not None and done.generation == generation and not drift(work, pipeline)
        names = dict(done.names) if done is not None else {}
        failures: Failures = {}
        for decision in _to_publish(work, pipeline, champion, done=done, settled=settled):
            names.pop(decision.decision_key, None)  # to stand last, as the newest
            names[decision.decision_key] = _publish(work, decision, failures)
        if champion is not None and not settled:
            _point(work, pipeline, champion, failures)
        for failure in failures.values():
            raise failure
        names = dict(list(names.items())[-_REMEMBERED:])
        _write(path, _Marker(generation, str(newest), names))
    return names


def _newest(work: Workspace, pipeline: str) -> tuple[int, str | None]:
    """Return the champion's generation and the key of the newest decision: two rows, however long the past is."""
    champion = work.ledger.champion(pipeline)
    return champion.generation if champion else 0, work.ledger.newest_decision(pipeline)


def _read(path: Path) -> _Marker | None:
    """Return what the marker says, or None when it is missing or damaged; what counts is then written again."""
    try:
        found = json.loads(path.read_bytes())
        names = {
            key: {kind: Shown(**shown) for kind, shown in registries.items()}
            for key, registries in found["names"].items()
        }
        return _Marker(int(found["generation"]), str(found["decision"]), names)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _write(path: Path, marker: _Marker) -> None:
    write_atomically(path, json.dumps(asdict(marker)).encode())


def drift(work: Workspace, pipeline: str, *, read: bool = False) -> list[str]:
    """Return what the registries show that the ledger does not say, in words; empty when they agree.

    With `read` the files behind their pointers are read too, and compared with the ledger's SHA-256.
    """
    champion = work.ledger.champion(pipeline)
    if champion is None:
        return []
    candidate = work.ledger.candidate(champion.candidate_id) if read else None
    found = []
    for registry in work.spec_of(work.ledger.plan(champion.run_id)).registries:
        shown = registry.pointed(pipeline, work.place)
        if shown != champion.candidate_id:
            found.append(
                f"{pipeline}: {registry.kind} shows {shown or 'no champion'}, the ledger {champion.candidate_id}"
            )
        elif candidate is not None:
            damage = registry.damage(pipeline, candidate, work.place)
            found += [] if damage is None else [f"{pipeline}: of {registry.kind}, {damage}"]
    return found


def releases(work: Workspace, pipeline: str) -> list[Release]:
    """Return all that registries show of a pipeline when they are written anew: of a model what they are told last."""
    champion = work.ledger.champion(pipeline)
    decisions = _to_publish(work, pipeline, champion, done=None, settled=False)
    found = {r.candidate.candidate_id: r for decision in decisions for r in _releases(work, decision)}
    return list(found.values())


def _to_publish(
    work: Workspace, pipeline: str, champion: ChampionChange | None, *, done: _Marker | None, settled: bool
) -> list[Decision]:
    """Return the champion's decision unless it is `settled`, then those made since `done`, the newest one last."""
    wanted: dict[str, Decision] = {}
    key = champion.decision_key if champion is not None and not settled else None
    found = work.ledger.decision(key) if key else None
    if found is not None:
        wanted[found[1].decision_key] = found[1]
    newer = None if done is None else work.ledger.decisions_after(pipeline, done.decision)
    if newer is None:  # nothing says what is shown already: of the first two runs, side by side, none is passed over
        newer = [d for d in work.ledger.decisions(pipeline) if d.reason != SIMULATED and _has_files(work, d)]
    for decision in newer:
        if decision.reason != SIMULATED:
            wanted.pop(decision.decision_key, None)
            wanted[decision.decision_key] = decision
    return [decision for decision in wanted.values() if decision.challenger]


def _has_files(work: Workspace, decision: Decision) -> bool:
    """Whether evaluations and model of a decision are there; housekeeping removes those of old runs."""
    found = work.ledger.decision(decision.decision_key)
    candidate = work.ledger.candidate(decision.challenger or "")
    files = [found[0].details if found else None, candidate.model if candidate else None]
    there = all(file is not None and work.store.renew(file) for file in files)
    if not there:
        log.info("not_published_again", decision=decision.decision_key[:12], run=decision.run_id, files="removed")
    return there


def _publish(work: Workspace, decision: Decision, failures: Failures) -> dict[str, Shown]:
    names = {}
    for release in _releases(work, decision):
        for registry in work.spec_of(release.plan).registries:
            if registry.kind in failures or (release.version is None and not registry.shows_unpromoted):
                continue
            with _on_its_own(registry.kind, failures):
                names[registry.kind] = registry.publish(release, work.place)
                _attach(work, registry, release)
                log.info("published", registry=registry.kind, name=names[registry.kind].name, run=decision.run_id)
    return names


def show_explanation(work: Workspace, run_id: str) -> None:
    """Show the explanation of a run's challenger where registries show the model.

    A registry that does not take it now gets it with the next `mlsys reconcile`: no run fails by it.
    """
    decided = work.ledger.decisions(work.ledger.plan(run_id).pipeline, of={run_id})
    if not decided or not decided[-1].challenger or decided[-1].reason == SIMULATED:
        return
    for release in _releases(work, decided[-1]):
        for registry in work.spec_of(release.plan).registries:
            if release.version is not None or registry.shows_unpromoted:
                _attach(work, registry, release)


def _attach(work: Workspace, registry: Registry, release: Release) -> None:
    if explained.read(release.plan, work.home) is None:
        return
    known = card_of(work, release.plan.run_id)
    page = explanation_page(known)
    if page is not None and known.challenger == release.decision.challenger:
        files = {"explanation.html": page.encode(), "explanation.json": canonical_json(known.explanation)}
        with _on_its_own(registry.kind, Failures()):
            registry.attach(release.plan.pipeline, release.candidate.candidate_id, files, work.place)


def _point(work: Workspace, pipeline: str, champion: ChampionChange, failures: Failures) -> None:
    for registry in work.spec_of(work.ledger.plan(champion.run_id)).registries:
        if registry.kind not in failures:
            with _on_its_own(registry.kind, failures):
                registry.point(pipeline, champion.candidate_id, work.place)
                log.info("pointed", registry=registry.kind, pipeline=pipeline, champion=champion.candidate_id)


@contextmanager
def _on_its_own(kind: str, failures: Failures) -> Iterator[None]:
    """Keep a registry's failure for the end: what one refuses must not keep the champion from the others."""
    try:
        yield
    except MlsysError as error:
        log.warning("registry_failed", registry=kind, error=str(error))
        failures[kind] = error


def _releases(work: Workspace, decision: Decision) -> list[Release]:
    """Return the models that a decision shows: its challenger, and any that came to serve by it.

    A challenger that another decision let serve is shown by that one.
    """
    plan = work.ledger.plan(decision.run_id)
    candidates = work.ledger.candidates(plan.training_key)
    served_by = work.ledger.champion_changes(plan.pipeline, of={c.candidate_id for c in candidates})
    begun = [change for change in served_by if change.kind in ("promote", "manual", "rehydrate")]
    made = {change.candidate_id: change for change in begun if change.decision_key == decision.decision_key}
    challenger = decision.challenger or ""
    own = (challenger, Candidate.refitted(challenger))
    shown_elsewhere = any(change.candidate_id in own for change in begun)
    wanted: list[ChampionChange | None] = [] if shown_elsewhere else [None]
    return [_release(work, decision, change, candidates) for change in [*wanted, *made.values()]]


def _release(
    work: Workspace, decision: Decision, change: ChampionChange | None, candidates: Sequence[Candidate]
) -> Release:
    plan = work.ledger.plan(decision.run_id)
    rows = work.ledger.run(decision.run_id)
    snapshot = next(row.snapshot for row in rows if row.snapshot is not None)
    found = work.ledger.decision(decision.decision_key)
    details = work.store.read_json(found[0].details) if found else {"evaluations": []}
    evaluations = {e["model_id"]: Evaluation.load(e) for e in details["evaluations"]}
    served = change.candidate_id if change else decision.challenger
    candidate = work.ledger.candidate(served or "")
    if candidate is None:
        raise IntegrityError("The ledger has no such candidate", where=f"run {decision.run_id}", got=served)
    spec = work.spec_of(plan)
    return Release(
        plan=plan,
        snapshot=snapshot,
        candidate=candidate,
        parts=tuple((c, evaluations.get(c.candidate_id)) for c in candidates),
        decision=decision,
        columns={name: column.type for name, column in spec.feature_columns().items()},
        spec=work.dumped_spec(plan),
        version=change.version if change else None,
        promoted=(change.kind, change.who) if change else None,
        expires=change.expires if change else None,
        golden=change.golden if change else None,
        again=change is not None and change.kind == "rehydrate",
        method=spec.target.method,
        anchor=anchor_of(
            work.ledger, plan.pipeline, decision.decision_key, generation=change.generation if change else None
        ),
        inspection=found[0].inspection if found else None,
    )
