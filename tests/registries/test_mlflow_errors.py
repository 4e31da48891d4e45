"""What answers at MLflow's address, and is no MLflow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlsys.errors import TransientError
from mlsys.registries.base import Place
from mlsys.registries.mlflow_registry import MlflowRegistry
from mlsys.testing.registries import make_release

pytestmark = pytest.mark.slow


@pytest.fixture
def answering(place: Place) -> Iterator[Callable[[bytes], Place]]:
    """A server that says the same to whatever it is asked."""
    said: list[bytes] = []

    class Same(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(200)
            self.send_header("content-length", str(len(said[0])))
            self.end_headers()
            self.wfile.write(said[0])

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Same)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def make(body: bytes) -> Place:
        said.append(body)
        return replace(place, tracking_uri=f"http://127.0.0.1:{server.server_port}")

    yield make
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"", "is no MLflow"),
        (b'{"ok": true}', "is no MLflow"),
        (b'{"experiment": "x", "registered_models": "x"}', "is no MLflow"),
        (b"<html>Log in</html>", "does not answer as it should"),
    ],
)
def test_another_server_is_told_in_words_and_nothing_is_printed(answering, capsys, body: bytes, rule: str) -> None:
    elsewhere = answering(body)
    with pytest.raises(TransientError, match=rule):
        MlflowRegistry().publish(make_release(elsewhere.store), elsewhere)
    assert capsys.readouterr().out == ""
