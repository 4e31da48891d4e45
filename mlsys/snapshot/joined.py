"""Joined tables: taken in like a pipeline's own rows, each as partitions of its own, and read beside them.

To a snapshot such a table is a pipeline called `pipeline.table` whose rows' label is their key, known when the row is:
what arrived at or after the cutoff has no key, so that it is joined to nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from mlsys.durations import in_words
from mlsys.errors import DataError, MlsysError
from mlsys.records import Snapshot
from mlsys.schema import ARRIVAL, EVENT_TIME
from mlsys.snapshot.as_of import as_of
from mlsys.snapshot.manifest import JoinedTable, Manifest, ManifestEntry, read_manifest
from mlsys.snapshot.partitioning import masked
from mlsys.snapshot.segments import locate, read_entries
from mlsys.spec import Spec
from mlsys.spec.blocks import Checks, Label
from mlsys.spec.joins import AsOfJoin
from mlsys.store import Store

# From the time that counts for a row to the row itself, at most.
_A_DAY, _A_WEEK = timedelta(days=1), timedelta(days=7)


def table_specs(spec: Spec) -> list[Spec]:
    """Return for each joined table the spec by which its rows are taken in; none of it is ever trained on."""
    return [
        spec.model_copy(
            update={
                "pipeline": f"{spec.pipeline}.{join.name}",
                "source": join.source,
                "columns": join.columns,
                "joins": (),
                "key": tuple(sorted(join.columns)),
                "target": spec.target.model_copy(update={"column": join.key}),
                "label": Label(arrival=join.known),
                "checks": Checks(tolerated_share=join.tolerated_share, rules=join.rules),
            }
        )
        for join in spec.joins
    ]


@contextmanager
def named(table: Spec) -> Iterator[None]:
    """Let what is wrong with a table's rows say of which table they are, beside the file that they stand in."""
    try:
        yield
    except MlsysError as error:
        if table.pipeline not in str(error.where):
            error.where = f"{table.pipeline}, {error.where}" if error.where else table.pipeline
        raise


def require_fresh(spec: Spec, taken: Sequence[Snapshot]) -> None:
    """Refuse joined tables whose newest row is too old.

    Raises:
        DataError: it lies longer before the cutoff than the join's `max_age`.
    """
    for join, snapshot in zip(spec.joins, taken, strict=True):
        newest = snapshot.newest_event
        if join.max_age is not None and newest is not None and snapshot.cutoff - newest > join.max_age:
            raise DataError(
                f"The newest row is of {newest:%Y-%m-%d %H:%M} UTC, and may lie {in_words(join.max_age)} before the "
                f"cutoff, {snapshot.cutoff:%Y-%m-%d %H:%M} UTC, at most",
                where=f"{spec.pipeline}.{join.name}: source",
                remedy="See why its rows don't come, or raise `max_age` of the join",
            )


def joined_columns(listing: Manifest, rows: pa.Table, names: Collection[str], store: Store) -> dict[str, pa.Array]:
    """Return those of the columns `names` that joins add to rows of a snapshot."""
    found: dict[str, pa.Array] = {}
    for table in listing.joins:
        wanted = table.only(names)
        if wanted is not None:
            found |= as_of(wanted.join, rows, _read(wanted, rows, store))
    return found


def needed_columns(listing: Manifest, names: Collection[str]) -> list[str]:
    """Return the columns of the pipeline's own rows by which the columns `names` are joined to them."""
    keys = [table.join.key for table in listing.joins if table.only(names) is not None]
    return [*keys, EVENT_TIME] if keys else []


def _read(table: JoinedTable, rows: pa.Table, store: Store) -> pa.Table:
    """Return the rows of a table that may count for rows of the pipeline, as they were known before the cutoff."""
    listing, join = read_manifest(table.manifest, store), table.join
    first, last = _days_around(join, rows)
    entries = [entry for entry in listing.partitions if first <= entry.day <= last]
    of = dict.fromkeys(column.of for column in join.joined.values() if column.of is not None)
    arrival = [ARRIVAL] if join.known is not None else []
    columns = list(dict.fromkeys([join.key, *of, EVENT_TIME, *arrival]))
    if not entries:
        entries = list(listing.partitions[:1])  # for its columns; none of its rows lies in a window
    return pa.concat_tables(list(_known(listing, entries, columns, store)))


def _known(
    listing: Manifest, entries: Sequence[ManifestEntry], columns: Sequence[str], store: Store
) -> Iterator[pa.Table]:
    slices = locate(listing.layout, entries, store)
    for entry, found in zip(entries, read_entries(slices, store, columns), strict=True):
        yield masked(found, listing.cutoff, listing.label_columns) if entry.masked else found


def _days_around(join: AsOfJoin, rows: pa.Table) -> tuple[date, date]:
    """Return the first and the last day whose rows may count for rows of a pipeline."""
    span = pc.min_max(rows[EVENT_TIME]).as_py()
    if span["min"] is None:
        return date.max, date.min
    back = join.longest_window + (_A_WEEK if join.as_of == "monday" else _A_DAY)
    return (span["min"] - back).date(), span["max"].date()
