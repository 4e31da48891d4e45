"""The Airflow that a task runs in, over its public REST API, as a service user: the connection `mlsys_airflow`.

A task's own channel to Airflow can neither write a run's note nor start a run with a partition key. The embedded stack
makes the user and sets the connection in the environment; elsewhere an operator makes both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from mlsys.errors import UsageError
from mlsys.orchestration.api import client
from mlsys.orchestration.api.client import AirflowApi

CONNECTION = "mlsys_airflow"
USER = "mlsys-service"
# Events of assets need it; runs and their notes alone would do with `user`.
ROLE = "op"


def connection_text(address: str, password: str) -> str:
    """Return the connection as Airflow reads it from a variable `AIRFLOW_CONN_...`."""
    url = urlsplit(address)
    fields = {"conn_type": "http", "schema": url.scheme, "host": url.hostname, "port": url.port}
    return json.dumps({**fields, "login": USER, "password": password})


@contextmanager
def connect() -> Iterator[AirflowApi]:
    """Give a client of the Airflow that this task runs in; nothing is sent before its first use.

    Raises:
        UsageError: there is no connection `mlsys_airflow`.
    """
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = Connection.get(CONNECTION)
    except AirflowNotFoundException:
        raise UsageError(
            f"Airflow has no connection '{CONNECTION}'",
            remedy="Make one with the address and the login of a user that may start runs; see docs/scheduling.md",
        ) from None
    with client.connect(_address(found), login=found.login or "", password=found.password or "") as api:
        yield api


def _address(connection: Any) -> str:
    host = connection.host or "localhost"
    if "://" in host:  # a whole address, with a path perhaps
        return str(host)
    port = f":{connection.port}" if connection.port else ""
    return f"{connection.schema or 'http'}://{host}{port}"
