from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mlsys.errors import UsageError
from mlsys.orchestration.api import service


class Airflow(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))  # type: ignore[attr-defined]
        self._answer(201, {"access_token": "t"})

    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        self._answer(200, {"state": "success", "note": None})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def airflow() -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Airflow) as server:
        server.seen = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.slow
def test_the_embedded_stacks_connection_logs_in_as_the_service_user(
    airflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"http://127.0.0.1:{airflow.server_port}"
    monkeypatch.setenv("AIRFLOW_CONN_MLSYS_AIRFLOW", service.connection_text(address, "pw"))
    with service.connect() as api:
        assert api.run("d", "r")["state"] == "success"
    assert airflow.seen == [{"username": "mlsys-service", "password": "pw"}, "/api/v2/dags/d/dagRuns/r"]


def test_a_connection_may_hold_a_whole_address_with_a_path(airflow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"http://127.0.0.1:{airflow.server_port}/airflow"
    monkeypatch.setenv("AIRFLOW_CONN_MLSYS_AIRFLOW", json.dumps({"conn_type": "http", "host": address}))
    with service.connect() as api:
        api.run("d", "r")
    assert airflow.seen[1] == "/airflow/api/v2/dags/d/dagRuns/r"


def test_without_a_connection_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_MLSYS_AIRFLOW", raising=False)
    with pytest.raises(UsageError, match="no connection 'mlsys_airflow'"), service.connect():
        pass
