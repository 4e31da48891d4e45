"""Step 1: take what the source knows before a cutoff, as immutable partitions with one fingerprint.

Nightly work is proportional to the new days: partitions that stand are not read again, except for the days inside the
spec's lookback window. Files are stored first and listed in the catalog last: a crash leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from mlsys import clock
from mlsys.errors import DataError, IntegrityError, UsageError
from mlsys.events import get_logger
from mlsys.ledger.rows import Partition
from mlsys.records import Arrivals, Snapshot
from mlsys.schema import KEY
from mlsys.snapshot import carrying
from mlsys.snapshot.catalog import Catalog
from mlsys.snapshot.ingest import Reading, read_source, request_of
from mlsys.snapshot.joined import named, require_fresh, table_specs
from mlsys.snapshot.manifest import describe
from mlsys.snapshot.partitioning import DayRows, Layout, layout_of
from mlsys.snapshot.segments import read_entries, write_days
from mlsys.snapshot.unreadable import Unreadable, count_once, first_of, require_some, require_tolerable
from mlsys.spec import Spec
from mlsys.store import Store
from mlsys.wording import counted

log = get_logger(__name__)


@dataclass(frozen=True)
class Taken:
    """A snapshot, which depends on the data alone, and what of it this run was the first to read.

    Attributes:
        moved: what became of days that were stored before schema or source changed, in words; nothing else.
    """

    snapshot: Snapshot
    arrivals: Arrivals
    moved: str = ""


def newest_complete_day(spec: Spec, store: Store | None = None) -> date:
    """Return the newest day whose data is complete; today for a source without time, which is read whole.

    With a store, the source may remember what it looked at.

    Raises:
        DataError, TransientError: as the source.
    """
    if not spec.source.timed:
        return clock.now().date()
    newest = spec.source.newest(request_of(spec, store))
    # An empty source has no newest day; the newest one that is over will be found to have no rows.
    return clock.newest_complete_day(newest or clock.now(), spec.ingest.settle)


def take(
    spec: Spec,
    cutoff: datetime,
    *,
    catalog: Catalog,
    store: Store,
    counted: Sequence[Partition] = (),
    accept_loss: bool = False,
) -> Taken | None:
    """Return the snapshot of all rows before `cutoff`, or None when the last day before it has no rows.

    Args:
        spec: names source and schema.
        cutoff: a UTC midnight.
        catalog: knows the stored partitions, and is told of new ones.
        store: holds them.
        counted: partitions that the catalogue does not know, and that have counted unreadable rows.
        accept_loss: whether stored days may be lost by a change of the spec into which they can't be carried.

    Raises:
        DataError: the source is refused, too many rows can't be read, stored days would be lost, or a source without
            time is asked for a day other than today. Nothing is written then.
        TransientError: the source is locked or unreachable.
        UsageError: the cutoff is no UTC midnight.
    """
    if cutoff.tzinfo is None or cutoff.astimezone(UTC).time() != time():
        raise UsageError("A cutoff is a UTC midnight", where="cutoff", got=cutoff.isoformat())
    tables = _joined(spec, cutoff, catalog=catalog, store=store, accept_loss=accept_loss)
    return _take(spec, cutoff, catalog=catalog, store=store, counted=counted, accept_loss=accept_loss, joined=tables)


def _joined(spec: Spec, cutoff: datetime, *, catalog: Catalog, store: Store, accept_loss: bool) -> list[Snapshot]:
    """Take in what the spec joins, as it was before the cutoff; days without a row are nothing unusual there."""
    found: list[Snapshot] = []
    for table in table_specs(spec):
        with named(table):
            taken = _take(table, cutoff, catalog=catalog, store=store, accept_loss=accept_loss, gaps=True)
        if taken is None:
            raise DataError(
                f"It has no row before the cutoff, {cutoff:%Y-%m-%d}",
                where=f"{table.pipeline}: source",
                remedy="See whether its rows were delivered, or leave it out of `joins`",
            )
        found.append(taken.snapshot)
    require_fresh(spec, found)
    return found


def _take(
    spec: Spec,
    cutoff: datetime,
    *,
    catalog: Catalog,
    store: Store,
    counted: Sequence[Partition] = (),
    accept_loss: bool = False,
    gaps: bool = False,
    joined: Sequence[Snapshot] = (),
) -> Taken | None:
    """Do `take` for the rows of one source; with `gaps`, the last day may be one without rows."""
    layout, last_day = layout_of(spec), clock.last_day_before(cutoff)
    with catalog.serialised(spec.pipeline):
        look = _look(spec, cutoff, layout, catalog=catalog, store=store)
        # The snapshot of a source without time is its newest reading alone, with all that could not be read of it.
        before = [*look.before, *counted] if spec.source.timed else []
        rejected = look.reading.rejected
        unreadable = count_once(rejected, new=look.new_days, asked=last_day, before=before, store=store)
        require_tolerable(unreadable, look.reading.n_rows, look.new_days, spec)
        carrying.require_accepted(look.gone, spec, accepted=accept_loss)
        days = look.days(cutoff, timed=spec.source.timed)
        if (last_day not in days and spec.source.timed and not gaps) or not days:
            require_some(unreadable, last_day, spec)
            log.info("snapshot", pipeline=spec.pipeline, cutoff=cutoff.date(), no_rows="true")
            return None
        moved, added = _store(look, unreadable, spec, layout=layout, store=store)
        current = {**look.stored, **{row.day: row for row in (*moved, *added)}}
        partitions = [current[day] for day in days]
        snapshot = describe(spec, cutoff, partitions, layout=layout, store=store, joined=joined)
        catalog.add_partitions(spec.pipeline, [*moved, *added])
    arrivals = Arrivals(
        n_partitions=len(added), n_rows=sum(row.n_rows for row in added), days=tuple(row.day for row in added)[:30]
    )
    log.info(
        "snapshot",
        pipeline=spec.pipeline,
        cutoff=cutoff.date(),
        rows=snapshot.n_rows,
        partitions=snapshot.n_partitions,
        new_partitions=arrivals.n_partitions,
        fingerprint=snapshot.fingerprint[:12],
    )
    return Taken(snapshot, arrivals, look.gone.told)


def take_in(spec: Spec, first: date, last: date, *, catalog: Catalog, store: Store) -> int:
    """Store, in one reading, what is new from the lookback before `first` to `last`; return how many partitions.

    What the spec joins is taken in before.

    Nothing is judged here: each snapshot counts what could not be read. Snapshots of these days, taken in any order,
    then find the same partitions.

    Raises:
        DataError, TransientError: as the source; or stored days would be lost.
    """
    for table in table_specs(spec):
        with named(table):
            take_in(table, first, last, catalog=catalog, store=store)
    lookback = spec.ingest.lookback + (last - first)
    _, added = _taken_in(spec, lookback, last, catalog=catalog, store=store, tolerant=True)
    log.info("taken_in", pipeline=spec.pipeline, first=first, last=last, new_partitions=len(added))
    return len(added)


@dataclass(frozen=True)
class ReadAgain:
    """What a second reading of days found.

    Attributes:
        changed: of each day that differs the partition of before, None where nothing was stored, and the new one.
        vanished: partitions of days of which the source has no row any more; they stay.
    """

    changed: tuple[tuple[Partition | None, Partition], ...]
    vanished: tuple[Partition, ...]


def read_again(spec: Spec, first: date, last: date, *, catalog: Catalog, store: Store) -> ReadAgain:
    """Store what the source has of the days from `first` to `last` now, as new versions of those that differ.

    Earlier snapshots name the versions that they had, which stay.

    Raises:
        DataError, TransientError: as the source; more rows can't be read than the spec tolerates; or stored days would
            be lost. Nothing is written then.
    """
    lookback = last - first + timedelta(days=1)
    look, added = _taken_in(spec, lookback, last, catalog=catalog, store=store, tolerant=False)
    there = look.reading.n_rows
    vanished = [row for day, row in sorted(look.stored.items()) if first <= day <= last and day not in there]
    log.info("read_again", pipeline=spec.pipeline, first=first, last=last, new_partitions=len(added))
    return ReadAgain(tuple((look.stored.get(row.day), row) for row in added), tuple(vanished))


def _taken_in(
    spec: Spec, lookback: timedelta, last: date, *, catalog: Catalog, store: Store, tolerant: bool
) -> tuple[_Look, list[Partition]]:
    """Store what is new of a window of days that ends with `last`; unless `tolerant`, too many bad rows are refused."""
    wide = spec.model_copy(update={"ingest": spec.ingest.model_copy(update={"lookback": lookback})})
    layout = layout_of(spec)
    with catalog.serialised(spec.pipeline):
        look = _look(wide, clock.cutoff_of(last), layout, catalog=catalog, store=store)
        carrying.require_accepted(look.gone, spec, accepted=False)
        bad = look.reading.rejected
        if tolerant:  # what is wrong with a day of which nothing can be read is said by each snapshot that wants it
            bad = [row for row in bad if row.day is None or row.day in look.new_days]
        unreadable = count_once(bad, new=look.new_days, asked=last, before=look.before, store=store)
        if not tolerant:
            require_tolerable(unreadable, look.reading.n_rows, look.new_days, spec)
        moved, added = _store(look, unreadable, spec, layout=layout, store=store)
        catalog.add_partitions(spec.pipeline, [*moved, *added])
    return look, added


def moving(spec: Spec, cutoff: datetime, *, catalog: Catalog, store: Store) -> carrying.Missing:
    """Return what a snapshot would carry over, or lose, because schema or source have changed; nothing is written.

    Raises:
        DataError, TransientError: as the source, which is read anew only after such a change.
    """
    layout = layout_of(spec)
    if catalog.newest_layout(spec.pipeline) in (None, layout.fingerprint):
        return carrying.Missing((), 0, "")
    return _look(spec, cutoff, layout, catalog=catalog, store=store).gone


def problems(spec: Spec, *, catalog: Catalog, store: Store) -> list[str]:
    """Return, in words, where the stored partitions differ from the whole source as it is now.

    Finds rows that came late, changed or vanished outside the lookback window; nothing is written.

    Raises:
        DataError, TransientError: as the source.
    """
    layout = layout_of(spec)
    stored = {row.day: row for row in catalog.partitions(spec.pipeline, layout.fingerprint)}
    cutoff = clock.cutoff_of(newest_complete_day(spec, store))
    reading = read_source(spec, cutoff, {}, layout, store)
    bad = reading.rejected
    found = [f"{counted(len(bad), 'row')} can't be read. First: {first_of(bad)}"] if bad else []
    if not spec.source.timed or not stored:
        return found
    for segment in {row.segment: row for row in stored.values()}.values():
        try:
            read_entries([segment], store, [KEY])
        except IntegrityError as error:
            found.append(str(error))
    present = {rows.day: rows for rows in reading.days}
    for day in sorted({*stored, *(day for day in present if day <= max(stored))}):
        if day >= cutoff.date():
            continue
        now, then = present.get(day), stored.get(day)
        if now is None and then is not None:
            found.append(f"{day}: {counted(then.n_rows, 'row is', 'rows are')} stored, the source has none any more")
        elif then is None and now is not None:
            found.append(f"{day}: the source has {counted(now.table.num_rows, 'row')}, none are stored")
        elif now is not None and then is not None and now.fingerprint != then.fingerprint:
            found.append(
                f"{day}: the source has {counted(now.table.num_rows, 'row')}, {then.n_rows:,} are stored, and their"
                f" content differs (version {then.version}, read {then.read_at:%Y-%m-%d %H:%M} UTC)"
            )
    return found


@dataclass(frozen=True)
class _Look:
    """What the source shows beside what is stored.

    Attributes:
        stored: partitions of the layout, by day.
        known: what is stored in the layout before, where it has just changed.
        gone: what of that the source has no longer.
        new: days that are new or changed.
    """

    stored: Mapping[date, Partition]
    known: carrying.Earlier
    reading: Reading
    gone: carrying.Missing
    new: Sequence[DayRows]

    @property
    def new_days(self) -> set[date]:
        return {rows.day for rows in self.new}

    @property
    def before(self) -> list[Partition]:
        """All partitions that have counted rows which could not be read."""
        return [*self.stored.values(), *self.known.stored.values()]

    def days(self, cutoff: datetime, *, timed: bool) -> list[date]:
        """Return the days of the snapshot: all before the cutoff, or without time the newest reading alone."""
        days = sorted({*self.stored, *self.gone.carried, *self.new_days})
        return [day for day in days if clock.cutoff_of(day) <= cutoff] if timed else days[-1:]


def _look(spec: Spec, cutoff: datetime, layout: Layout, *, catalog: Catalog, store: Store) -> _Look:
    stored = {row.day: row for row in catalog.partitions(spec.pipeline, layout.fingerprint)}
    known = carrying.earlier(spec, layout, catalog, store)
    reading = read_source(spec, known.end(cutoff), stored, layout, store)
    gone = carrying.missing(known, reading, kept=stored, before=(cutoff - spec.ingest.lookback).date(), to=spec)
    changed = reading.changed(stored, timed=spec.source.timed)
    return _Look(stored, known, reading, gone, [rows for rows in changed if rows.day not in gone.carried])


def _store(
    look: _Look, unreadable: Unreadable, spec: Spec, *, layout: Layout, store: Store
) -> tuple[list[Partition], list[Partition]]:
    """Write carried and new partitions and return them apart; they are not listed yet."""
    store.put_json(layout.parts)
    moved = carrying.carried(look.known, look.gone, layout, spec, store)
    return moved, _written(look.new, unreadable, look, layout=layout, store=store) if look.new else []


def _written(
    new: Sequence[DayRows], unreadable: Unreadable, look: _Look, *, layout: Layout, store: Store
) -> list[Partition]:
    """Write the new partitions as one segment."""
    places, added = write_days(new, layout.fingerprint, store), []
    for rows in new:
        before, bad = look.stored.get(rows.day), unreadable.get(rows.day, ())
        added.append(
            Partition(
                day=rows.day,
                version=before.version + 1 if before else 1,
                layout=layout.fingerprint,
                fingerprint=rows.fingerprint,
                segment=places[rows.day].segment,
                offset=places[rows.day].offset,
                n_rows=rows.table.num_rows,
                n_labelled=rows.n_labelled,
                newest_event=rows.newest_event,
                newest_arrival=rows.newest_arrival,
                n_duplicate_keys=rows.n_duplicate_keys,
                n_rejected=len(bad),
                rejects=store.put_json([{"where": row.where, "reason": row.reason} for row in bad]) if bad else None,
                read_at=look.reading.read_at,
            )
        )
    return added
