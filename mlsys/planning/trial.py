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
    stored = work.ledger.partitions(spec.pipeline, layout_of(spec).fingerprint) if spec.source.timed else []
    before = _newest_before_window(spec, cutoff, stored)
    counted = [partition for partition in stored if partition.rejects is not None and partition is not before]
    with work.store.working() as folder:
        store = Store(folder / "store")
        if before is not None:
            _lend(before.segment, work.store, store)
            note_slices(before.layout, before.segment, {before.fingerprint: before.offset}, store)
        for partition in [*counted, before]:
            if partition is not None and partition.rejects is not None:
                _lend(partition.rejects, work.store, store)
        taken = snapshot.take(spec, cutoff, catalog=TrialCatalog(before), store=store, counted=counted)
        return None if taken is None else validation.validate(spec, taken.snapshot, store=store, home=folder)


def _newest_before_window(spec: Spec, cutoff: datetime, stored: Sequence[Partition]) -> Partition | None:
    """Return the stored partition after which a snapshot begins to read."""
    first = (cutoff - spec.ingest.lookback).date()
    return next((partition for partition in reversed(stored) if partition.day < first), None)


def _lend(digest: str, owner: Store, borrower: Store) -> None:
    lent = borrower.root / digest[:2] / digest[2:]
    lent.parent.mkdir(parents=True, exist_ok=True)
    if not lent.is_symlink():
        lent.symlink_to(owner.path(digest))


_: type[Catalog] = TrialCatalog
