"""Compare the reference job as a plain script with the DAG on a warm embedded Airflow; and weigh the idle stack.

    make bench-dag                          J0 and J, 3 pairs each
    make bench-dag ARGS="--sizes J0 -n 5"
    make bench-dag ARGS=--executors         `retrain_phishing` under Airflow's LocalExecutor and under ours

Every run of the DAG is of a pipeline of its own on the same data, so that none finds anything to adopt; the first is
not counted. Its time is the run's own, from its start to the end of its last task. What a promotion starts, such as
scoring with the new champion, is waited for before the clock runs again. Writes bench/results-dag.md, or
with `--executors` that section of it alone.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

import psutil
from run import HERE, ROOT, SIZES, Bench, heading, machine

from mlsys.cli.sample_makers import make_sample
from mlsys.orchestration.api.client import AirflowApi
from mlsys.orchestration.stack import stack
from mlsys.orchestration.stack.environment import environment
from mlsys.settings import Settings, load_settings

IDLE_SECONDS = 60.0
DAY = "2025-12-31"
RESULTS = HERE / "results-dag.md"
ABOUT = (
    "# The reference job: a plain script and a DAG run",
    "",
    "Written by `make bench-dag`. The script is a whole process on prepared SQLite databases; the DAG runs on a warm",
    "embedded Airflow with its own Postgres, timed from the start of the run to the end of its last task. Compare",
    "ratios, not seconds.",
)
EXECUTORS = {
    "LocalExecutor": "LocalExecutor",
    "PreloadingLocalExecutor": "mlsys.orchestration.executor.local.PreloadingLocalExecutor",
}
SECTION = "## Executors: `retrain_phishing`"
SAMPLE_DAYS, SAMPLE_DAY = 60, "2026-04-29"


def pipelines(folder: Path, spec: str, names: Iterable[str]) -> None:
    """Write one copy of a spec for each name."""
    folder.mkdir(exist_ok=True)
    for name in names:
        text = re.sub(r"(?m)^pipeline: \w+", f"pipeline: {name}", spec, count=1)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


@contextmanager
def airflow(home: Path, *, checkout: Path = ROOT) -> Iterator[tuple[Settings, AirflowApi]]:
    """Give a warm Airflow on ports of its own."""
    os.environ |= {
        "MLSYS_HOME": str(home),
        "MLSYS_PIPELINES": str(home.parent / "pipelines"),
        "MLSYS_DAGS": str(checkout / "dags"),
        "MLSYS_AIRFLOW_PORT": "18180",
        "MLSYS_MLFLOW_PORT": "15100",
    }
    settings = load_settings()
    stack.up(settings, progress=lambda line: print(line, file=sys.stderr))
    try:
        with stack.connect(settings) as api:
            yield settings, api
    finally:
        stack.down(settings, progress=lambda _: None)


def seconds_of(api: AirflowApi, name: str, day: str) -> tuple[float, dict[str, float]]:
    """Run a pipeline's DAG once; return the seconds of the run and of each task (mapped ones added up)."""
    dag_id = f"retrain_{name}"
    api.wait_for_dag(dag_id, seconds=180)
    run = api.wait_for_run(dag_id, api.trigger(dag_id, partition_key=day), seconds=600)
    if run["state"] != "success":
        raise SystemExit(f"bench: {dag_id} ended as {run['state']}")
    tasks: dict[str, float] = {}
    for task in api.task_instances(dag_id, run["dag_run_id"]):
        tasks[task["task_id"]] = tasks.get(task["task_id"], 0.0) + (task["duration"] or 0.0)
    while api.runs("~", states=("queued", "running")):
        time.sleep(0.5)
    return (_instant(run["end_date"]) - _instant(run["start_date"])).total_seconds(), tasks


def idle(settings: Settings) -> str:
    """Return what the stack takes when nothing runs: memory (PSS) and processor time over a minute."""
    parts = {c.name: c for c in stack.status(settings) if c.pid}
    memory = sum(c.memory_bytes for c in parts.values())
    members = [p for c in parts.values() for p in family(c.pid or 0)]
    before = {p.pid: sum(p.cpu_times()[:2]) for p in members}
    time.sleep(IDLE_SECONDS)
    spent = sum(sum(p.cpu_times()[:2]) - before[p.pid] for p in members if p.is_running())
    return f"Idle: {memory / 1e6:,.0f} MB (PSS), {spent / IDLE_SECONDS:.1%} of one core over {IDLE_SECONDS:.0f} s."


def main() -> None:
    """Run the comparison, print it, and write bench/results-dag.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--pairs", type=int, default=3, help="pairs of runs per size (default 3)")
    parser.add_argument("--sizes", nargs="+", choices=sorted(SIZES), default=["J0", "J"])
    parser.add_argument("--executors", action="store_true", help="compare executors instead, on `retrain_phishing`")
    arguments = parser.parse_args()
    before, _, section = RESULTS.read_text(encoding="utf-8").partition(SECTION)
    if arguments.executors:
        section = "\n".join(compare_executors(arguments.pairs))
    else:
        before, section = (
            "\n".join(compare_with_script(arguments.sizes, arguments.pairs)),
            SECTION * bool(section) + section,
        )
    text = f"{before.rstrip()}\n\n{section}".rstrip() + "\n"
    print(text)
    RESULTS.write_text(text, encoding="utf-8")


def compare_with_script(sizes: list[str], pairs: int) -> list[str]:
    """Return the heading, the comparison of each size, and the idle stack, as Markdown."""
    lines = heading(*ABOUT)
    with tempfile.TemporaryDirectory(prefix="mlsys-bench-") as place:
        bench = Bench(Path(place))
        spec = (HERE / "pipelines" / "reference.yaml").read_text(encoding="utf-8")
        for size in sizes:
            names = (f"reference_{size.lower()}_{number}" for number in range(pairs + 1))
            text = spec.replace("${BENCH_DATABASE}", str(bench.database(size)))
            pipelines(Path(place) / "pipelines", text, names)
        with airflow(Path(place) / "home") as (settings, api):
            for size in sizes:
                lines += compare(bench, api, size, pairs)
            lines += [idle(settings), ""]
    return lines


def compare_executors(runs: int) -> list[str]:
    """Return the section on executors: the sample pipeline's runs under each, one stack after the other."""
    lines = [SECTION, "", f"{machine()}. {runs} runs each on the sample data, after one that does not count.", ""]
    medians = []
    for name, path in EXECUTORS.items():
        load = os.getloadavg()[0]
        seconds, tasks, memory = run_sample(path, runs)
        medians.append(statistics.median(seconds))
        each = ", ".join(f"{taken:.1f}" for taken in seconds)
        steps = ", ".join(f"{step} {statistics.median(t[step] for t in tasks):.2f}" for step in tasks[0])
        lines += [
            f"- {name}: **{medians[-1]:.1f} s** ({each}), load {load:.1f} before; scheduler and workers "
            f"{memory / 1e6:,.0f} MB (PSS). Tasks, s: {steps}."
        ]
        print(lines[-1], file=sys.stderr)
    return [*lines, "", f"Ratio {medians[1] / medians[0]:.2f}."]


def run_sample(executor: str, runs: int) -> tuple[list[float], list[dict[str, float]], int]:
    """Return the seconds of each run of `retrain_phishing`, and of its tasks, and the scheduler's memory in bytes."""
    with tempfile.TemporaryDirectory(prefix="mlsys-bench-") as place:
        spec = (ROOT / "include" / "pipelines" / "phishing.yaml").read_text(encoding="utf-8")
        names = [f"phishing_{number}" for number in range(runs + 1)]
        pipelines(Path(place) / "pipelines", spec, names)
        with (
            patch.object(stack, "environment", lambda *a: environment(*a) | {"AIRFLOW__CORE__EXECUTOR": executor}),
            airflow(Path(place) / "home") as (settings, api),
        ):
            make_sample(settings, "phishing", days=SAMPLE_DAYS, target=settings.root / "samples")
            done = [seconds_of(api, name, SAMPLE_DAY) for name in names][1:]
            memory = next(part.memory_bytes for part in stack.status(settings) if part.name == "scheduler")
    return [seconds for seconds, _ in done], [tasks for _, tasks in done], memory


def compare(bench: Bench, api: AirflowApi, size: str, pairs: int) -> list[str]:
    """Return the comparison of one size as Markdown."""
    seconds_of(api, f"reference_{size.lower()}_{pairs}", DAY)  # a worker's first task is no measure
    plain, ours, tasks = [], [], []
    for number in range(pairs):
        plain.append(bench.run_plain(size).wall)
        seconds, parts = seconds_of(api, f"reference_{size.lower()}_{number}", DAY)
        ours.append(seconds)
        tasks.append(parts)
        print(f"bench: {size}, pair {number + 1} of {pairs}", file=sys.stderr)
    ratios = [b / a for a, b in zip(plain, ours, strict=True)]
    steps = ", ".join(f"{name} {statistics.median(t[name] for t in tasks):.2f}" for name in tasks[0])
    return [
        f"## {size}: {SIZES[size]:,} rows, {pairs} pairs",
        "",
        f"Plain script {statistics.median(plain):.1f} s, DAG {statistics.median(ours):.1f} s, "
        f"ratio **{statistics.median(ratios):.2f}** (pairs: {', '.join(f'{ratio:.2f}' for ratio in ratios)}).",
        f"Tasks, s: {steps}.",
        "",
    ]


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all below it."""
    leader = psutil.Process(pid)
    return [leader, *leader.children(recursive=True)]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


if __name__ == "__main__":
    main()
