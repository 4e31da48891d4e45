"""What answers at MLflow's address, and is no MLflow; and an address where nothing does."""

from __future__ import annotations

import socket
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
asked: list[str] = []


@pytest.fixture
def answering(place: Place) -> Iterator[Callable[[bytes], Place]]:
    """A server that says the same to whatever it is asked."""
    said: list[bytes] = []
    asked.clear()

    class Same(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            asked.append(self.path)
            self.send_response(503 if b"unavailable" in said[0] else 200)
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


def test_another_server_is_not_taken_for_an_mlflow_that_lost_everything(answering) -> None:
    elsewhere = answering(b'{"ok": true}')
    release = make_release(elsewhere.store, version="1.0.0")
    with pytest.raises(TransientError, match="What answers there is no MLflow"):
        MlflowRegistry().differences("telltale", [release], elsewhere)


def test_where_no_server_listens_mlflows_repetitions_are_not_waited_for(place: Place, monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # else a failure of this test takes four minutes
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and listens not: nobody else gets the port
        port = held.getsockname()[1]
        nobody = replace(place, tracking_uri=f"http://me:secret@127.0.0.1:{port}/mlflow")
        with pytest.raises(TransientError, match=f"^http://127.0.0.1:{port}/mlflow: No server answers there: "):
            MlflowRegistry().pointed("telltale", nobody)


def test_a_server_that_is_busy_is_asked_for_seconds_not_minutes(answering, monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    with pytest.raises(TransientError, match="MLflow does not answer as it should"):
        MlflowRegistry().pointed("telltale", answering(b"unavailable"))
    assert len(asked) == 4
