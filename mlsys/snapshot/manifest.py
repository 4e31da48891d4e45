"""The manifest of a snapshot: its version of each partition, and how much of it was known before the cutoff."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from mlsys.errors import NotUnderstoodError
from mlsys.ledger.rows import Partition
from mlsys.records import Snapshot
from mlsys.schema import KEY
from mlsys.snapshot.fingerprint import count_duplicates, table_fingerprint
from mlsys.snapshot.partitioning import Layout, masked
from mlsys.snapshot.segments import read_entries
from mlsys.spec import Spec
from mlsys.spec.joins import AsOfJoin, parse_join
from mlsys.store import Store, canonical_json


@dataclass(frozen=True)
class ManifestEntry:
    """A partition as a snapshot sees it.

    Attributes:
        fingerprint: of the stored rows; `masked_fingerprint` of the rows less the labels that the cutoff hides, None
            where it hides none.
        newest_event, newest_arrival: of all stored rows, None where there is no such time.
        rejects: SHA-256 of the list of rows that could not be read, or None.
    """

    day: date
    fingerprint: str
    n_rows: int
    version: int = 1
    n_labelled: int = 0
    newest_event: datetime | None = None
    newest_arrival: datetime | None = None
    n_duplicate_keys: int = 0
    n_rejected: int = 0
    rejects: str | None = None
    masked_fingerprint: str | None = None

    @property
    def masked(self) -> bool:
        """Whether the cutoff hides labels of the stored rows."""
        return self.masked_fingerprint is not None

    @property
    def content(self) -> str:
        """Fingerprint of the rows as the snapshot sees them."""
        return self.masked_fingerprint or self.fingerprint

    def dump(self) -> dict[str, Any]:
        """Return the entry as JSON."""
        hidden = {} if self.masked_fingerprint is None else {"masked_fingerprint": self.masked_fingerprint}
        return {
            "day": self.day.isoformat(),
            "version": self.version,
            "fingerprint": self.fingerprint,
            "n_rows": self.n_rows,
            "n_labelled": self.n_labelled,
            "newest_event": _text(self.newest_event),
            "newest_arrival": _text(self.newest_arrival),
            "n_duplicate_keys": self.n_duplicate_keys,
            "n_rejected": self.n_rejected,
            "rejects": self.rejects,
            "masked": self.masked,
            **hidden,
        }

    @classmethod
    def load(cls, data: dict[str, Any]) -> ManifestEntry:
        """Return the entry of what `dump` gave."""
        known = {name: value for name, value in data.items() if name != "masked"}
        known |= {name: _instant(known[name]) for name in ("newest_event", "newest_arrival")}
        return cls(**{**known, "day": date.fromisoformat(known["day"])})


@dataclass(frozen=True)
class JoinedTable:
    """A table that rows are joined with when they are read: how, and the SHA-256 of the manifest of its rows."""

    join: AsOfJoin
    manifest: str

    def only(self, names: Collection[str]) -> JoinedTable | None:
        """Return it with those of its columns that are named alone, or None where none is."""
        joined = {name: column for name, column in self.join.joined.items() if name in names}
        return replace(self, join=self.join.model_copy(update={"joined": joined})) if joined else None


@dataclass(frozen=True)
class Manifest:
    """What a snapshot consists of, its partitions by day."""

    pipeline: str
    layout: str
    cutoff: datetime
    label_columns: tuple[str, ...]
    partitions: tuple[ManifestEntry, ...]
    joins: tuple[JoinedTable, ...] = ()

    def of(self, days: Collection[date] | None) -> tuple[ManifestEntry, ...]:
        """Return the entries of these days; all of them for None."""
        return self.partitions if days is None else tuple(entry for entry in self.partitions if entry.day in days)

    def write(self, store: Store) -> str:
        """Store it and return its SHA-256."""
        joins = [{"join": t.join.model_dump(mode="json", by_alias=True), "manifest": t.manifest} for t in self.joins]
        return store.put_json(
            {
                "pipeline": self.pipeline,
                "layout": self.layout,
                "cutoff": self.cutoff.astimezone(UTC).isoformat(),
                "label_columns": list(self.label_columns),
                "partitions": [entry.dump() for entry in self.partitions],
                **({"joins": joins} if joins else {}),
            }
        )


def read_manifest(digest: str, store: Store) -> Manifest:
    """Return the manifest of a SHA-256.

    Raises:
        IntegrityError: it is missing or damaged; housekeeping removes those of old runs.
        NotUnderstoodError: a newer mlsys wrote it.
    """
    data = store.read_json(digest)
    try:
        return Manifest(
            pipeline=data["pipeline"],
            layout=data["layout"],
            cutoff=datetime.fromisoformat(data["cutoff"]),
            label_columns=tuple(data["label_columns"]),
            partitions=tuple(map(ManifestEntry.load, data["partitions"])),
            joins=tuple(JoinedTable(parse_join(each["join"]), each["manifest"]) for each in data.get("joins", ())),
        )
    except (TypeError, LookupError, ValueError) as error:  # its bytes are those that were written
        raise NotUnderstoodError(
            f"A manifest is not understood: {error}",
            where=digest,
            remedy="A newer mlsys wrote it: use that version (docs/upgrading.md)",
        ) from error


def describe(
    spec: Spec,
    cutoff: datetime,
    partitions: Sequence[Partition],
    *,
    layout: Layout,
    store: Store,
    joined: Sequence[Snapshot] = (),
) -> Snapshot:
    """Write the manifest of partitions, given by day, as they were known before `cutoff`, and return its snapshot.

    `joined` are the snapshots of the tables that the spec joins, in its order.
    """
    entries = tuple(_entry(row, cutoff, layout, store) for row in partitions)
    plain = (join.model_copy(update={"rules": ()}) for join in spec.joins)  # they decide on no row
    joins = tuple(JoinedTable(join, table.manifest) for join, table in zip(plain, joined, strict=True))
    manifest = Manifest(spec.pipeline, layout.fingerprint, cutoff, layout.label_columns, entries, joins)
    keys = pa.concat_tables(read_entries(partitions, store, [KEY]))[KEY].to_numpy()
    return Snapshot(
        fingerprint=_fingerprint(entries, joined, timed=spec.source.timed),
        manifest=manifest.write(store),
        cutoff=cutoff,
        n_rows=sum(entry.n_rows for entry in entries),
        n_labelled=sum(entry.n_labelled for entry in entries),
        n_partitions=len(entries),
        first_day=entries[0].day,
        last_day=entries[-1].day,
        newest_event=max((entry.newest_event for entry in entries if entry.newest_event), default=None),
        n_duplicate_keys=count_duplicates(keys),
    )


def _entry(row: Partition, cutoff: datetime, layout: Layout, store: Store) -> ManifestEntry:
    """Return a partition's entry; one with later labels gets the fingerprint that they don't change."""
    n_labelled, hidden = row.n_labelled, None
    if row.newest_arrival is not None and row.newest_arrival >= cutoff:
        known = masked(read_entries([row], store, layout.columns)[0], cutoff, layout.label_columns)
        n_labelled, hidden = known.num_rows - known[layout.target].null_count, table_fingerprint(known)
    return ManifestEntry(
        day=row.day,
        fingerprint=row.fingerprint,
        n_rows=row.n_rows,
        version=row.version,
        n_labelled=n_labelled,
        newest_event=row.newest_event,
        newest_arrival=row.newest_arrival,
        n_duplicate_keys=row.n_duplicate_keys,
        n_rejected=row.n_rejected,
        rejects=row.rejects,
        masked_fingerprint=hidden,
    )


def _fingerprint(entries: Sequence[ManifestEntry], joined: Sequence[Snapshot], *, timed: bool) -> str:
    # The day of a source without time is only when it was read; the same content is the same snapshot.
    parts = [[entry.day.isoformat() if timed else "", entry.content] for entry in entries]
    # Which table is which stands in the spec's fingerprint.
    return hashlib.sha256(canonical_json([*parts, *(table.fingerprint for table in joined)])).hexdigest()


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
