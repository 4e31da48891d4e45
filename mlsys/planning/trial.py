"""The newest data against the spec's checks before a run: read and judged in a temporary folder, kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from mlsys import clock
from mlsys.ledger.rows import Partition
from mlsys.records import CheckReport
from mlsys.snapshot import snapshot
from mlsys.snapshot.catalog import Catalog
from mlsys.snapshot.partitioning import layout_of
from mlsys.snapshot.segments import note_slices
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.validation import validation
from mlsys.workspace import Workspace


class TrialCatalog:
    """A catalogue for one trial: it knows the partition it is given, and forgets what it is told."""

    def __init__(self, known: Partition | None) -> None:
        self._known = known

    def partitions(self, pipeline: str, layout: str) -> list[Partition]:  # noqa: ARG002 - of one pipeline
        """Return the one known partition, if it is of this layout."""
        return [self._known] if self._known and self._known.layout == layout else []

    def add_partitions(self, pipeline: str, new: Sequence[Partition]) -> None:
        """Keep nothing."""

    def serialised(self, pipeline: str) -> AbstractContextManager[None]:  # noqa: ARG002 - nothing is shared
        """Wait for nobody: nothing is shared."""
        return nullcontext()


def judge_newest(work: Workspace, spec: Spec) -> CheckReport | None:
    """Return what the checks say about the lookback window (before the first run: about everything); None without rows.

    Raises:
        DataError, TransientError: as the source.
    """
    cutoff = clock.cutoff_of(snapshot.newest_complete_day(spec))
    before = _newest_before_window(work, spec, cutoff)
    with work.store.working() as folder:
        store = Store(folder / "store")
        if before is not None:
            _lend(before, work.store, store)
        taken = snapshot.take(spec, cutoff, catalog=TrialCatalog(before), store=store)
        return None if taken is None else validation.validate(spec, taken.snapshot, store=store, home=folder)


def _newest_before_window(work: Workspace, spec: Spec, cutoff: datetime) -> Partition | None:
    """Return the stored partition after which a snapshot begins to read."""
    if not spec.source.timed:
        return None
    first = (cutoff - spec.ingest.lookback).date()
    stored = work.ledger.partitions(spec.pipeline, layout_of(spec).fingerprint)
    return next((partition for partition in reversed(stored) if partition.day < first), None)


def _lend(partition: Partition, owner: Store, borrower: Store) -> None:
    digest = partition.segment
    lent = borrower.root / digest[:2] / digest[2:]
    lent.parent.mkdir(parents=True)
    lent.symlink_to(owner.path(digest))
    note_slices(partition.layout, digest, {partition.fingerprint: partition.offset}, borrower)


_: type[Catalog] = TrialCatalog
