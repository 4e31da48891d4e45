"""What the Models page costs with many pipelines, each with a champion and thirty decisions behind it.

    make bench-page
    make bench-page ARGS="--pipelines 33 200 500"

One home with one real run is given a past, and its rows and its spec are copied for every other pipeline. What is timed
is all that the api-server does but Airflow's own questions about the reader, in a process of its own: what it does
beside its start so that nobody waits for it (`Warming`), and then from the opening of the workspace to the finished
HTML, for the first reader and for all others. Writes bench/results-page.md.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from past import NAME, at_home, lengthen
from pydantic_core import from_json
from run import HERE, Bench, heading

from mlsys.ledger import chain, engine, tables
from mlsys.orchestration.page import overview
from mlsys.orchestration.page.addresses import Places
from mlsys.orchestration.page.glances import glances
from mlsys.orchestration.page.rendering import May, list_page
from mlsys.orchestration.page.warming import warm
from mlsys.workspace import Workspace

DECISIONS = 30
ABOUT = (
    "# The Models page with many pipelines",
    "",
    f"Written by `make bench-page`: each pipeline has a champion and {DECISIONS} decisions. The api-server looks at",
    "all of them beside its start; then, from opening the workspace to the finished HTML: the first page that a reader",
    "asks for, and the median of those after it. The budget is a second for 200.",
)
OWN = {"pipeline", "seq", "at", "previous", "hash", "record"}  # columns that the chain fills in


def copied(value: Any, name: str, ids: set[str]) -> Any:
    """Return a record as it would be of the pipeline `name`: its own ids are of that pipeline."""
    if isinstance(value, dict):
        return {key: copied(each, name, ids) for key, each in value.items()}
    if isinstance(value, list):
        return [copied(each, name, ids) for each in value]
    if value == NAME:
        return name
    return hashlib.sha256(f"{name} {value}".encode()).hexdigest() if value in ids else value


def add_pipelines(work: Workspace, names: list[str]) -> None:
    """Give every pipeline the spec and all rows of the one that has run."""
    spec = work.settings.spec_path(NAME)
    with work.ledger.engine.connect() as connection:
        rows = [
            (table, dict(row))
            for table in tables.ALL
            for row in connection.execute(sa.select(table).where(table.c.pipeline == NAME)).mappings()
        ]
    rows.sort(key=lambda row: row[1]["seq"])
    ids = {row[key] for _, row in rows for key in ("run_id", "request_id", "decision_key") if row.get(key)}
    for name in names:
        spec.with_name(f"{name}.yaml").write_text(spec.read_text().replace(f"pipeline: {NAME}", f"pipeline: {name}"))
        with engine.writing(work.ledger.engine, name) as connection:
            link = chain.Link()
            for table, row in rows:
                named = {key: copied(value, name, ids) for key, value in row.items() if key not in OWN}
                made, link = chain.linked(link, table, name, named, copied(from_json(row["record"]), name, ids))
                connection.execute(table.insert(), made)


def as_the_server(home: Path, environ: dict[str, str], wanted: int, times: int) -> tuple[list[float], int]:
    """Return the seconds of warming and of each page after it, and the size of a page in bytes."""
    taken = []
    begun = time.perf_counter()
    os.environ.update(environ | {"MLSYS_HOME": str(home)})
    warm()
    taken.append(time.perf_counter() - begun)
    for _ in range(times + 1):
        begun = time.perf_counter()
        with at_home(home, environ) as work:
            found = glances(work, overview.pipelines(work))
            html = list_page(work, found, {one.pipeline: May() for one in found}, Places("", "/mlsys", ""))
        taken.append(time.perf_counter() - begun)
    assert html.count("<tbody") == wanted, html.count("<tbody")
    return taken, len(html)


def main() -> None:
    """Measure, print, and write bench/results-page.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--times", type=int, default=9, help="how often each page is made (default 9)")
    parser.add_argument("--pipelines", type=int, nargs="+", default=[33, 200], help="how many (default 33 200)")
    arguments = parser.parse_args()
    lines = [*heading(*ABOUT), "| pipelines | beside the start | first page | page | HTML |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory(prefix="mlsys-bench-") as folder:
        bench = Bench(Path(folder))
        environ = bench.environment(bench.home, bench.database("J0"))
        bench.checked_run(bench.home, bench.database("J0"))
        specs = Path(folder) / "pipelines"
        environ["MLSYS_PIPELINES"] = str(shutil.copytree(environ["MLSYS_PIPELINES"], specs))
        with at_home(bench.home, environ) as work:
            lengthen(work, DECISIONS)
        there = 1
        for wanted in sorted(arguments.pipelines):
            with at_home(bench.home, environ) as work:
                add_pipelines(work, [f"other_{number:04d}" for number in range(there, wanted)])
            there = wanted
            print(f"bench: {wanted} pipelines are there", file=sys.stderr)
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as server:
                (start, first, *later), size = server.submit(
                    as_the_server, bench.home, environ, wanted, arguments.times
                ).result()
            page = statistics.median(later)
            lines.append(f"| {wanted} | {start:.2f} s | {first:.2f} s | {page:.2f} s | {size / 1e3:.0f} kB |")
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "results-page.md").write_text(text)


if __name__ == "__main__":
    main()
