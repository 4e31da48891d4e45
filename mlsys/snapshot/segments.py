"""Segments: Parquet files in the store, each with the partitions that one snapshot added, sorted by day.

One file per snapshot instead of one per day keeps reading a long history fast; a partition is a slice of a segment.
Which slice depends on the runs before, so records name a partition by its content, and a note beside the segments
says where that content lies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlsys.errors import IntegrityError
from mlsys.ledger.rows import Partition
from mlsys.snapshot.partitioning import DayRows
from mlsys.store import Store, canonical_json, write_atomically

ROW_GROUP = 65_536  # a slice reads at most one group more than it needs at either end


class Stored(Protocol):
    """A partition by its content."""

    @property
    def day(self) -> date:
        """UTC day."""

    @property
    def fingerprint(self) -> str:
        """Of its rows."""

    @property
    def n_rows(self) -> int:
        """How many there are."""


@dataclass(frozen=True)
class Slice:
    """Where the rows of a partition lie: the SHA-256 of a segment, and which of its rows."""

    segment: str
    offset: int
    n_rows: int


class Sized(Protocol):
    """Something of so many rows."""

    @property
    def n_rows(self) -> int:
        """How many there are."""


Some = TypeVar("Some", bound=Sized)


def batches(parts: Sequence[Some], most: int) -> Iterator[list[Some]]:
    """Yield neighbours that together have at most `most` rows, or one part alone."""
    batch: list[Some] = []
    for part in parts:
        if batch and sum(item.n_rows for item in batch) + part.n_rows > most:
            yield batch
            batch = []
        batch.append(part)
    if batch:
        yield batch


def write_days(days: Sequence[DayRows], layout: str, store: Store) -> dict[date, Slice]:
    """Write days as one segment, note where each begins, and return where it lies."""
    segment, offset, found = write_segment([rows.table for rows in days], store), 0, dict[date, Slice]()
    for rows in days:
        found[rows.day] = Slice(segment, offset, rows.table.num_rows)
        offset += rows.table.num_rows
    note_slices(layout, segment, {rows.fingerprint: found[rows.day].offset for rows in days}, store)
    return found


def write_segment(tables: Sequence[pa.Table], store: Store) -> str:
    """Write tables, in their order, as one Parquet file and return its SHA-256."""
    with store.writing() as path:
        table = pa.concat_tables(tables)
        texts = [field.name for field in table.schema if pa.types.is_string(field.type)]
        pq.write_table(
            table,
            path,
            row_group_size=ROW_GROUP,
            compression="zstd",
            compression_level=1,
            use_dictionary=texts,
            write_page_checksum=True,
        )
        return store.put_file(path)


def note_slices(layout: str, segment: str, offsets: Mapping[str, int], store: Store) -> None:
    """Write down where in a segment each partition (by its fingerprint) begins; written before anybody names them."""
    write_atomically(_notes(layout, store) / f"{segment}.json", canonical_json(dict(offsets)))


def locate(layout: str, entries: Sequence[Stored], store: Store) -> list[Slice]:
    """Return where the rows of partitions lie.

    Raises:
        IntegrityError: nothing says where one of them lies.
    """
    places: dict[str, tuple[str, int]] = {}
    for note in sorted(_notes(layout, store).glob("*.json")):
        places.update({name: (note.stem, offset) for name, offset in json.loads(note.read_bytes()).items()})
    missing = next((entry for entry in entries if entry.fingerprint not in places), None)
    if missing is not None:
        raise IntegrityError(
            f"Nothing says where the rows of {missing.day} are stored",
            where=str(_notes(layout, store)),
            got=missing.fingerprint,
            remedy="Restore MLSYS_HOME/store from a backup",
        )
    return [Slice(*places[entry.fingerprint], entry.n_rows) for entry in entries]


def _notes(layout: str, store: Store) -> Path:
    return store.root / "segments" / layout[:16]


def read_slices(
    segment: str, slices: Sequence[tuple[int, int]], store: Store, columns: Sequence[str]
) -> list[pa.Table]:
    """Return the `(offset, n_rows)` slices of a segment, reading only the row groups that they touch.

    What is read is checked by the file's page checksums; its name, the SHA-256 of the whole, would cost a full read.

    Raises:
        IntegrityError: the file is missing, damaged or too short.
    """
    path = store.path(segment)
    try:
        with pq.ParquetFile(path, memory_map=True, page_checksum_verification=True) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            ends = np.cumsum(sizes, dtype=np.int64)
            if max(offset + n_rows for offset, n_rows in slices) > int(ends[-1] if len(ends) else 0):
                raise IntegrityError("A stored segment has fewer rows than its partitions", where=str(path))
            groups = sorted({group for part in slices for group in _groups(ends, *part)})
            table = file.read_row_groups(groups, columns=list(columns))
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(
            f"A stored segment is damaged: {error}",
            where=str(path),
            remedy="Restore it from a backup of MLSYS_HOME/store",
        ) from error
    position = dict(zip(groups, np.cumsum([0, *(sizes[group] for group in groups)]).tolist(), strict=False))
    tables = []
    for offset, n_rows in slices:
        first = _groups(ends, offset, n_rows)[0]
        inside = offset - (int(ends[first]) - sizes[first])
        tables.append(table.slice(position[first] + inside, n_rows))
    return tables


def read_entries(entries: Sequence[Slice | Partition], store: Store, columns: Sequence[str]) -> list[pa.Table]:
    """Return one table per slice or partition, in their order."""
    tables: dict[int, pa.Table] = {}
    by_segment: dict[str, list[int]] = {}
    for position, entry in enumerate(entries):
        by_segment.setdefault(entry.segment, []).append(position)
    for segment, positions in by_segment.items():
        slices = [(entries[position].offset, entries[position].n_rows) for position in positions]
        tables.update(zip(positions, read_slices(segment, slices, store, columns), strict=True))
    return [tables[position] for position in range(len(entries))]


def _groups(ends: np.ndarray, offset: int, n_rows: int) -> range:
    first = int(np.searchsorted(ends, offset, side="right"))
    last = int(np.searchsorted(ends, offset + n_rows - 1, side="right"))
    return range(first, last + 1)
