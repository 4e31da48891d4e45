"""A partition: one UTC day of a source, made immutable, and the catalogue that knows its versions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from mlsys.records import Record


class Partition(Record):
    """One version of one day of data: a slice of a Parquet segment in the store.

    Attributes:
        version: counts from 1; late or changed rows make a new version, older ones stay readable.
        layout: fingerprint of what the columns depend on (source, schema, key, label); another one reads anew.
        fingerprint: of the content, whatever the order or bytes it came in.
        segment: SHA-256 of the Parquet file; the partition is its rows `offset` to `offset + n_rows`.
        newest_event, newest_arrival: None for a source without event time, or without label arrival.
        rejects: SHA-256 of the JSON list of rows that could not be read, or None when there were none.
    """

    day: date
    version: int
    layout: str
    fingerprint: str
    segment: str
    offset: int
    n_rows: int
    n_labelled: int
    newest_event: datetime | None = None
    newest_arrival: datetime | None = None
    n_duplicate_keys: int = 0
    n_rejected: int = 0
    rejects: str | None = None
    read_at: datetime


class Catalog(Protocol):
    """Where partitions are known; the ledger is one, `mlsys.testing` has one in memory."""

    def partitions(self, pipeline: str, layout: str) -> list[Partition]:
        """Return the newest version of each partition of a layout, by day."""

    def add_partitions(self, pipeline: str, new: Sequence[Partition]) -> None:
        """Add new partitions, all or none."""

    def serialised(self, pipeline: str) -> AbstractContextManager[None]:
        """Let only one process at a time make a snapshot of a pipeline."""
