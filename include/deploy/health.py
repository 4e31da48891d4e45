"""Whether a service is healthy: exit code 0, or a sentence and 1. `health.py scheduler` asks about this container's.

A worker that does not bear Celery's usual name is named: `health.py worker first@host`.

Costs a fraction of a second, where Airflow's own `jobs check` and Celery's `inspect ping` import all of Airflow.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.request
from collections.abc import Callable

_SECONDS = 10
_SILENT_SECONDS = 30  # Airflow's own limit between two heartbeats of a component
_HEARTBEATS = """
    SELECT count(*) FROM job
    WHERE job_type = %s AND hostname = %s AND state = 'running'
      AND latest_heartbeat > now() - make_interval(secs => %s)
"""


class UnhealthyError(Exception):
    """The service does not do its work; says what it does not do."""


def main() -> None:
    """Check the service that the first argument names."""
    try:
        CHECKS[sys.argv[1]]()
    except (UnhealthyError, OSError, ValueError) as error:
        sys.exit(f"{sys.argv[1]} is not healthy: {error}")


def api_server() -> None:
    """The database answers, and tasks can report."""
    address = "http://127.0.0.1:" + os.environ.get("AIRFLOW__API__PORT", "8080")
    state = json.loads(_get(f"{address}/api/v2/monitor/health"))["metadatabase"]["status"]
    if state != "healthy":
        raise UnhealthyError(f"its database is {state}")
    _get(f"{address}/execution/health")


def heartbeat(job_type: str) -> Callable[[], None]:
    """Return a check of the heartbeat that this machine's component writes into Airflow's database."""

    def check() -> None:
        import psycopg2  # type: ignore[import-untyped]

        url = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].replace("+psycopg2", "", 1)
        try:
            connection = psycopg2.connect(url, connect_timeout=_SECONDS)
            with connection, connection.cursor() as cursor:
                cursor.execute(_HEARTBEATS, (job_type, socket.gethostname(), _SILENT_SECONDS))
                (alive,) = cursor.fetchone()
            connection.close()
        except psycopg2.Error as error:
            raise UnhealthyError(f"the database does not tell: {error}") from error
        if not alive:
            raise UnhealthyError(f"no {job_type} of this machine wrote a heartbeat for {_SILENT_SECONDS} s")

    return check


def worker() -> None:
    """The worker answers a ping through the broker."""
    from celery import Celery
    from kombu.exceptions import OperationalError

    name = sys.argv[2] if len(sys.argv) > 2 else "celery@" + socket.gethostname()
    app = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"])
    try:
        answers = app.control.ping(destination=[name], timeout=_SECONDS / 2)
    except OperationalError as error:
        raise UnhealthyError(f"the broker does not answer: {error}") from error
    if not answers:
        raise UnhealthyError(f"{name} does not answer")


def mlflow() -> None:
    """The page and the tracking API answer."""
    _get("http://127.0.0.1:" + os.environ.get("MLFLOW_PORT", "5000") + "/health")


def server() -> None:
    """It is alive; whether it has a model to answer with says /ready, and no restart would bring one."""
    _get("http://127.0.0.1:" + os.environ.get("MLSYS_SERVER_PORT", "8000") + "/health")


def _get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=_SECONDS) as answer:  # noqa: S310  our own address
        content: bytes = answer.read()
    return content


CHECKS: dict[str, Callable[[], None]] = {
    "api-server": api_server,
    "scheduler": heartbeat("SchedulerJob"),
    "dag-processor": heartbeat("DagProcessorJob"),
    "triggerer": heartbeat("TriggererJob"),
    "worker": worker,
    "mlflow": mlflow,
    "server": server,
}

if __name__ == "__main__":
    main()
