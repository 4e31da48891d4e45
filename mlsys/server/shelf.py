"""Which model answers for which pipeline: the ledger's champions, exchanged while requests are answered.

A reader takes one model and answers with it to the end. A new one takes over in a single assignment, after it was
loaded and verified; until then, and where it is broken, the one before it stays. Without the ledger nothing changes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlsys.errors import MlsysError, UsageError, near_match
from mlsys.events import get_logger
from mlsys.server.served import ServedModel, load

if TYPE_CHECKING:
    from mlsys.ledger import ChampionChange
    from mlsys.workspace import Workspace

log = get_logger(__name__)

EVERY_SECONDS = 1.0  # between two looks at the ledger: one indexed row per pipeline


@dataclass(frozen=True)
class Broken:
    """A champion that could not be loaded: which one, and why in words."""

    candidate_id: str
    reason: str


class Shelf:
    """The models of a server, by pipeline."""

    def __init__(self, work: Workspace) -> None:
        self._work = work
        self._models: Mapping[str, ServedModel] = {}
        self._broken: Mapping[str, Broken] = {}
        self._failures: Mapping[str, int] = {}
        self._one_at_a_time = threading.Lock()

    @property
    def models(self) -> Mapping[str, ServedModel]:
        """What answers now; a new mapping with every change, so that a reader's own one stays whole."""
        return self._models

    @property
    def broken(self) -> Mapping[str, Broken]:
        """Champions of the ledger that can't be served, by pipeline; the model before them answers, if there is one."""
        return self._broken

    @property
    def failures(self) -> Mapping[str, int]:
        """How often a champion could not be loaded since the server began, by pipeline."""
        return self._failures

    def model(self, pipeline: str) -> ServedModel:
        """Return the model that answers for a pipeline.

        Raises:
            UsageError: none does.
        """
        found = self._models.get(pipeline)
        if found is None:
            raise UsageError(
                f"No model answers for '{pipeline}'. {near_match(pipeline, self._models)}",
                where="pipeline",
                remedy="`/models` lists those that do",
            )
        return found

    def refresh(self) -> None:
        """Look into the ledger once, and load what serves now and is not loaded.

        Raises:
            TransientError, sqlalchemy.exc.SQLAlchemyError: the ledger can't be read; what answers goes on.
        """
        with self._one_at_a_time:
            for pipeline in self._work.ledger.pipelines():
                change = self._work.ledger.champion(pipeline)
                if change is not None:
                    self._follow(change)

    def _follow(self, change: ChampionChange) -> None:
        now = self._models.get(change.pipeline)
        if now is not None and now.generation == change.generation:
            return
        try:
            model = load(change, self._work.home)
        except MlsysError as error:
            self._broken = {**self._broken, change.pipeline: Broken(change.candidate_id, str(error))}
            self._failures = {**self._failures, change.pipeline: self._failures.get(change.pipeline, 0) + 1}
            log.exception("champion_not_served", pipeline=change.pipeline, candidate=change.candidate_id)
            return
        self._models = {**self._models, change.pipeline: model}
        self._broken = {name: broken for name, broken in self._broken.items() if name != change.pipeline}
        log.info("champion_served", pipeline=change.pipeline, version=change.version, generation=change.generation)
