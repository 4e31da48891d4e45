"""Where registries and store differ from the ledger, in words; and all of it written again from the ledger.

What is looked at: the champion's pointer (MLflow's alias, the link), every version that was published and its files,
tags and runs, and the model files of all who served, of which a registry holds a copy.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlsys.errors import IntegrityError, MlsysError, RunError
from mlsys.events import get_logger
from mlsys.promotion.by_hand import expire
from mlsys.promotion.projection import drift, project, releases
from mlsys.records import Candidate
from mlsys.registries.base import Registry, Release
from mlsys.spec import load_spec
from mlsys.workspace import Workspace

log = get_logger(__name__)


def differences(work: Workspace, pipeline: str) -> list[str]:
    """Return in words how what others see of a pipeline differs from the ledger; nothing is changed.

    Every published version is looked at, and the files of those that served are read.

    Raises:
        MlsysError: a registry does not answer.
    """
    return [f"{pipeline}: {said}" for said in _lost(work, pipeline)] + _of_registries(work, pipeline)


def mend(work: Workspace, pipeline: str) -> list[str]:
    """Write the registries again from the ledger, and return in words what they had shown otherwise.

    A model file that the store lost is taken back from a registry that has the same bytes, and a champion whose time
    is over makes way.

    Raises:
        RunError: they still differ: a model file is nowhere, or a folder can't be written.
    """
    expire(work, pipeline)
    found = [f"{pipeline}: {said}" for said in _lost(work, pipeline)]
    left = [f"{pipeline}: {said}" for said in _restored(work, pipeline)]
    found += _of_registries(work, pipeline)
    if work.ledger.champion(pipeline) is None:
        for registry in _without_champion(work, pipeline):
            registry.point(pipeline, None, work.place)
    try:
        project(work, pipeline, force=True)
    except MlsysError as error:
        if not left:
            raise
        raise RunError("; ".join(left), where=pipeline) from error  # a model that is nowhere is the cause
    left += _of_registries(work, pipeline) if found else []
    if left:
        raise RunError("; ".join(left), where=pipeline, remedy="See that the registry's folder can be written")
    return found


def _of_registries(work: Workspace, pipeline: str) -> list[str]:
    found = drift(work, pipeline, read=True)
    if work.ledger.champion(pipeline) is None:
        for registry in _without_champion(work, pipeline):
            shown = registry.pointed(pipeline, work.place)
            found.append(f"{pipeline}: {registry.kind} shows {shown}, and the ledger has no champion")
    published = [release for release in releases(work, pipeline) if _is_whole(work, release)]
    by_kind: dict[Registry, list[Release]] = {}
    for release in published:
        for registry in work.spec_of(release.plan).registries:
            if release.version is not None or registry.shows_unpromoted:
                by_kind.setdefault(registry, []).append(release)
    for registry, shown_there in by_kind.items():
        said = registry.differences(pipeline, shown_there, work.place)
        damaged = {known.partition(", ")[2] for known in found} - {""}
        found += [
            f"{pipeline}: of {registry.kind}, {one}" for one in said if not any(known in one for known in damaged)
        ]
    return found


def _is_whole(work: Workspace, release: Release) -> bool:
    return release.candidate.model is not None and work.store.renew(release.candidate.model)


def _without_champion(work: Workspace, pipeline: str) -> list[Registry]:
    """Return the registries that point at a model although nothing serves."""
    try:
        spec = load_spec(work.settings.spec_path(pipeline))
    except MlsysError:  # its spec is gone or wrong, which others say
        return []
    return [registry for registry in spec.registries if registry.pointed(pipeline, work.place) is not None]


def _served(work: Workspace, pipeline: str) -> Iterator[tuple[str, Candidate]]:
    for name, run_id in {c.candidate_id: c.run_id for c in work.ledger.champion_changes(pipeline)}.items():
        candidate = work.ledger.candidate(name)
        if candidate is not None and candidate.model is not None:
            yield run_id, candidate


def _problem(work: Workspace, candidate: Candidate) -> str | None:
    try:
        work.store.read_bytes(str(candidate.model))
    except IntegrityError as error:
        return f"of the store, {error.where} of {candidate.candidate_id}: {error.rule[:1].lower()}{error.rule[1:]}"
    return None


def _lost(work: Workspace, pipeline: str) -> list[str]:
    """Return in words which models that served the store does not have as they were."""
    found = (_problem(work, candidate) for _, candidate in _served(work, pipeline))
    return [problem for problem in found if problem is not None]


def _restored(work: Workspace, pipeline: str) -> list[str]:
    """Take lost model files back from registries that hold the same bytes; return what is nowhere."""
    left = []
    for run_id, candidate in _served(work, pipeline):
        problem = _problem(work, candidate)
        if problem is None:
            continue
        for registry in work.spec_of(work.ledger.plan(run_id)).registries:
            copy = registry.copy_of(pipeline, candidate, work.place)
            if copy is not None and work.store.restore(str(candidate.model), copy):
                log.info("restored", pipeline=pipeline, candidate=candidate.candidate_id, registry=registry.kind)
                break
        else:
            remedy = f"mlsys replay {run_id} may fit it again, byte for byte; or `mlsys rollback {pipeline}`"
            left.append(f"{problem}, and no registry has a copy: {remedy}")
    return left
