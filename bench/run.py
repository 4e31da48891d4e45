"""Compare the reference job as a plain script with `mlsys run`: whole processes, in turn, each on fresh homes.

    make bench                          J0 and J, 3 pairs each
    make bench ARGS="--sizes J0 -n 5"

Ratios within a pair are what to read: both sides of a pair meet the same machine. Writes bench/results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import data
from measure import Measured, measure

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MLSYS = Path(sys.executable).parent / "mlsys"
SIZES = {"J0": 10_000, "J": 100_000}
ABOUT = (
    "# The reference job: a plain script and `mlsys run`",
    "",
    "Written by `make bench`. Both sides are whole processes, run in turn on fresh homes with prepared SQLite",
    "databases. Compare ratios, not seconds; intervals, fingerprints and the report count as mlsys's cost.",
)
ENVIRONMENT = {
    "GIT_PYTHON_REFRESH": "quiet",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OMP_NUM_THREADS": "1",
}
FIGURES: tuple[tuple[str, str, Callable[[Measured], float]], ...] = (
    ("wall", "s", lambda run: run.wall),
    ("CPU", "s", lambda run: run.cpu),
    ("peak memory (PSS, all processes)", "MB", lambda run: run.peak_bytes / 1e6),
)
_PREPARE_PLAIN = "import sys, mlflow; mlflow.MlflowClient(sys.argv[1]).search_experiments()"
_PREPARE_MLSYS = """
import mlflow
from mlsys.workspace import open_workspace
with open_workspace() as work:
    mlflow.MlflowClient(work.place.tracking_uri).search_experiments()
"""


class Bench:
    """Databases and empty homes, made once and copied for each run, so that no run finds anything to reuse."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plain, self.home = folder / "plain-0", folder / "home-0"
        self.plain.mkdir()
        self._checked([sys.executable, "-c", _PREPARE_PLAIN, f"sqlite:///{self.plain}/mlflow.db"], {})
        self._checked([sys.executable, "-c", _PREPARE_MLSYS], self.environment(self.home, folder / "none"))

    def database(self, size: str) -> Path:
        """Return the path of the table with this many rows, made at the first call."""
        path = self.folder / f"{size}.db"
        if not path.exists():
            data.write(path, SIZES[size])
        return path

    def run_plain(self, size: str) -> Measured:
        """Run bench/reference.py once."""
        place = self._copy(self.plain)
        command = [sys.executable, str(HERE / "reference.py"), str(self.database(size))]
        return self._checked([*command, f"sqlite:///{place}/mlflow.db", str(place / "artifacts")], {})

    def run_mlsys(self, size: str, *, explained: bool = False) -> Measured:
        """Run `mlsys run reference --json` once; the plain script explains nothing, so neither does it by itself."""
        more = ["--set", "explanations.enabled=true"] if explained else []
        return self.checked_run(self._copy(self.home), self.database(size), *more)

    def checked_run(self, home: Path, database: Path, *more: str) -> Measured:
        """Run `mlsys run reference --json` once in a home."""
        return self._checked([str(MLSYS), "run", "reference", "--json", *more], self.environment(home, database))

    def run_help(self) -> Measured:
        """Run `mlsys --help` once."""
        return self._checked([str(MLSYS), "--help"], {})

    def environment(self, home: Path, database: Path) -> dict[str, str]:
        """Return the settings of a home that is measured."""
        return {
            "MLSYS_HOME": str(home),
            "MLSYS_DATABASE": "sqlite",
            "MLSYS_PIPELINES": str(HERE / "pipelines"),
            "MLSYS_LOG_LEVEL": "WARNING",
            "BENCH_DATABASE": str(database),
        }

    def _copy(self, template: Path) -> Path:
        place = Path(tempfile.mkdtemp(dir=self.folder, prefix="run-")) / "home"
        shutil.copytree(template, place)
        return place

    def _checked(self, command: list[str], environ: dict[str, str]) -> Measured:
        ours = ("MLSYS_", "MLFLOW_", "AIRFLOW", "PYTHONDONTWRITEBYTECODE")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        done = measure(command, {**clean, **ENVIRONMENT, **environ}, cwd=ROOT)
        if done.code:
            raise SystemExit(f"bench: {' '.join(command[:3])} ended with {done.code}:\n{done.errors[-3000:]}")
        return done


def main() -> None:
    """Run the comparison, print it, and write bench/results.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--pairs", type=int, default=3, help="pairs of runs per size (default 3)")
    parser.add_argument("--sizes", nargs="+", choices=sorted(SIZES), default=["J0", "J"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlsys-bench-") as folder:
        bench = Bench(Path(folder))
        lines = heading(*ABOUT) + help_lines([bench.run_help() for _ in range(5)])
        for size in arguments.sizes:
            pairs = []
            for number in range(arguments.pairs):
                pairs.append((bench.run_plain(size), bench.run_mlsys(size)))
                print(f"bench: {size}, pair {number + 1} of {arguments.pairs}", file=sys.stderr)
            lines += [*table(size, pairs), explained(bench.run_mlsys(size, explained=True)), ""]
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "results.md").write_text(text)


def heading(*about: str) -> list[str]:
    """Return a title and what is to be known, then what the figures depend on: machine, load, versions."""
    return [*about, "", machine(), ""]


def machine() -> str:
    """Return one line about the machine, its load and the versions."""
    packages = ("mlsys", "great-expectations", "mlflow", "pandas", "scikit-learn", "xgboost")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), load {os.getloadavg()[0]:.1f} at the start, "
        f"Python {platform.python_version()}, {versions}"
    )


def help_lines(runs: list[Measured]) -> list[str]:
    """Return the cost of `mlsys --help`."""
    wall, cpu = _median([run.wall for run in runs]), _median([run.cpu for run in runs])
    return [f"`mlsys --help`: {wall:.2f} s wall, {cpu:.2f} s CPU (median of {len(runs)}).", ""]


def table(size: str, pairs: list[tuple[Measured, Measured]]) -> list[str]:
    """Return the comparison of one size as Markdown: totals first, then the steps of both."""
    lines = [f"## {size}: {SIZES[size]:,} rows, {len(pairs)} pairs (medians)", "", "| | plain | mlsys run | ratio |"]
    lines.append("|---|---|---|---|")
    for name, unit, value in FIGURES:
        plain, ours = (_median([value(pair[side]) for pair in pairs]) for side in (0, 1))
        ratio = _median([value(b) / value(a) for a, b in pairs])
        lines.append(f"| {name} | {plain:.1f} {unit} | {ours:.1f} {unit} | {ratio:.2f} |")
    ratios = ", ".join(f"{b.wall / a.wall:.2f}" for a, b in pairs)
    lines += ["", f"Wall ratios of the pairs: {ratios}.", ""]
    for side, name in ((0, "plain"), (1, "mlsys")):
        steps = [json.loads(pair[side].output.splitlines()[-1])["steps"] for pair in pairs]
        parts = [f"{step} {_median([run[step] for run in steps]):.2f}" for step in steps[0]]
        rest = _median([pair[side].wall - sum(run.values()) for pair, run in zip(pairs, steps, strict=True)])
        lines.append(f"- {name}, s: {', '.join(parts)}, outside the steps {rest:.2f}")
    return [*lines, ""]


def explained(run: Measured) -> str:
    """Return what explaining the challenger costs on top."""
    seconds = json.loads(run.output.splitlines()[-1])["steps"]["report"]
    return (
        f"With `explanations`, which the plain script has none of: {run.wall:.1f} s, {seconds:.2f} s of it in `report`."
    )


def _median(values: list[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    main()
