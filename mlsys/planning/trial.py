"""The newest data against the spec's checks before a run: read and judged in a temporary folder, kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.ledger import Ledger
from mlsys.ledger.rows import Partition
from mlsys.planning import obstacles
from mlsys.records import CheckReport
from mlsys.snapshot import snapshot
from mlsys.snapshot.catalog import Catalog
from mlsys.snapshot.joined import table_specs
from mlsys.snapshot.partitioning import layout_of
from mlsys.snapshot.segments import note_slices
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.validation import validation
from mlsys.workspace import Workspace


class TrialCatalog:
    """The ledger's catalogue for one trial: of the spec's own layout it knows what it is given, and it forgets what it
    is told."""

    def __init__(self, ledger: Ledger, layout: str, known: Sequence[Partition]) -> None:
        self._ledger, self._layout, self._known = ledger, layout, known

    def partitions(self, pipeline: str, layout: str) -> list[Partition]:
        """Return the newest version of each partition of a layout, by day."""
        return list(self._known) if layout == self._layout else self._ledger.partitions(pipeline, layout)

    def newest_layout(self, pipeline: str) -> str | None:
        """Return the layout of the partition that was added last, or None."""
        return self._ledger.newest_layout(pipeline)

    def specs(self, pipeline: str) -> list[str]:
        """Return the digests of the specs that runs have stored, newest first, each once."""
        return self._ledger.specs(pipeline)

    def add_partitions(self, pipeline: str, new: Sequence[Partition]) -> None:
        """Keep nothing."""

    def serialised(self, pipeline: str) -> AbstractContextManager[None]:  # noqa: ARG002 - nothing is shared
        """Wait for nobody: nothing is shared."""
        return nullcontext()


class _LentStore(Store):
    """A store of its own that also shows another one's files, and changes none of them."""

    def __init__(self, root: Path, owner: Store) -> None:
        super().__init__(root)
        self._owner = owner

    @property
    def cache(self) -> Path:
        """Folder of what `remember` keeps: the other store's, whose files may be looked at often."""
        return self._owner.cache

    def renew(self, digest: str) -> bool:
        """Return whether a file is there, in either store."""
        return self._at(digest).exists()

    def _at(self, digest: str) -> Path:
        own = super()._at(digest)
        lent = self._owner.root / own.relative_to(self.root)
        return lent if lent.exists() and not own.exists() else own


@dataclass(frozen=True)
class Trial:
    """What a run would find in the newest rows.

    Attributes:
        refusal: why it could not divide them, or None; not asked where the checks refuse them already.
        identifiers: sentences on features that name their row.
    """

    checks: CheckReport
    refusal: MlsysError | None = None
    identifiers: tuple[str, ...] = ()


def judge_newest(work: Workspace, spec: Spec) -> Trial | None:
    """Return what a run would find in the lookback window (before the first run: in everything); None without rows.

    Where schema or source have changed, everything is judged that the next run would have.

    Raises:
        DataError, TransientError: as the source; or stored days would be lost.
    """
    cutoff = clock.cutoff_of(snapshot.newest_complete_day(spec, work.store))
    layout = layout_of(spec).fingerprint
    stored = work.ledger.partitions(spec.pipeline, layout) if spec.source.timed else []
    lent = stored if work.ledger.newest_layout(spec.pipeline) != layout else _newest_before_window(spec, cutoff, stored)
    counted = [partition for partition in stored if partition.rejects is not None and partition not in lent]
    with work.store.working() as folder:
        store = _LentStore(folder / "store", work.store)
        _lend(lent, layout, store)
        for table in table_specs(spec):
            joined = layout_of(table).fingerprint
            _lend(work.ledger.partitions(table.pipeline, joined), joined, store)
        catalog = TrialCatalog(work.ledger, layout, lent)
        taken = snapshot.take(spec, cutoff, catalog=catalog, store=store, counted=counted)
        if taken is None:
            return None
        checks = validation.validate(spec, taken.snapshot, store=store, home=folder, paged=False)
        if checks.state in ("fail", "error"):
            return Trial(checks)
        before = [partition for partition in stored if partition.day < (cutoff - spec.ingest.lookback).date()]
        refusal = obstacles.refused_by_split(spec, taken.snapshot, checks, before=before, store=store)
        return Trial(checks, refusal, tuple(obstacles.identifiers(spec, taken.snapshot, store)))


def _lend(partitions: Sequence[Partition], layout: str, store: Store) -> None:
    """Note where another store's partitions lie, so that they are found in this one."""
    for segment in {partition.segment for partition in partitions}:
        note_slices(
            layout, segment, {row.fingerprint: row.offset for row in partitions if row.segment == segment}, store
        )


def _newest_before_window(spec: Spec, cutoff: datetime, stored: Sequence[Partition]) -> list[Partition]:
    """Return the stored partition after which a snapshot begins to read, if there is one."""
    first = (cutoff - spec.ingest.lookback).date()
    return [partition for partition in stored if partition.day < first][-1:]


_: type[Catalog] = TrialCatalog
