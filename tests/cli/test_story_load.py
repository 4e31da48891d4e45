"""Requests without a pause, and what is counted of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mlsys.cli.story_load import Load, Request, bodies
from mlsys.polling import ask_until

ROWS = [
    {"a": 1.0, "label": "bad", "seen": "x"},
    {"a": float("nan"), "label": "good", "seen": "y"},
]


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        row = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = json.dumps({"version": "1.0.0", "predictions": [{"positive": row["a"] is None}]}).encode()
        self.send_response(200 if self.path == "/predict" else 503)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def rows() -> list[Request]:
    return bodies(ROWS, target="label", positive="bad", hidden=("label", "seen"))


def test_a_request_holds_what_is_known_and_null_where_nothing_is(rows: list[Request]) -> None:
    assert [json.loads(row.body) for row in rows] == [{"a": 1.0}, {"a": None}]
    assert [row.positive for row in rows] == [True, False]


def test_answers_are_counted_by_day_version_and_truth(port: int, rows: list[Request]) -> None:
    load = Load(port, "/predict", pause=0.0)
    with load.running():
        for _ in range(2):
            day = load.begin(rows)
            ask_until(lambda n: n >= 4, lambda day=day: sum(day.counts.values()), seconds=30, pause=0.01)
    assert load.n_failed == 0
    assert load.n_requests >= 8
    for day in load.days:
        assert day.versions == ("1.0.0",)
        assert (day.error_rate(positive=True), day.error_rate(positive=False)) == (1.0, 1.0)


@pytest.mark.parametrize(("listens", "reason"), [(True, "status 503"), (False, "ConnectionRefusedError")])
def test_what_gets_no_answer_is_counted_by_what_happened(
    port: int, rows: list[Request], listens: bool, reason: str
) -> None:
    load = Load(port if listens else 1, "/elsewhere", pause=0.0)
    with load.running():
        day = load.begin(rows)
        ask_until(lambda n: n >= 3, lambda: load.n_failed, seconds=30, pause=0.01)
    assert set(day.failed) == {reason}
    assert not day.counts
