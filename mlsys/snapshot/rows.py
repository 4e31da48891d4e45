"""The rows of a snapshot, as they were known before its cutoff."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import pyarrow as pa

from mlsys.schema import ARRIVAL, DAY, KEY
from mlsys.snapshot.joined import joined_columns, needed_columns
from mlsys.snapshot.manifest import Manifest, read_manifest
from mlsys.snapshot.partitioning import masked
from mlsys.snapshot.segments import locate, read_entries
from mlsys.store import Store


def read_rows(manifest: str, store: Store, columns: Sequence[str], *, days: Collection[date] | None = None) -> pa.Table:
    """Return columns of a snapshot's rows in canonical order: by day, inside a day by row hash.

    Args:
        manifest: SHA-256 of the manifest.
        store: holds the manifest and the segments.
        columns: schema columns, joined ones, `_event_time`, `_label_arrival`, `_key` (uint64 hash of the key) or `_day`
            (date32).
        days: only these, of which the snapshot has at least one; default all.

    Labels that arrived at or after the cutoff are null, and so are their arrival times. Joined columns hold what was
    known before each row's own time.

    Raises:
        IntegrityError: a stored file is missing or damaged.
    """
    listing = read_manifest(manifest, store)
    joined = needed_columns(listing, columns)
    if joined:
        added = {name for table in listing.joins for name in table.join.joined}
        own = [name for name in columns if name not in added]
        rows = _own_rows(listing, store, list(dict.fromkeys([*own, *joined])), days)
        found = joined_columns(listing, rows, columns, store)
        return pa.table({name: found[name] if name in found else rows[name] for name in columns})
    return _own_rows(listing, store, columns, days)


def _own_rows(listing: Manifest, store: Store, columns: Sequence[str], days: Collection[date] | None) -> pa.Table:
    labels, partitions = listing.label_columns, listing.of(days)
    wanted = [name for name in dict.fromkeys(columns) if name != DAY]
    hides = any(entry.masked for entry in partitions) and not set(labels).isdisjoint(wanted)
    stored = [*wanted, *([ARRIVAL] if hides and ARRIVAL not in wanted else [])] or [KEY]
    slices = locate(listing.layout, partitions, store)
    tables = []
    for entry, table in zip(partitions, read_entries(slices, store, stored), strict=True):
        rows = masked(table, listing.cutoff, labels) if entry.masked and hides else table
        if DAY in columns:
            rows = rows.append_column(DAY, pa.repeat(pa.scalar(entry.day, pa.date32()), rows.num_rows))
        tables.append(rows.select(list(columns)))
    return pa.concat_tables(tables)
