"""A model that answers requests: loaded, verified, and ready before it takes over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlsys import clock
from mlsys.errors import IntegrityError
from mlsys.events import get_logger
from mlsys.registries.files import folder_of
from mlsys.serving import Champion, champion_in
from mlsys.serving.fast import FastPath, fast_path
from mlsys.serving.plain_path import plain_answers

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from mlsys.ledger import ChampionChange

log = get_logger(__name__)


@dataclass(frozen=True)
class ServedModel:
    """One model in the memory of a server.

    Attributes:
        champion: the loaded model and what it wants to be given.
        generation: of the change that made it champion, which the ledger counts.
        loaded_at: UTC.
        fast: what answers in the champion's place, and alike; None where it answers in its own way.
        compared: what was found when the two were compared, in words.
    """

    champion: Champion
    generation: int
    loaded_at: datetime
    fast: FastPath | None = None
    compared: str = "not compared"

    def answers(self, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Return what the model says of rows, one or more: `(n_rows,)` scores or numbers, `(n_rows, n_classes)` of
        several classes, `(n_rows, n_actions)` of a policy.

        Raises:
            DataError: a feature is missing, or holds what its type can't be made of.
        """
        return plain_answers(self.champion, rows) if self.fast is None else self.fast.answers(rows)


def load(change: ChampionChange, home: Path) -> ServedModel:
    """Return the model that a change of the ledger made champion, from its folder in the file registry.

    Raises:
        IntegrityError: its folder is gone or changed; nothing was unpickled.
        RunError: the installed packages can't read it, or it answers otherwise than when it was promoted.
    """
    folder = folder_of(change.pipeline, change.candidate_id, home)
    if folder is None:
        raise IntegrityError(
            "No version in the file registry holds the champion",
            where=change.pipeline,
            got=change.candidate_id,
            remedy=f"Run `mlsys reconcile {change.pipeline}`",
        )
    champion = champion_in(folder, change.pipeline)
    fast, compared = fast_path(champion)
    log.info("fast_path", pipeline=change.pipeline, answers="plainly" if fast is None else fast.name, compared=compared)
    return ServedModel(champion, change.generation, clock.now(), fast, compared)
