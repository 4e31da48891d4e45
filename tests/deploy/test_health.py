"""health.py says yes to what works and one sentence to what does not, without importing Airflow."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psycopg2
import pytest

HEALTH = Path(__file__).parents[2] / "include" / "deploy" / "health.py"


class Answers(BaseHTTPRequestHandler):
    database = "healthy"

    def do_GET(self) -> None:
        body = f'{{"metadatabase": {{"status": "{self.database}"}}}}'.encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def check(*arguments: str, **variables: object) -> tuple[int, str]:
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run(
        [sys.executable, HEALTH, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.strip()


def test_an_api_server_that_answers_is_healthy(port):
    assert check("api-server", AIRFLOW__API__PORT=port) == (0, "")


@pytest.mark.slow
def test_an_api_server_without_its_database_is_not(port, monkeypatch):
    monkeypatch.setattr(Answers, "database", "unhealthy")
    code, text = check("api-server", AIRFLOW__API__PORT=port)
    assert (code, text) == (1, "api-server is not healthy: its database is unhealthy")


def test_nothing_that_listens_is_one_sentence():
    code, text = check("mlflow", MLFLOW_PORT=1)
    assert code == 1
    assert text.startswith("mlflow is not healthy: ")
    assert "Traceback" not in text


@pytest.mark.parametrize(("seconds_ago", "state", "code"), [(2, "running", 0), (60, "running", 1), (2, "success", 1)])
def test_a_component_is_known_by_its_heartbeat(postgres_url, seconds_ago, state, code):
    with psycopg2.connect(postgres_url.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE job (job_type text, hostname text, state text, latest_heartbeat timestamptz)")
        cursor.execute(
            "INSERT INTO job VALUES ('SchedulerJob', %s, %s, now() - make_interval(secs => %s))",
            (socket.gethostname(), state, seconds_ago),
        )
    connection.close()
    assert check("scheduler", AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgres_url)[0] == code


def test_another_machines_heartbeat_does_not_count(postgres_url):
    with psycopg2.connect(postgres_url.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE job (job_type text, hostname text, state text, latest_heartbeat timestamptz)")
        cursor.execute("INSERT INTO job VALUES ('SchedulerJob', 'elsewhere', 'running', now())")
    connection.close()
    code, text = check("scheduler", AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgres_url)
    assert code == 1
    assert "no SchedulerJob of this machine" in text


@pytest.mark.slow
def test_a_server_is_healthy_while_it_answers(port):
    assert check("server", MLSYS_SERVER_PORT=port) == (0, "")
    code, text = check("server", MLSYS_SERVER_PORT=1)
    assert code == 1
    assert text.startswith("server is not healthy: ")


@pytest.mark.slow
def test_a_worker_without_its_broker_is_not_healthy():
    code, text = check("worker", AIRFLOW__CELERY__BROKER_URL="redis://127.0.0.1:1/0")
    assert code == 1
    assert text.startswith("worker is not healthy: the broker does not answer")


def test_no_check_imports_airflow(port):
    probe = (
        f"import runpy, sys; sys.argv = ['health.py', 'mlflow']; runpy.run_path({str(HEALTH)!r}, run_name='__main__')"
    )
    script = probe + "; sys.exit(any(name.split('.')[0] == 'airflow' for name in sys.modules))"
    environment = {**os.environ, "MLFLOW_PORT": str(port)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0
