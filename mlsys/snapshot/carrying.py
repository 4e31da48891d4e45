"""A change of schema or source forgets no day: what the source no longer has is carried into the new layout.

A layout names what the columns of partitions depend on, and its partitions are its own. After a change the source is
read anew; days that it has no longer, or in part, are carried: a column that is new is missing in them. What can't be
carried would be lost, and that is for a person to accept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mlsys import clock
from mlsys.errors import DataError, IntegrityError, SpecError
from mlsys.ledger.rows import Partition
from mlsys.schema import ARRIVAL, EVENT_TIME, ColumnSpec, arrow_type
from mlsys.snapshot.catalog import Catalog
from mlsys.snapshot.ingest import Reading
from mlsys.snapshot.partitioning import DayRows, Layout, by_day, layout_of
from mlsys.snapshot.segments import Slice, batches, read_entries, write_days
from mlsys.spec import Spec, parse_dump
from mlsys.store import Store
from mlsys.wording import counted

_ROWS_AT_ONCE = 1_000_000
_WIDER = {
    ("integer", "number"),
    ("boolean", "integer"),
    ("boolean", "number"),
    ("text", "category"),
    ("category", "text"),
}
_HOW_TO_READ = ("chunk_rows",)  # keys of a source that change no row


@dataclass(frozen=True)
class Earlier:
    """What is stored in the layout before, by day; nothing where the layout is the same.

    Attributes:
        parts: what that layout depends on; None where nobody knows.
    """

    stored: Mapping[date, Partition] = field(default_factory=dict)
    parts: Mapping[str, Any] | None = None

    def end(self, cutoff: datetime) -> datetime:
        """Return the end of a reading that finds all of it again, or `cutoff`, whichever is later."""
        return max([cutoff, *(clock.cutoff_of(day) for day in self.stored)])


@dataclass(frozen=True)
class Missing:
    """Stored partitions that the source has no longer, or only in part.

    Attributes:
        n_rows: rows that are stored and were not read.
        problem: why they can't be carried, or nothing.
    """

    partitions: Sequence[Partition]
    n_rows: int
    problem: str

    @property
    def carried(self) -> set[date]:
        """Days that can be carried."""
        return set() if self.problem else {partition.day for partition in self.partitions}

    @property
    def told(self) -> str:
        """What becomes of them, in words; empty where nothing is missing."""
        if not self.partitions:
            return ""
        return f"{self.text} no longer in the source {'given up' if self.problem else 'carried over'}"

    @property
    def text(self) -> str:
        """`3 days (240 rows)`."""
        return f"{counted(len(self.partitions), 'day')} ({counted(self.n_rows, 'row')})"


def earlier(spec: Spec, layout: Layout, catalog: Catalog, store: Store) -> Earlier:
    """Return what was stored before the layout changed; of a source without time nothing, each reading is whole."""
    before = catalog.newest_layout(spec.pipeline) if spec.source.timed else None
    if before is None or before == layout.fingerprint:
        return Earlier()
    stored = {row.day: row for row in catalog.partitions(spec.pipeline, before)}
    return Earlier(stored, _parts(before, spec.pipeline, catalog, store))


def missing(known: Earlier, reading: Reading, *, kept: Mapping[date, Partition], before: date, to: Spec) -> Missing:
    """Return what of the earlier layout a reading did not find again.

    Args:
        known: the earlier layout.
        reading: of the source, in the new layout.
        kept: partitions that stand in the new layout.
        before: a day whose source gave fewer rows than are stored counts as missing only if it lies before this one:
            later ones are read again each night, and change.
        to: the new spec.
    """
    found = dict(reading.n_rows)
    for row in reading.rejected:
        if row.day is not None:
            found[row.day] = found.get(row.day, 0) + 1
    gone = [
        partition
        for day, partition in known.stored.items()
        if day not in kept and (day not in found or (day < before and found[day] < partition.n_rows))
    ]
    n_rows = sum(partition.n_rows - found.get(partition.day, 0) for partition in gone)
    return Missing(gone, n_rows, _problem(known.parts, to) if gone else "")


def require_accepted(gone: Missing, spec: Spec, *, accepted: bool) -> None:
    """Refuse a change that would lose stored days, unless somebody accepts that.

    Raises:
        DataError: it says how much would be lost, and why it can't be carried.
    """
    if gone.problem and not accepted:
        raise DataError(
            f"{gone.text} that are stored, and that the source no longer has, would be lost: {gone.problem}",
            where=f"{spec.pipeline}: schema",
            remedy="Undo the change of the spec, or accept the loss: `mlsys run --accept-loss`, or in Airflow's form",
        )


def carried(known: Earlier, gone: Missing, layout: Layout, spec: Spec, store: Store) -> list[Partition]:
    """Write partitions of an earlier layout in the new one, and return them; they are not listed yet."""
    if gone.problem or known.parts is None:
        return []
    added: list[Partition] = []
    for some in batches(gone.partitions, _ROWS_AT_ONCE):
        of_day = {partition.day: partition for partition in some}
        rows = list(by_day(_converted(some, known.parts, spec, store), layout, None))
        places = write_days(rows, layout.fingerprint, store)
        added += [_moved(of_day[day.day], day, layout, places[day.day]) for day in rows]
    return added


def _moved(before: Partition, rows: DayRows, layout: Layout, place: Slice) -> Partition:
    """Return a partition in its new place; when it was read, and what could not be read of it, stays."""
    changes = {
        "version": 1,
        "layout": layout.fingerprint,
        "fingerprint": rows.fingerprint,
        "segment": place.segment,
        "offset": place.offset,
        "n_labelled": rows.n_labelled,
        "n_duplicate_keys": rows.n_duplicate_keys,
    }
    return before.model_copy(update=changes)


def _converted(partitions: Sequence[Partition], known: Mapping[str, Any], spec: Spec, store: Store) -> pa.Table:
    """Return the rows of partitions in the columns of a spec; a column that they have not is missing."""
    own = [EVENT_TIME, *([ARRIVAL] if spec.label.arrival is not None else [])]
    before = {name: ColumnSpec.model_validate(column) for name, column in known["schema"].items()}
    kept = [name for name in spec.columns if name in before]
    table = pa.concat_tables(read_entries(partitions, store, [*kept, *own]))
    columns = {
        name: _widened(table[name], before[name], column)
        if name in before
        else pa.nulls(table.num_rows, arrow_type(column.type))
        for name, column in spec.columns.items()
    }
    return pa.table({**columns, **{name: table[name] for name in own}})


def _widened(values: pa.ChunkedArray, before: ColumnSpec, now: ColumnSpec) -> pa.ChunkedArray:
    if now.type == "category" and now.stripped and not before.stripped:
        values = pc.utf8_trim_whitespace(values)
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)
    return values.cast(arrow_type(now.type), safe=False)


def _problem(known: Mapping[str, Any] | None, to: Spec) -> str:
    """Return why partitions of an earlier layout can't be carried into that of a spec, or nothing."""
    if known is None:
        return "what their columns mean is not known any more"
    new = layout_of(to).parts
    if _essence(known["source"]) != _essence(new["source"]) or known["format"] != new["format"]:
        return "they were read from another `source`, or in another way"
    for name in ("target", "arrival"):
        if known[name] != new[name]:
            return f"their {name} is '{known[name]}', not '{new[name]}'"
    if not _same_key(known, to):
        return f"their key is {', '.join(known['key'])}, not {', '.join(new['key'])}"
    wanted = {name for rule in to.checks.rules if rule.severity == "critical" for name in rule.never_missing}
    problems = (_misfit(name, known["schema"].get(name), column, wanted) for name, column in to.columns.items())
    return next(filter(None, problems), "")


def _misfit(name: str, before: Any, now: ColumnSpec, wanted: Collection[str]) -> str:
    if before is None:
        return f"they have no column '{name}', and a check wants a value of it" if name in wanted else ""
    old = ColumnSpec.model_validate(before)
    if old == now or (old.type, now.type) in _WIDER:
        return ""
    if old.type != now.type:
        return f"their column '{name}' is {old.type}, not {now.type}"
    changed = [f"`{key}`" for key, value in now if value != getattr(old, key)]
    return f"their column '{name}' was read with another {' and '.join(changed)}"


def _same_key(known: Mapping[str, Any], to: Spec) -> bool:
    if to.key:
        return bool(list(to.key) == known["key"])
    # Without `key` it is all of the content but a split column: then it was so before, if that is what it was.
    content = set(known["schema"]) - {known["target"], known["arrival"]}
    return len(content - set(known["key"])) <= 1


def _essence(source: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in source.items() if name not in _HOW_TO_READ}


def _parts(layout: str, pipeline: str, catalog: Catalog, store: Store) -> Mapping[str, Any] | None:
    """Return what a layout depends on, by its fingerprint; a home of before layouts were kept has it in its specs."""
    try:
        parts: Mapping[str, Any] = store.read_json(layout)
        return parts
    except IntegrityError:
        pass
    for digest in catalog.specs(pipeline):
        try:
            found = layout_of(parse_dump(store.read_json(digest)["spec"]))
        except (IntegrityError, SpecError):
            continue
        if found.fingerprint == layout:
            return found.parts
    return None
