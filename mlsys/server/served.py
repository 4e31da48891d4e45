"""A model that answers requests: loaded, verified, and ready before it takes over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from mlsys import clock
from mlsys.errors import IntegrityError, MlsysError
from mlsys.events import get_logger
from mlsys.registries.files import MODEL, folder_of, release_record, write_release
from mlsys.server.known import TrainedOn, Watch
from mlsys.serving import Champion, champion_in
from mlsys.serving.fast import FastPath, fast_path
from mlsys.serving.loading import spec_beside
from mlsys.serving.plain_path import frame_of, plain_answers
from mlsys.targets.base import Target
from mlsys.temporary import temporary_folder

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from mlsys.ledger import ChampionChange, LiveTrial
    from mlsys.workspace import Workspace

log = get_logger(__name__)


@dataclass(frozen=True)
class ServedModel:
    """One model in the memory of a server.

    Attributes:
        champion: the loaded model and what it wants to be given.
        generation: of the change that made it champion, which the ledger counts; 0 where the ledger was away.
        loaded_at: UTC.
        release: what the release says of it.
        known: rows like those it was trained with, and what their columns held; watch: who looks for others.
        target: the learning task.
        fast: answers in its place, where that was found to be alike; answered_by: who does and why, in words.
    """

    champion: Champion
    generation: int
    loaded_at: datetime
    release: Mapping[str, Any] = field(default_factory=dict)
    known: TrainedOn = field(default_factory=TrainedOn)
    watch: Watch = field(default_factory=lambda: TrainedOn().watch())
    target: Target | None = None
    fast: FastPath | None = None
    answered_by: str = "the champion's pipeline"

    @classmethod
    def of(cls, champion: Champion, generation: int = 0) -> ServedModel:
        """Return a loaded model with what its folder knows, and the fast way to ask it where that is as good."""
        known = TrainedOn.beside(champion.folder, champion.features)
        fast, found = fast_path(champion)
        words = f"{fast.name}: {found}" if fast else f"the champion's pipeline: {found}"
        release = release_record(champion.folder)
        target = spec_beside(champion.folder).target
        return cls(champion, generation, clock.now(), release, known, known.watch(), target, fast, words)

    def answers(self, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Return what the model says of rows, one or more: `(n_rows,)` scores or numbers, `(n_rows, n_classes)` of
        several classes, `(n_rows, n_actions)` of a policy.

        Raises:
            DataError: a feature holds what its type can't be made of.
        """
        return plain_answers(self.champion, rows) if self.fast is None else self.fast.answers(rows)

    def unreadable(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, str, Any]]:
        """Return row, column and value of all that the types of the columns can't be made of, by row."""
        frame = frame_of(self.champion, rows)
        found = [
            (place, name, rows[place][name])
            for name in self.champion.features
            for place in self.champion.unreadable(frame[name])
        ]
        return sorted(found, key=lambda fault: fault[0])


class FromFolder(Protocol):
    """Loads the model in the folder of a release, as `load_folder` does."""

    def __call__(self, folder: Path, pipeline: str, *, generation: int = 0) -> ServedModel:
        """Return it, after it has answered its golden rows."""
        ...


def load(change: ChampionChange, work: Workspace, from_folder: FromFolder) -> ServedModel:
    """Return the model that a change of the ledger made champion, after it has answered its golden rows.

    It comes from its folder in the file registry; where that is gone, from the store by its SHA-256.

    Raises:
        IntegrityError: it is gone from both, or a file was changed; nothing was unpickled.
        RunError: the installed packages can't read it, or it answers otherwise than when it was promoted.
    """
    folder = folder_of(change.pipeline, change.candidate_id, work.home)
    if folder is not None and (folder / MODEL).exists():
        return from_folder(folder, change.pipeline, generation=change.generation)
    try:
        found = _from_store(_Stored.of(change), work)
    except MlsysError as error:
        raise IntegrityError(
            f"No version in the file registry holds the champion, nor does the store: {error.rule}",
            where=change.pipeline,
            got=change.candidate_id,
            remedy=f"Run `mlsys reconcile {change.pipeline}`",
        ) from error
    log.info("served_from_store", pipeline=change.pipeline, version=change.version)
    return found


def load_folder(folder: Path, pipeline: str, *, generation: int = 0) -> ServedModel:
    """Return the model in the folder of a release, after it has answered its golden rows.

    Raises:
        IntegrityError, RunError: as `load`.
    """
    return ServedModel.of(champion_in(folder, pipeline, ask_it=True), generation)


def load_tried(trial: LiveTrial, work: Workspace) -> ServedModel:
    """Return a model that is tried, after it has answered its golden rows: those of its promotion where it ever served,
    else those that were kept when it was begun to be tried.

    Raises:
        IntegrityError, RunError: as `load`.
    """
    served = work.ledger.champion_changes(trial.pipeline, of=[trial.candidate_id])
    if served:
        return load(served[-1], work, load_folder)
    run_id = work.ledger.run_of(trial.candidate_id)
    if run_id is None:
        raise IntegrityError("The ledger has no such candidate", where=trial.pipeline, got=trial.candidate_id)
    cutoff, name = work.ledger.plan(run_id).cutoff, trial.candidate_id
    return _from_store(_Stored(trial.pipeline, name, name, run_id, cutoff, trial.golden), work)


@dataclass(frozen=True)
class _Stored:
    """A candidate out of the store as a release: its version is its own name where it never served."""

    pipeline: str
    candidate_id: str
    version: str
    run_id: str
    cutoff: datetime
    golden: str | None
    generation: int = 0

    @classmethod
    def of(cls, change: ChampionChange) -> _Stored:
        names = (change.pipeline, change.candidate_id, change.version, change.run_id)
        return cls(*names, change.cutoff, change.golden, change.generation)


def _from_store(wanted: _Stored, work: Workspace) -> ServedModel:
    """Return the model out of a folder that is made for the moment."""
    candidate = work.ledger.candidate(wanted.candidate_id)
    if candidate is None or candidate.model is None:
        raise IntegrityError("The ledger has no such candidate", where=wanted.pipeline, got=wanted.candidate_id)
    plan = work.ledger.plan(work.ledger.run_of(wanted.candidate_id) or wanted.run_id)
    record = {
        "pipeline": wanted.pipeline,
        "version": wanted.version,
        "candidate_id": wanted.candidate_id,
        "sha256": candidate.model,
        "cutoff": wanted.cutoff.isoformat(),
        "candidate": candidate.model_dump(mode="json"),
    }
    model = work.store.read_bytes(candidate.model)
    golden = None if wanted.golden is None else work.store.read_bytes(wanted.golden)
    spec = work.dumped_spec(plan)["spec"]
    with temporary_folder(work.store.cache) as folder:
        write_release(folder, model=model, record=record, spec=spec, metrics=None, golden=golden)
        return load_folder(folder, wanted.pipeline, generation=wanted.generation)
