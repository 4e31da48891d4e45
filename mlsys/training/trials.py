"""What a search has tried so far: kept trial by trial, so that a run that was killed goes on where it was."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlsys.errors import MlsysError
from mlsys.models.base import Model
from mlsys.records import TriedSet
from mlsys.store import Store, canonical_json, recall, remember

SHOWN = 10  # trials of a candidate that its record keeps


@dataclass(frozen=True)
class Memory:
    """The trials of one candidate of one training key, each by its hyperparameters, below MLSYS_HOME/cache.

    The key stands for data, spec, seed and code: what is found under it is what would be found again.
    """

    folder: Path

    @staticmethod
    def of(store: Store, training_key: str, name: str) -> Memory:
        """Return the memory of a candidate."""
        return Memory(store.cache / "tuning" / training_key / name)

    def known(self, model: Model) -> TriedSet | None:
        """Return the trial of these hyperparameters, or None where there was none."""
        data = recall(self._path(model))
        with suppress(MlsysError):  # another release wrote it
            return None if data is None else TriedSet.load_json(data)
        return None

    def keep(self, model: Model, trial: TriedSet) -> None:
        """Keep a trial."""
        remember(self._path(model), canonical_json(trial.dump()))

    def _path(self, model: Model) -> Path:
        return self.folder / hashlib.sha256(canonical_json(model.model_dump(mode="json"))).hexdigest()[:32]
