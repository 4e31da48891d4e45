"""What a long past costs: the start of a run, the Models page and `mlsys champion` after 10 and after 10,000 decisions.

    make bench-past
    make bench-past ARGS="-n 50 --decisions 1000"

One home with one real run is copied; the copies get a past of copies of that run's rows. Both are asked in turn, in one
process, so that ratios within a pair are what to read; they should stay under 1.2. Writes bench/results-past.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from run import HERE, Bench, heading

from mlsys import pipeline
from mlsys.cli.champions import champion
from mlsys.ledger import ChampionChange, RequestRow, RunRow, chain, engine, tables
from mlsys.orchestration.page import overview
from mlsys.orchestration.page.addresses import Places
from mlsys.orchestration.page.rendering import May, list_page
from mlsys.planning.plan import RunRequest
from mlsys.promotion.projection import project
from mlsys.records import Record
from mlsys.workspace import Workspace, open_workspace

NAME = "reference"
SHORT, LONG = 10, 10_000
PROMOTED = 10  # one decision of so many has made a champion
BUDGET = 1.2
ABOUT = (
    "# A long past",
    "",
    "Written by `make bench-past`: the same home after few and after many decisions, asked in turn in one process.",
    f"Medians; the ratio of a pair should stay under {BUDGET}.",
)


def models_page(work: Workspace) -> str:
    """Return the page of all pipelines, as Airflow's api-server makes it."""
    found = [overview.glance(work, name) for name in overview.pipelines(work)]
    return list_page(work, found, {glance.pipeline: May() for glance in found}, Places("", "/mlsys", ""))


USES: dict[str, Callable[[Workspace], object]] = {
    "start of a run": lambda work: pipeline.take_snapshot(work, RunRequest(NAME)),
    "Models page": models_page,
    "`mlsys champion`": lambda _: CliRunner().invoke(champion, [NAME], catch_exceptions=False),
}


def lengthen(work: Workspace, n_decisions: int) -> None:
    """Add decisions with their requests, runs and champions; the champion of today serves on."""
    serving = work.ledger.champion(NAME)
    assert serving is not None
    found = work.ledger.decision(str(serving.decision_key))
    assert found is not None
    evaluations, decision = found
    request = work.ledger.requests(NAME, last=1)[0]
    begun = next(row for row in work.ledger.run(decision.run_id) if row.plan is not None)
    generation = serving.generation
    with engine.writing(work.ledger.engine, NAME) as connection:
        link, rows = chain.newest(connection, NAME), defaultdict[str, list[dict[str, Any]]](list)

        def add(name: str, named: dict[str, object], record: Record) -> None:
            nonlocal link
            row, link = chain.linked(link, tables.metadata.tables[name], NAME, named, record.dump())
            rows[name].append(row)

        for number in range(n_decisions):
            key, run_id = f"{number:064d}", f"{NAME}-{number:012d}"
            asked = RequestRow.load(request.dump() | {"request_id": key, "run_id": run_id})
            add("requests", {"request_id": key, "run_id": run_id, "status": asked.status, "reason": None}, asked)
            for status in ("started", "done"):
                named_so = {"run_id": run_id, "training_key": key, "status": status}
                row = RunRow.load((begun.dump() if status == "started" else {}) | named_so)
                add("runs", {"run_id": run_id, "training_key": key, "status": status}, row)
            named: dict[str, object] = {"decision_key": key, "run_id": run_id}
            made = decision.model_copy(update={"decision_key": key, "run_id": run_id, "challenger": None})
            add("evaluations", named, evaluations)
            add("decisions", {**named, "outcome": "reject"}, made.model_copy(update={"outcome": "reject"}))
            if number % PROMOTED == 0:
                for candidate in (f"{key[-12:]}-logistic", serving.candidate_id):
                    generation += 1
                    more = {"generation": generation, "candidate_id": candidate, "kind": "manual"}
                    change = ChampionChange.load(serving.dump() | more)
                    add("champion_changes", {**more, "version": change.version}, change)
        for name, made_rows in rows.items():
            connection.execute(tables.metadata.tables[name].insert(), made_rows)
    project(work, NAME)


@contextmanager
def at_home(home: Path, environ: dict[str, str]) -> Iterator[Workspace]:
    """Open a home in this process."""
    os.environ.update(environ | {"MLSYS_HOME": str(home)})
    with open_workspace() as work:
        yield work


def seconds(use: Callable[[Workspace], object], home: Path, environ: dict[str, str]) -> float:
    """Return what one use takes, the opening of the home not counted."""
    with at_home(home, environ) as work:
        begun = time.perf_counter()
        use(work)
        return time.perf_counter() - begun


def main() -> None:
    """Measure, print, and write bench/results-past.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--pairs", type=int, default=30, help="pairs of each use (default 30)")
    parser.add_argument("--decisions", type=int, default=LONG, help=f"how many are many (default {LONG})")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlsys-bench-") as folder:
        bench = Bench(Path(folder))
        environ = bench.environment(bench.home, bench.database("J0"))
        bench.checked_run(bench.home, bench.database("J0"))
        homes = []
        for n_decisions in (SHORT, arguments.decisions):
            homes.append(Path(folder) / f"past-{n_decisions}")
            shutil.copytree(bench.home, homes[-1], symlinks=True)
            with at_home(homes[-1], environ) as work:
                lengthen(work, n_decisions)
            print(f"bench: a past of {n_decisions:,} decisions is made", file=sys.stderr)
        lines = [*heading(*ABOUT), f"| | {SHORT} decisions | {arguments.decisions:,} decisions | ratio |"]
        lines.append("|---|---|---|---|")
        for name, use in USES.items():
            for home in homes:
                seconds(use, home, environ)  # imports, and what is made at the first look
            pairs = [tuple(seconds(use, home, environ) for home in homes) for _ in range(arguments.pairs)]
            short, long = (statistics.median(pair[side] for pair in pairs) * 1e3 for side in (0, 1))
            ratio = statistics.median(b / a for a, b in pairs)
            lines.append(f"| {name} | {short:.1f} ms | {long:.1f} ms | {ratio:.2f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "results-past.md").write_text(text)


if __name__ == "__main__":
    main()
