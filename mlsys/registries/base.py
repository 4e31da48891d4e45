"""The contract of a registry: a projection of the ledger that other systems read.

A registry never decides anything. It is written after the ledger, may be wiped and rebuilt from it, and every
method may be called again with the same arguments without effect.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from mlsys.components import Component
from mlsys.records import Candidate, ChainAnchor, Decision, Evaluation, Plan, Snapshot
from mlsys.records.inspection import Inspection
from mlsys.schema import LogicalType
from mlsys.store import Store


@dataclass(frozen=True)
class Release:
    """A model to show: all that the ledger and the store know about it.

    Attributes:
        version: semantic version, or None for a candidate that was never promoted.
        promoted: how it came to serve (`promote` by the gates, `manual` by a person) and by whom; None if it never did.
        expires: when what a person put in place ends by itself; None for no end.
        golden: SHA-256 of its golden predictions in the store, or None.
        again: whether the version was shown before with another candidate, of which this one is a new fit.
        parts: per candidate of the run, its record and evaluation (the released one among them).
        columns: logical types of the columns that the model sees, by name, in the schema's order.
        spec: `ResolvedSpec.dump()` of the run.
        method: what the model is asked with: `predict_proba` gives a probability a row and class, `predict` one number.
        anchor: the ledger's row that made it champion, or decided on it; shown beside it, and never written over.
        inspection: what was found wrong with the data of the run, or None where nobody looked.
    """

    plan: Plan
    snapshot: Snapshot
    candidate: Candidate
    parts: tuple[tuple[Candidate, Evaluation | None], ...]
    decision: Decision
    columns: Mapping[str, LogicalType]
    spec: Mapping[str, Any]
    version: str | None = None
    promoted: tuple[str, str] | None = None
    expires: datetime | None = None
    method: Literal["predict_proba", "predict"] = "predict_proba"
    anchor: ChainAnchor | None = None
    golden: str | None = None
    again: bool = False
    inspection: Inspection | None = None


@dataclass(frozen=True)
class Place:
    """Where registries write: the store they copy from, MLSYS_HOME, and MLflow's tracking URI."""

    store: Store
    home: Path
    tracking_uri: str


@dataclass(frozen=True)
class Shown:
    """Where a registry shows a release: its name there, and the id of the registry's own run, where it keeps runs."""

    name: str
    run: str | None = None


class Registry(Component, ABC):
    """A place where models are shown.

    Attributes:
        shows_unpromoted: whether the best candidate of every decided run is shown, or only promoted ones.
    """

    shows_unpromoted: ClassVar[bool] = False

    def preload(self) -> None:
        """Import what `publish` needs, while the process waits for something else; it changes nothing."""
        return

    @abstractmethod
    def publish(self, release: Release, place: Place) -> Shown:
        """Show a release and return where; again with the same candidate returns the same."""

    def obstacle(self, pipeline: str, place: Place) -> str | None:  # noqa: ARG002 - there is none
        """Return why nothing of this pipeline can be shown, as known before a model is trained; None: nothing is."""
        return None

    @abstractmethod
    def point(self, pipeline: str, candidate_id: str | None, place: Place) -> None:
        """Make the registry's champion pointer name this published candidate, or nothing."""

    @abstractmethod
    def pointed(self, pipeline: str, place: Place) -> str | None:
        """Return the candidate id that the champion pointer names, or None."""

    def damage(self, pipeline: str, champion: Candidate, place: Place) -> str | None:  # noqa: ARG002 - nothing to read
        """Return why the model that the pointer names can't be read as the ledger has it, after reading it; or None."""
        return None

    def differences(self, pipeline: str, releases: Sequence[Release], place: Place) -> list[str]:  # noqa: ARG002
        """Return in words what of published releases is not as `publish` left it, each once; it changes nothing."""
        return []

    def copy_of(self, pipeline: str, candidate: Candidate, place: Place) -> bytes | None:  # noqa: ARG002
        """Return what is kept here as a published candidate's model file, or None; who asks compares its SHA-256."""
        return None

    def attach(self, pipeline: str, candidate_id: str, files: Mapping[str, bytes], place: Place) -> None:  # noqa: ARG002
        """Show files, by name, beside a published candidate; a registry that keeps models alone does nothing."""
        return

    def anchors(self, pipeline: str, place: Place) -> list[ChainAnchor]:  # noqa: ARG002 - none is shown
        """Return the rows of the ledger's chain that are remembered beside the releases shown here, in any order."""
        return []
