"""A spec, a snapshot and its rows in memory, for tests of the steps that follow the snapshot.

`SmallWorld.read` stands in for `mlsys.snapshot.rows.read_rows`; everything else is real.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mlsys.dataset import assignment, dataset
from mlsys.records import CheckReport, Plan, Prepared, Snapshot, Split
from mlsys.snapshot.manifest import Manifest, ManifestEntry
from mlsys.spec import Spec
from mlsys.store import Store

FIRST_DAY = date(2026, 1, 1)
N_DAYS = 30

SPEC: dict[str, Any] = {
    "pipeline": "small_world",
    "source": {"kind": "sql", "url": "sqlite:///nowhere.db", "table": "sites", "event_time": "at", "timezone": "UTC"},
    "schema": {
        "site_id": "integer",
        "length": "number",
        "age": "integer",
        "https": "boolean",
        "brand": "category",
        "owner": "category",
        "label": "category",
    },
    "key": "site_id",
    "target": {"column": "label", "positive": "phishing"},
    "split": {"kind": "time", "validation_days": 5, "holdout_days": 7},
    "models": ("logistic", "prior"),
    "gates": ("min_rows",),
    "registries": (),
}


@dataclass(frozen=True)
class SmallWorld:
    """One snapshot's rows, day by day, with `_day` and `_key`."""

    spec: Spec
    table: pa.Table
    snapshot: Snapshot
    checks: CheckReport
    plan: Plan
    store: Store

    def stand_in(self, patched: pytest.MonkeyPatch) -> None:
        """Let splits and datasets read these rows."""
        for module in (assignment, dataset):
            patched.setattr(module, "read_rows", self.read)

    def read(self, manifest: str, store: Store, columns: Sequence[str]) -> pa.Table:
        """Return columns of the rows, as `mlsys.snapshot.rows.read_rows` does."""
        assert manifest == self.snapshot.manifest
        assert store is self.store
        return self.table.select(list(columns))

    def prepared(self, split: Split) -> Prepared:
        """Return its run once the rows stand on their sides."""
        return Prepared(plan=self.plan, snapshot=self.snapshot, checks=self.checks, split=split)


def rows_of(n_rows: int = 900, *, seed: int = 0) -> pa.Table:
    """Return rows whose label depends on `length` and `brand`; sorted by day, with holes in three columns."""
    rng = np.random.default_rng(seed)
    day = np.sort(rng.integers(0, N_DAYS, n_rows))
    length, age = rng.normal(50, 20, n_rows), rng.integers(0, 4000, n_rows)
    brand = rng.choice(["acme", "bolt", "coil", "dune"], n_rows, p=[0.5, 0.3, 0.15, 0.05])
    score = (length - 50) / 10 + 2 * (brand == "bolt") - 0.5
    label = np.where(rng.random(n_rows) < 1 / (1 + np.exp(-score)), "phishing", "legitimate")
    site = np.arange(n_rows, dtype=np.int64)
    return pa.table(
        {
            "site_id": site,
            "length": pa.array(length, mask=rng.random(n_rows) < 0.1),
            "age": pa.array(age, mask=rng.random(n_rows) < 0.02),
            "https": rng.random(n_rows) < 0.7,
            "brand": pa.array(brand, mask=rng.random(n_rows) < 0.05),
            "owner": rng.choice([f"owner {i}" for i in range(60)], n_rows),
            "label": label,
            "_day": pa.array(np.datetime64(FIRST_DAY, "D") + day),
            "_key": key_hashes(site),
        }
    )


def key_hashes(keys: np.ndarray) -> np.ndarray:
    """Return well mixed uint64 of whole numbers, as hashes of keys are."""
    hashes: np.ndarray = np.random.default_rng(99).integers(0, 2**64, 1_000_000, dtype=np.uint64)
    found: np.ndarray = hashes[keys]
    return found


def world(store: Store, *, table: pa.Table | None = None, quarantine: Sequence[int] = (), **changes: Any) -> SmallWorld:
    """Return a world; `changes` replace keys of the spec, `quarantine` are positions of rows."""
    table = rows_of() if table is None else table
    spec = Spec.model_validate({**SPEC, **changes})
    days, counts = np.unique(table["_day"].to_numpy(), return_counts=True)
    starts = dict(zip(days, np.cumsum(counts) - counts, strict=True))
    sizes = zip(days, counts, strict=True)
    partitions = tuple(ManifestEntry(day.item(), f"print-{day}", int(n)) for day, n in sizes)
    offsets: dict[str, list[int]] = {}
    for place in quarantine:
        day = table["_day"].to_numpy()[place]
        offsets.setdefault(f"print-{day}", []).append(int(place - starts[day]))
    cutoff = datetime.combine(FIRST_DAY + timedelta(days=N_DAYS), datetime.min.time(), tzinfo=UTC)
    snapshot = Snapshot(
        fingerprint="f" * 64,
        manifest=Manifest(spec.pipeline, "", cutoff, (), partitions).write(store),
        cutoff=cutoff,
        n_rows=table.num_rows,
        n_labelled=table.num_rows - table[spec.target.column].null_count,
        n_partitions=len(partitions),
        first_day=FIRST_DAY,
        last_day=FIRST_DAY + timedelta(days=N_DAYS - 1),
    )
    return SmallWorld(spec, table, snapshot, _checks(store, offsets), _plan(cutoff), store)


def _checks(store: Store, offsets: dict[str, list[int]]) -> CheckReport:
    return CheckReport(
        state="pass",
        results=(),
        n_checks=0,
        n_rows=0,
        n_partitions=0,
        n_quarantined=sum(map(len, offsets.values())),
        quarantined_share=0.0,
        tolerated_share=0.01,
        quarantine=store.put_json(offsets) if offsets else None,
        details=store.put_json([]),
    )


def _plan(cutoff: datetime) -> Plan:
    return Plan(
        pipeline="small_world",
        run_id="run",
        request_id="request",
        day=(cutoff - timedelta(days=1)).date(),
        day_source="parameter",
        cutoff=cutoff,
        mode="live",
        spec="a" * 64,
        spec_fingerprint="b" * 64,
        training_key="c" * 64,
        seed=42,
    )
