"""A server for a long while, under every kind of request: does it answer as it should, and does it stay as large?

    make bench-soak                          an hour
    make bench-soak ARGS="--minutes 5 --every 10"

A process serves the sample `phishing`. Clients of another process ask it for rows and batches, and send what is wrong:
bodies that are no JSON, too large, of another kind, cut off; keys that are none; addresses that are none; heads that
never end. For ten seconds of each minute the ledger is locked, and the file registry's folder is away. Every status
that is not the one expected counts. Writes bench/results-soak.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
from run import HERE, MLSYS, ROOT, heading

from mlsys.polling import ask_until

ABOUT = (
    "# A server for a long while",
    "",
    "Written by `make bench-soak`: rows, batches and every kind of wrong request from two clients. For ten seconds of",
    "each minute the ledger is locked and the registry's folder is away. Memory is the resident size of the server;",
    "its slope is the median of those between all pairs of lines after warm-up (Theil and Sen), with the interval of",
    "95 % that it has where lines don't depend on each other.",
    "Seconds are the clients', and tell of the machine's other work, too.",
)
Ask = Callable[[httpx.Client], int]
FAULT_SECONDS = 10
WARM_SHARE = 1 / 6  # of the time: caches and pools fill; memory is compared from here on
EVERY_SECONDS = 60.0  # between two lines
ALSO = {"wrong key": 429}  # a status that is as good as the expected one: too many from one address
CLIENTS = 2
BODY_BYTES = 1_000_000


@dataclass
class Asked:
    """What was asked for and answered: `found` counts (kind, status); `seconds` are of single rows, newest interval."""

    found: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


def kinds(address: str, key: str, row: dict[str, object]) -> dict[str, tuple[int, int, Ask]]:
    """Return the kinds of requests: weight, status expected, and how to ask."""
    own, pipeline = {"X-API-Key": key}, f"{address}/pipelines/phishing"
    whole = json.dumps(row).encode()

    def sent(body: bytes, kind: str = "application/json", headers: dict[str, str] = own) -> Ask:
        said = {**headers, "Content-Type": kind}
        return lambda client: client.post(f"{pipeline}/predict", content=body, headers=said).status_code

    def asked(change: Callable[[], dict[str, object]], at: str = "predict") -> Ask:
        return lambda client: client.post(f"{pipeline}/{at}", json=row | change(), headers=own).status_code

    def got(at: Callable[[], str]) -> Ask:
        return lambda client: client.get(f"{address}/{at()}", headers=own).status_code

    wrong_key = {"X-API-Key": f"mlsys_{os.urandom(4).hex()}_{'A' * 43}"}
    return {
        "row": (60, 200, asked(lambda: {"url_length": random.randrange(10_000)})),
        "row of new values": (5, 200, asked(lambda: {"tld": os.urandom(8).hex()})),
        "batch of 100": (4, 200, asked(lambda: {"rows": [row] * 100}, "predict/batch")),
        "explain": (1, 200, asked(dict, "explain")),
        "no JSON": (3, 422, sent(whole[:-1])),
        "NaN": (3, 422, sent(whole.replace(b"true", b"NaN").replace(b"false", b"NaN"))),
        "deep": (1, 422, sent(b"[" * 50_000)),
        "too large": (1, 413, sent(b" " * (BODY_BYTES + 1))),
        "other kind": (3, 415, sent(whole, "text/plain")),
        "no key": (3, 401, sent(whole, headers={})),
        "wrong key": (3, 401, sent(whole, headers=wrong_key)),
        "no such pipeline": (3, 404, got(lambda: f"pipelines/{os.urandom(6).hex()}/model/info")),
        "no such address": (3, 404, got(lambda: os.urandom(6).hex())),
        "health": (2, 200, got(lambda: "health")),
        "metrics": (1, 200, lambda client: client.get(f"{address}/metrics").status_code),
        "cut off": (2, 0, lambda _: cut_off(address, whole)),
        "half a head": (1, 0, lambda _: cut_off(address, b"")),
    }


def cut_off(address: str, body: bytes) -> int:
    """Begin a request and go away within its body, or within its head."""
    host, port = address.removeprefix("http://").split(":")
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n".encode()
    with socket.create_connection((host, int(port)), timeout=20) as going:
        going.sendall(head + (b"\r\n" + body[:-5] if body else b""))
    return 0


def ask(address: str, key: str, row: dict[str, object], asked: Asked, ended: threading.Event) -> None:
    """Ask until the end, and count."""
    choices = kinds(address, key, row)
    names, weights = list(choices), [weight for weight, _, _ in choices.values()]
    with httpx.Client(timeout=60) as client:
        while not ended.is_set():
            name = random.choices(names, weights)[0]
            begun = time.perf_counter()
            try:
                status = choices[name][2](client)
            except httpx.TransportError:
                status = -1
            if name == "row":
                asked.seconds.append(time.perf_counter() - begun)
            asked.found[name, status] += 1
            if status not in (choices[name][1], ALSO.get(name)):
                asked.wrong[name, status] += 1


@contextmanager
def served(environ: dict[str, str], port: int, log: Path) -> Iterator[psutil.Process]:
    """Run the server."""
    command = [str(MLSYS), "serve", "--port", str(port)]
    with log.open("w") as lines, subprocess.Popen(command, env=environ, stderr=lines, stdout=lines) as process:
        try:
            assert ask_until(bool, lambda: ready(port), seconds=120, pause=0.2), log.read_text()
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
    except httpx.TransportError:
        return False


def harm(home: Path, ended: threading.Event) -> None:
    """Lock the ledger and hide the registry's folder for a part of each minute."""
    registry = home / "registry"
    while not ended.wait(60 - FAULT_SECONDS):
        with sqlite3.connect(home / "mlsys.db", timeout=30) as locking:
            locking.execute("BEGIN EXCLUSIVE")
            registry.rename(home / "registry-away")
            ended.wait(FAULT_SECONDS)
            (home / "registry-away").rename(registry)
            locking.rollback()


def row_of(port: int, key: str) -> dict[str, object]:
    """Return an example out of the server's own description."""
    found = httpx.get(f"http://127.0.0.1:{port}/openapi.json", headers={"X-API-Key": key}).json()
    content = found["paths"]["/pipelines/phishing/predict"]["post"]["requestBody"]["content"]["application/json"]
    example: dict[str, object] = next(iter(content["examples"].values()))["value"]
    return example


def soak(home: Path, environ: dict[str, str], minutes: float, every: float) -> list[str]:
    """Return the results as lines of Markdown."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {**environ, "MLSYS_SERVER_BODY_BYTES": str(BODY_BYTES), "MLSYS_SERVER_HEADER_SECONDS": "5"}
    made = subprocess.run([MLSYS, "keys", "add", "soak"], env=environ, capture_output=True, text=True, check=True)
    key, asked, ended = made.stdout.strip(), Asked(), threading.Event()
    lines = ["| minutes | requests | p50 | p99 | memory | open files | threads |", "|---|---|---|---|---|---|---|"]
    sizes: list[tuple[float, float]] = []
    with served(environ, port, home / "soak.log") as server:
        row = row_of(port, key)
        told = (f"http://127.0.0.1:{port}", key, row, asked, ended)
        threads = [threading.Thread(target=ask, args=told) for _ in range(CLIENTS)]
        threads.append(threading.Thread(target=harm, args=(home, ended)))
        for thread in threads:
            thread.start()
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < minutes * 60:
            time.sleep(min(every, minutes * 60 - passed))
            took, asked.seconds = sorted(asked.seconds), []
            size, passed = server.memory_info().rss / 1e6, time.monotonic() - begun
            sizes.append((passed, size))
            p50, p99 = (1000 * took[int(len(took) * share)] if took else float("nan") for share in (0.5, 0.99))
            lines.append(
                f"| {passed / 60:.1f} | {asked.found.total():,} | {p50:.1f} ms | {p99:.1f} ms | {size:.1f} MB "
                f"| {server.num_fds()} | {server.num_threads()} |"
            )
            sys.stdout.write(lines[-1] + "\n")
        ended.set()
        for thread in threads:
            thread.join()
    warm = [(passed, size) for passed, size in sizes if passed >= minutes * 60 * WARM_SHARE]
    return [*lines, "", *verdict(asked, warm, (home / "soak.log").read_text())]


def slope(sizes: list[tuple[float, float]]) -> str:
    """Return in words how memory grows, of seconds and megabytes after warm-up."""
    from scipy.stats import theilslopes

    if len(sizes) < 5:
        return "too short to say"
    found = theilslopes([size for _, size in sizes], [passed / 3600 for passed, _ in sizes], 0.95)
    flat = "flat" if found.low_slope <= 0 <= found.high_slope else "growing" if found.slope > 0 else "shrinking"
    between = f"{found.low_slope:+.2f} to {found.high_slope:+.2f}"
    spread = f"{min(size for _, size in sizes):.1f} to {max(size for _, size in sizes):.1f} MB"
    return f"{flat}, {found.slope:+.2f} MB an hour ({between}) after warm-up, {spread} in {len(sizes)} lines"


def verdict(asked: Asked, warm: list[tuple[float, float]], log: str) -> list[str]:
    """Return what came of it."""
    statuses = ", ".join(f"{name} {status or 'gone'}: {n:,}" for (name, status), n in sorted(asked.found.items()))
    wrong = ", ".join(f"{name} {status}: {n}" for (name, status), n in asked.wrong.items()) or "none"
    return [
        f"Memory: {slope(warm)}. Statuses that were not the expected ones: {wrong}. Tracebacks in the log: "
        f"{log.count('Traceback')}.",
        "",
        f"Answers: {statuses}.",
    ]


def main() -> None:
    """Soak, print, and write bench/results-soak.md."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--minutes", type=float, default=60)
    reading.add_argument("--every", type=float, default=EVERY_SECONDS, help="seconds between two lines; default: 60")
    options = reading.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "var"
        environ = {
            **os.environ,
            "MLSYS_HOME": str(home),
            "MLSYS_DATABASE": "sqlite",
            "MLSYS_PIPELINES": str(ROOT / "include" / "pipelines"),
            "MLSYS_SAMPLES": str(ROOT / "include" / "samples"),
        }
        quick = ["--set", "metrics.replicates=100", "--set", "explanations.enabled=false"]
        for command in (["samples", "make", "phishing"], ["run", "phishing", *quick]):
            subprocess.run([MLSYS, *command], env=environ, cwd=folder, check=True, capture_output=True)
        top = heading(*ABOUT)
        lines = soak(home, environ, options.minutes, options.every)
    (HERE / "results-soak.md").write_text("\n".join([*top, *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
