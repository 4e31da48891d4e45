"""A catalog of partitions in memory."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mlsys.ledger.rows import Partition
from mlsys.snapshot.catalog import Catalog


class MemoryCatalog:
    """Behaves as the ledger's catalog does, for one process."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Partition]] = defaultdict(list)
        self._locks: dict[str, threading.RLock] = defaultdict(threading.RLock)

    def partitions(self, pipeline: str, layout: str) -> list[Partition]:
        """Return the newest version of each day of a layout, by day."""
        newest: dict[object, Partition] = {}
        for row in sorted(self._rows[pipeline], key=lambda row: (row.day, row.version)):
            if row.layout == layout:
                newest[row.day] = row
        return list(newest.values())

    def newest_layout(self, pipeline: str) -> str | None:
        """Return the layout of the partition that was added last, or None."""
        rows = self._rows[pipeline]
        return rows[-1].layout if rows else None

    def specs(self, pipeline: str) -> list[str]:  # noqa: ARG002 - of no run
        """Return nothing: no run has stored a spec here."""
        return []

    def add_partitions(self, pipeline: str, new: Sequence[Partition]) -> None:
        """List new partitions, all of them or none.

        Raises:
            ValueError: a version of a day that is listed already.
        """
        taken = {(row.layout, row.day, row.version) for row in self._rows[pipeline]}
        if any((row.layout, row.day, row.version) in taken for row in new):
            raise ValueError("a partition version is listed twice")
        self._rows[pipeline].extend(new)

    @contextmanager
    def serialised(self, pipeline: str) -> Iterator[None]:
        """Let only one snapshot of a pipeline be made at a time."""
        with self._locks[pipeline]:
            yield


_: type[Catalog] = MemoryCatalog
