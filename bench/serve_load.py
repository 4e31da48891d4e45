"""Requests at a fixed rate from a process of its own, by connections that are kept; what each one took.

    python bench/serve_load.py --url http://127.0.0.1:8000/... --body body.json --rate 200 --seconds 20

Requests have a time to go off, whatever became of those before: what is late counts as late, and a server that stalls
is not spared what would have come meanwhile. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

CONNECTIONS = 32
_LONGEST = 5.0  # seconds behind its time, then the rest is given up


class Sender(asyncio.Protocol):
    """One connection: a request at a time, and how long after its time to go off each answer was whole."""

    def __init__(self, idle: deque[Sender], took: list[float], failed: list[str]) -> None:
        self.idle, self.took, self.failed = idle, took, failed
        self.transport: asyncio.Transport | None = None
        self.due, self.received, self.whole = 0.0, b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.idle.append(self)

    def send(self, request: bytes, due: float) -> None:
        """Send one request."""
        assert self.transport is not None
        self.due, self.received, self.whole = due, b"", 0
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.whole:
            head, found, _ = self.received.partition(b"\r\n\r\n")
            if not found:
                return
            lower = head.lower()
            at = lower.find(b"content-length:")
            self.whole = len(head) + 4 + int(lower[at + 15 :].split(b"\r\n")[0])
        if len(self.received) >= self.whole:
            self.took.append(time.perf_counter() - self.due)
            if not self.received.startswith(b"HTTP/1.1 200"):
                self.failed.append(self.received[:200].decode("utf-8", "replace"))
            self.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None and self not in self.idle:
            self.failed.append(f"connection lost: {error}")


def request_of(url: str, body: bytes) -> bytes:
    """Return the bytes of a POST."""
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


async def load(url: str, bodies: list[bytes], *, rate: float, seconds: float) -> dict[str, object]:
    """Send requests at a rate, and return what they took in milliseconds and how many failed."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    idle: deque[Sender] = deque()
    took: list[float] = []
    failed: list[str] = []
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Sender(idle, took, failed), host, port)
    requests = [request_of(url, body) for body in bodies]
    n_wanted, begun = int(rate * seconds), time.perf_counter() + 0.05
    n_sent, given_up = 0, False
    while n_sent < n_wanted and not given_up:
        now = time.perf_counter()
        while n_sent < n_wanted and idle and begun + n_sent / rate <= now:
            idle.popleft().send(requests[n_sent % len(requests)], begun + n_sent / rate)
            n_sent += 1
        given_up = now - (begun + n_sent / rate) > _LONGEST
        await asyncio.sleep(0.0002)
    for _ in range(500):
        if len(took) >= n_sent:
            break
        await asyncio.sleep(0.01)
    return found_of(took, failed, n_wanted=n_wanted, seconds=time.perf_counter() - begun)


def found_of(took: list[float], failed: list[str], *, n_wanted: int, seconds: float) -> dict[str, object]:
    """Return the quantiles of what requests took, in milliseconds; one that was given up took forever."""
    times = sorted(took) + [float("inf")] * (n_wanted - len(took))

    def quantile(share: float) -> float | None:
        at = times[min(int(share * len(times)), len(times) - 1)]
        return None if at == float("inf") else 1000 * at

    return {
        "p50": quantile(0.5),
        "p99": quantile(0.99),
        "n": len(took),
        "n_wanted": n_wanted,
        "failed": len(failed),
        "first_failure": failed[0] if failed else None,
        "a_second": len(took) / seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--body", type=Path, required=True, help="a file with one JSON body a line")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    asked = parser.parse_args()
    bodies = asked.body.read_bytes().splitlines()
    print(json.dumps(asyncio.run(load(asked.url, bodies, rate=asked.rate, seconds=asked.seconds))))


if __name__ == "__main__":
    main()
