"""What a join as of a time costs: a million sessions joined to a hundred thousand leads, beside pandas.

    make bench-joins
    make bench-joins ARGS="-n 5 --sessions 100000"

Each side is a process of its own that reads the same two Parquet files; the sides run in turn. The plain script is
right for one row a lead alone; `pandas.merge_asof` finds the newest session, and no count or sum. Writes
bench/results-joins.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measure import Measured, measure
from run import ENVIRONMENT, HERE, heading

DAYS = 60
ABOUT = (
    "# Joins as of a time",
    "",
    "Written by `make bench-joins`: {sessions:,} sessions of {leads:,} leads, the last 28 days before each lead; whole",
    "processes that read the same two Parquet files. Medians; `nothing` is a process that only reads them.",
)
_READ = """
import pandas as pd, pyarrow as pa, pyarrow.parquet as pq
rows, sessions = pq.read_table("rows.parquet"), pq.read_table("sessions.parquet")
"""
_FRAMES = """
at, window = "_event_time", pd.Timedelta(days=28)
rows, sessions = (table.to_pandas().sort_values(at) for table in (rows, sessions))
"""
_NEWEST = """
newest = pd.merge_asof(rows, sessions, on=at, by="lead_id", allow_exact_matches=False, tolerance=window)
"""
SIDES = {
    "nothing": _READ,
    "mlsys": _READ
    + """
from mlsys.snapshot.as_of import as_of
from mlsys.spec.joins import parse_join
found = as_of(parse_join({
    "name": "usage", "source": {"kind": "files", "path": "x", "event_time": "at"}, "key": "lead_id", "window": "28d",
    "schema": {"lead_id": "text", "minutes": "integer", "device": "category"},
    "columns": {"n": "count", "minutes": {"take": "sum", "of": "minutes"},
                "device": {"take": "last", "of": "device"}, "idle": "age"},
}), rows, sessions)
print(sum(found["n"].to_pylist()), sum(filter(None, found["minutes"].to_pylist())))
""",
    "plain script": _READ
    + _FRAMES
    + _NEWEST
    + """
both = rows.merge(sessions, on="lead_id", suffixes=("", "_used"))
used = both[at + "_used"]
both = both[(used < both[at]) & (used >= both[at] - window)]
found = both.groupby("lead_id")["minutes"].agg(["size", "sum"])
print(found["size"].sum(), found["sum"].sum())
""",
    "pandas.merge_asof": _READ + _FRAMES + _NEWEST,
}


def write(folder: Path, n_rows: int, n_sessions: int) -> None:
    """Write leads and sessions, both at random times of some weeks."""
    random = np.random.default_rng(1)
    ids = pa.array([f"L-{number:07d}" for number in range(n_rows)])

    def times(n: int) -> pa.Array:
        micros = random.integers(0, DAYS * 86_400_000_000, n)
        return pa.array(micros).cast(pa.timestamp("us", tz="UTC"))

    columns = {
        "lead_id": ids.take(pa.array(random.integers(0, n_rows, n_sessions))),
        "minutes": pa.array(random.integers(1, 60, n_sessions)),
        "device": pa.array(["web", "mobile", "api"]).take(pa.array(random.integers(0, 3, n_sessions))),
        "_event_time": times(n_sessions),
    }
    pq.write_table(pa.table(columns), folder / "sessions.parquet")
    pq.write_table(pa.table({"lead_id": ids, "_event_time": times(n_rows)}), folder / "rows.parquet")


def line(name: str, runs: list[Measured]) -> str:
    """Return a row of the table."""
    wall, cpu = (statistics.median(getattr(run, what) for run in runs) for what in ("wall", "cpu"))
    peak = statistics.median(run.peak_bytes for run in runs) / 1e6
    return f"| {name} | {wall:.1f} s | {cpu:.1f} s | {peak:.0f} MB |"


def main() -> int:
    """Measure all sides in turn and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-n", type=int, default=5, help="runs of each side")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    asked = parser.parse_args()
    about = heading(*(text.format(sessions=asked.sessions, leads=asked.rows) for text in ABOUT))
    runs: dict[str, list[Measured]] = {name: [] for name in SIDES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, asked.rows, asked.sessions)
        for _ in range(asked.n):
            for side, code in SIDES.items():
                done = measure([sys.executable, "-c", code], {**os.environ, **ENVIRONMENT}, folder)
                if done.code:
                    raise SystemExit(f"{side} failed:\n{done.errors}")
                runs[side].append(done)
    if runs["mlsys"][0].output != runs["plain script"][0].output:
        raise SystemExit("mlsys and the plain script count differently")
    table = ["| | wall | CPU | peak memory |", "|---|---|---|---|", *(line(*each) for each in runs.items())]
    text = "\n".join([*about, *table]) + "\n"
    (HERE / "results-joins.md").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
