"""Which model answers for which pipeline: the ledger's champions, exchanged while requests are answered.

A reader takes one model and answers with it to the end. A new one takes over in a single assignment, after it was
loaded and verified; until then, and where it is broken, the one before it stays. Without the ledger nothing changes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.errors import MlsysError, UsageError, near_match
from mlsys.events import get_logger
from mlsys.registries.files import FOLDER, folder_of, serving_folder
from mlsys.server.apart import LoadsApart
from mlsys.server.served import ServedModel, load, load_folder

if TYPE_CHECKING:
    from mlsys.ledger import ChampionChange
    from mlsys.workspace import Workspace

log = get_logger(__name__)

EVERY_SECONDS = 1.0  # between two looks at the ledger
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 300.0  # seconds


@dataclass(frozen=True)
class Broken:
    """A champion that could not be loaded.

    Attributes:
        reason: in words.
        change: of the ledger; None where the ledger is away.
        instead: version that goes on answering, empty where nobody does.
        files: what its folder held then; another look is worth it when that changes.
        again: when it is looked at again even so, in seconds of a clock that never jumps; wait: how many that were
            from the last look.
    """

    candidate_id: str
    reason: str
    change: ChampionChange | None = None
    instead: str = ""
    files: frozenset[tuple[str, int, int]] = frozenset()
    again: float | None = None
    wait: float = _FIRST_WAIT

    @property
    def generation(self) -> int:
        """Of the change of the ledger; 0 where that is away."""
        return 0 if self.change is None else self.change.generation


@dataclass(frozen=True)
class Away:
    """The ledger can't be read: since when, UTC, and why in words."""

    since: datetime
    reason: str


Alarm = Callable[[str, Broken], None]  # of a pipeline, once for each champion that can't be served


class Shelf:
    """The models of a server, by pipeline.

    Args:
        work: the opened installation; None while its database is away. Then `home` says where the file registry is.
        home: MLSYS_HOME.
        alarm: is told of a champion that can't be served.
        loads: loads models in another process; without it they are loaded here.
    """

    def __init__(
        self,
        work: Workspace | None,
        *,
        home: Path | None = None,
        alarm: Alarm | None = None,
        loads: LoadsApart | None = None,
    ) -> None:
        self.work = work
        self._loads = loads
        self._from_folder = load_folder if loads is None else loads.load
        self._home = home if work is None else work.home
        self._alarm = alarm
        self._models: Mapping[str, ServedModel] = {}
        self._broken: Mapping[str, Broken] = {}
        self._failures: Mapping[str, int] = {}
        self._away: Away | None = None
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

    @property
    def away(self) -> Away | None:
        """Since when the ledger can't be read; None where the last look was answered."""
        return self._away

    def model(self, pipeline: str) -> ServedModel:
        """Return the model that answers for a pipeline.

        Raises:
            UsageError: none does.
        """
        found = self._models.get(pipeline)
        if found is None:
            raise UsageError(
                f"No model answers for '{pipeline[:120]}'. {near_match(pipeline, self._models)}",
                where="pipeline",
                remedy="`/models` lists those that do",
            )
        return found

    def look(self) -> bool:
        """Do what `refresh` does, and note where the ledger can't be read; return whether it could."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            self.refresh()
        except (MlsysError, SQLAlchemyError, OSError) as error:
            self.note_away(error)
            return False
        if self._away is not None:
            log.info("ledger_back", away_since=self._away.since)
        self._away = None
        return True

    def note_away(self, error: Exception) -> None:
        """Note that the ledger can't be read."""
        if self._away is None:
            log.warning("ledger_away", reason=str(error))
            self._away = Away(clock.now(), str(error))

    def refresh(self, *, retry: bool = False) -> None:
        """Look into the ledger once, and load what serves now and is not loaded; with `retry` broken ones, too.

        Raises:
            TransientError, sqlalchemy.exc.SQLAlchemyError: the ledger can't be read; what answers goes on.
        """
        if self.work is None:
            return
        with self._loading():
            for pipeline, generation in self.work.ledger.generations().items():
                now, broken = self._models.get(pipeline), self._broken.get(pipeline)
                loaded = now is not None and now.generation == generation
                if not loaded and (retry or self._worth_it(pipeline, generation, broken)):
                    change = self.work.ledger.champion(pipeline)
                    if change is not None:
                        self._follow(change)

    def fill_without_ledger(self) -> None:
        """Load what the links of the file registry name: who served last, as far as is known without the ledger."""
        with self._loading():
            for folder in sorted((self._registry).glob("*/")):
                pipeline = folder.name
                serving = serving_folder(pipeline, self._registry.parent)
                if serving is None or pipeline in self._models:
                    continue
                try:
                    self._put(pipeline, self._from_folder(serving, pipeline))
                except MlsysError as error:
                    self._break(pipeline, Broken("", str(error)))

    @contextmanager
    def _loading(self) -> Iterator[None]:
        """Let nobody else load, and end the process that does when there is no more to do."""
        with self._one_at_a_time:
            try:
                yield
            finally:
                if self._loads is not None:
                    self._loads.end()

    @property
    def _registry(self) -> Path:
        return (self._home or Path()) / FOLDER

    def _worth_it(self, pipeline: str, generation: int, broken: Broken | None) -> bool:
        if broken is None or broken.generation != generation:
            return True
        if broken.again is None or time.monotonic() >= broken.again:
            return True
        return _files(pipeline, broken.candidate_id, self._registry.parent) != broken.files

    def _follow(self, change: ChampionChange) -> None:
        """Let a champion take over when it was loaded and has answered; else note what is wrong with it."""
        assert self.work is not None
        files = _files(change.pipeline, change.candidate_id, self.work.home)
        try:
            self._put(change.pipeline, load(change, self.work, self._from_folder))
        except MlsysError as error:
            self._note_broken(change, str(error), files)
        except Exception as error:  # whatever a damaged file makes a library raise, the others are followed on
            log.exception("champion_raised", pipeline=change.pipeline, candidate=change.candidate_id)
            self._note_broken(change, f"{type(error).__name__}: {error}", files)

    def _note_broken(self, change: ChampionChange, reason: str, files: frozenset[tuple[str, int, int]]) -> None:
        known = self._broken.get(change.pipeline)
        again = known is not None and known.generation == change.generation
        wait = min(known.wait * 2, _LONGEST_WAIT) if again and known is not None else _FIRST_WAIT
        now = self._models.get(change.pipeline)
        instead = "" if now is None else now.champion.version
        broken = Broken(change.candidate_id, reason, change, instead, files, time.monotonic() + wait, wait)
        self._break(change.pipeline, broken, told=again)

    def _put(self, pipeline: str, model: ServedModel) -> None:
        self._models = {**self._models, pipeline: model}
        self._broken = {name: broken for name, broken in self._broken.items() if name != pipeline}
        log.info("champion_served", pipeline=pipeline, version=model.champion.version, generation=model.generation)

    def _break(self, pipeline: str, broken: Broken, *, told: bool = False) -> None:
        self._broken = {**self._broken, pipeline: broken}
        self._failures = {**self._failures, pipeline: self._failures.get(pipeline, 0) + 1}
        level = log.info if told else log.error
        level("champion_not_served", pipeline=pipeline, candidate=broken.candidate_id, reason=broken.reason)
        if self._alarm is not None and not told:
            self._alarm(pipeline, broken)


def _files(pipeline: str, candidate_id: str, home: Path) -> frozenset[tuple[str, int, int]]:
    """Return name, size and time of the files in a candidate's folder; none where there is no such folder."""
    with suppress(OSError):
        folder = folder_of(pipeline, candidate_id, home)
        found = [] if folder is None else [(path.name, path.stat()) for path in folder.iterdir()]
        return frozenset((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)
    return frozenset()
