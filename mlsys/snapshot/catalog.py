"""A partition: one UTC day of a source, made immutable, and the catalogue that knows its versions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from mlsys.ledger.rows import Partition


class Catalog(Protocol):
    """Where partitions are known; the ledger is one, `mlsys.testing` has one in memory."""

    def partitions(self, pipeline: str, layout: str) -> list[Partition]:
        """Return the newest version of each partition of a layout, by day."""

    def newest_layout(self, pipeline: str) -> str | None:
        """Return the layout of the partition that was added last, or None."""

    def specs(self, pipeline: str) -> list[str]:
        """Return the digests of the specs that runs have stored, newest first, each once."""

    def add_partitions(self, pipeline: str, new: Sequence[Partition]) -> None:
        """Add new partitions, all or none."""

    def serialised(self, pipeline: str) -> AbstractContextManager[None]:
        """Let only one process at a time make a snapshot of a pipeline."""
