"""What an answer of the server costs, beside BentoML, MLflow's own server and LitServe with the same model.

    make bench-serve
    make bench-serve ARGS="--seconds 20 --swaps 1000 --peers"

One home with the sample `phishing` and an XGBoost champion. Every server is a process of its own with one worker, asked
by another process; a peer has an environment of its own, made with uv, with the versions that the champion's file
names. Rows are the champion's golden ones, one by one. Writes bench/results-serve.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from run import HERE, heading
from serve_servers import NAME, Server, at, cpu_of, memory, mlsys_server, peers, post, started

from mlsys.registries.files import GOLDEN, REQUIREMENTS
from mlsys.serving import champion_in
from mlsys.serving.fast import fast_path
from mlsys.serving.plain_path import plain_answers

STEADY, MOST_P99 = 200.0, 50.0
RATES = (25, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1000, 1200, 1500, 1800, 2200)
BATCH, BATCHES = 10_000, 5
_SWAPS = """
import gc, json, sys
from pathlib import Path
import psutil
from mlsys.serving import champion_in
from mlsys.serving.fast import fast_path
folder, n, rows = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.stdin.read())
found, process = [], psutil.Process()
for i in range(n + 1):
    champion = champion_in(folder, "phishing")
    path, _ = fast_path(champion)
    path.answers(rows)
    if i % max(n // 20, 1) == 0:
        found.append(process.memory_info().rss / 1e6)
print(json.dumps(found))
"""
ABOUT = (
    "# Serving",
    "",
    "Written by `make bench-serve`: the XGBoost champion of the sample `phishing` (16 numbers and categories, one of",
    "text), one worker, asked by another process on the same machine over connections that are kept. *Start*: from the",
    f"command to the first right answer. p50 and p99 at {STEADY:.0f} requests a second of one row, counted from when a",
    f"request was due. *Most*: requests a second, of those tried, before p99 passes {MOST_P99:.0f} ms. *Batch*: one",
    f"request of {BATCH:,} rows, median of {BATCHES}. *CPU*: of the server, with its children, up to the first answer,",
    "for a request of one row, and for a batch. *Memory* after all of this: resident, and of it the server's own (not",
    "files that processes share). Where others had the machine (a load above half of its cores at the start) what the",
    "clock says is left out; processor time grows then, too.",
)
HEAD = ("", "start", "p50", "p99", "most", "batch", "CPU: start", "a request", "a batch", "memory")


def loaded(server: Server, bodies: Path, rate: float, seconds: float) -> dict[str, Any]:
    """Return what requests took at a rate, sent by a process of its own."""
    command = [sys.executable, str(HERE / "serve_load.py"), "--url", server.url, "--body", str(bodies)]
    done = subprocess.run(
        [*command, "--rate", str(rate), "--seconds", str(seconds)], check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the golden rows as JSON has them."""
    kept = json.loads((folder / GOLDEN).read_bytes())
    kinds = {"boolean": bool, "integer": int}
    rows = [dict(zip(kept["rows"], values, strict=True)) for values in zip(*kept["rows"].values(), strict=True)]
    for row in rows:
        for name, kind in kept["columns"].items():
            if row[name] is not None and kind in kinds:
                row[name] = kinds[kind](row[name])
    return rows


def measured(server: Server, rows: list[dict[str, Any]], asked: argparse.Namespace, folder: Path) -> str:
    """Return one server's line of the table."""
    bodies = folder / f"{server.key}.jsonl"
    bodies.write_text("".join(json.dumps({server.key: [row]}) + "\n" for row in rows))
    first = bodies.read_bytes().splitlines()[0]
    starts = []
    for _ in range(asked.starts - 1):
        with started(server, first) as running:
            starts.append((running.seconds, running.cpu))
    with started(server, first) as running:
        starts.append((running.seconds, running.cpu))
        loaded(server, bodies, RATES[0], 2)  # warm
        before = cpu_of(running.process)
        steady = loaded(server, bodies, RATES[0] if asked.busy else STEADY, asked.seconds)
        each = 1000 * (cpu_of(running.process) - before) / max(steady["n"], 1)
        most = "" if asked.busy else _most(server, bodies)
        batch, batch_cpu = _batch(server, running.process, rows)
        resident, own = memory(running.process)
    clock, cpu = (statistics.median(each) for each in zip(*starts, strict=True))
    told = [f"{steady[key]:.1f} ms" if steady[key] is not None else "falls behind" for key in ("p50", "p99")]
    on_the_clock = [f"{clock:.1f} s", *told, most, f"{batch:.0f} ms"]
    cells = [f"{cpu:.1f} s", f"{each:.2f} ms", f"{batch_cpu:.0f} ms", f"{resident:.0f} MB ({own:.0f} own)"]
    return f"| {' | '.join([server.name, *(['-'] * 5 if asked.busy else on_the_clock), *cells])} |"


def _most(server: Server, bodies: Path) -> str:
    """Return the highest of the rates at which answers stay quick, in one of two tries: one pause is no limit."""
    most = f"fewer than {RATES[0]}"
    for rate in RATES:
        if not any(_quick(loaded(server, bodies, rate, 4)) for _ in range(2)):
            break
        most = f"{rate}"
    return most


def _quick(found: dict[str, Any]) -> bool:
    return not found["failed"] and found["p99"] is not None and found["p99"] <= MOST_P99


def _batch(server: Server, process: subprocess.Popen[bytes], rows: list[dict[str, Any]]) -> tuple[float, float]:
    """Return the median milliseconds of some requests of many rows, on the clock and of the server's processors."""
    many = json.dumps({server.key: [rows[i % len(rows)] for i in range(BATCH)]}).encode()
    taken = []
    for _ in range(BATCHES):
        begun, before = time.perf_counter(), cpu_of(process)
        post(server.url + server.batch_path, many)
        taken.append((time.perf_counter() - begun, cpu_of(process) - before))
    clock, cpu = (1000 * statistics.median(each) for each in zip(*taken, strict=True))
    return clock, cpu


def champion_folder(home: Path) -> Path:
    """Make the home with its sample and its champion, and return where that lies."""
    for command in (["samples", "make", NAME], ["run", NAME, "--candidate", "xgboost", "--set", "registries=[files]"]):
        mlsys = str(Path(sys.executable).with_name("mlsys"))
        subprocess.run([mlsys, *command], env={**os.environ, **at(home)}, check=True, stdout=subprocess.DEVNULL)
    return (home / "registry" / NAME / "best_model.joblib").resolve().parent


def single_lines(release: Path, rows: list[dict[str, Any]]) -> list[str]:
    """Return what answers cost in this process, by the fast way and by the plain one: processor time."""
    champion = champion_in(release, NAME)
    path, compared = fast_path(champion)
    if path is None:
        return ["", f"No fast way: {compared}."]
    many = [rows[i % len(rows)] for i in range(BATCH)]
    lines = [
        "",
        f"In process ({path.name}, {compared}), processor time, medians:",
        "",
        "| | fast | plain |",
        "|---|---|---|",
    ]
    for name, asked, times in (("one row", rows[:1], 300), (f"{BATCH:,} rows", many, 5)):
        fast = _median_ms(partial(path.answers, asked), times)
        plain = _median_ms(partial(plain_answers, champion, asked), min(times, 50))
        lines.append(f"| {name} | {fast:.3g} ms | {plain:.3g} ms |")
    return lines


def _median_ms(call: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.process_time()
        call()
        taken.append(1000 * (time.process_time() - begun))
    return statistics.median(taken)


def swap_lines(release: Path, rows: list[dict[str, Any]], n: int) -> list[str]:
    """Return how the memory of a process goes that loads, compares and asks one model after another."""
    if not n:
        return []
    command = [sys.executable, "-c", _SWAPS, str(release), str(n)]
    done = subprocess.run(command, input=json.dumps(rows), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    tenth = found[max(len(found) // 10, 1)]
    said = f"{n:,} models loaded one after another, each compared on its golden rows and on rows made of them"
    return ["", f"{said}: {tenth:.0f} MB resident after a tenth of them, {found[-1]:.0f} MB after the last."]


def main() -> None:
    """Measure, print, and write bench/results-serve.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of steady load (default 20)")
    parser.add_argument("--starts", type=int, default=3, help="of each server; the median is told (default 3)")
    parser.add_argument("--swaps", type=int, default=1000, help="models loaded one after another (default 1000)")
    parser.add_argument("--peers", action="store_true", help="beside them, in environments of their own")
    parser.add_argument("--port", type=int, default=8790)
    asked = parser.parse_args()
    asked.busy = os.getloadavg()[0] > (os.cpu_count() or 1) / 2
    lines = [*heading(*ABOUT), f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    with tempfile.TemporaryDirectory(prefix="mlsys-bench-") as name:
        folder = Path(name)
        release = champion_folder(folder / "home")
        rows = rows_of(release)
        lines.append(measured(mlsys_server(folder / "home", asked.port), rows, asked, folder))
        if asked.peers:
            needed = [line for line in (release / REQUIREMENTS).read_text().split() if not line.startswith("mlsys")]
            for server, trouble in peers(folder, release, needed, asked.port):
                try:
                    line = measured(server, rows, asked, folder) if server else trouble
                except (RuntimeError, OSError) as error:
                    line = f"| {server.name if server else ''}: {error} |" + " |" * (len(HEAD) - 1)
                lines.append(line)
                print(line, file=sys.stderr)
        lines += single_lines(release, rows)
        lines += swap_lines(release, rows, asked.swaps)
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "results-serve.md").write_text(text)


if __name__ == "__main__":
    main()
