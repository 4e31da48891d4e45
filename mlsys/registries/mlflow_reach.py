"""Whether anything answers at MLflow's address, asked first: MLflow itself repeats for minutes, and says nothing."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from mlsys.errors import TransientError
from mlsys.registries.base import Place
from mlsys.registries.mlflow_errors import REMEDY, address

_LONGEST_SECONDS = 10
# Of a request to a server that is there and busy: 12 seconds of waiting, where MLflow's own 7 are four minutes.
_REPETITIONS = "3"


def require_answer(place: Place) -> None:
    """Return once a database or server took a connection.

    Raises:
        TransientError: no server listens at the address.
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", _REPETITIONS)
    if place.tracking_uri.startswith("postgresql"):
        _require_database(place.tracking_uri)
    elif place.tracking_uri.startswith(("http://", "https://")):
        _require_server(place)


def _require_database(url: str) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    with engine.connect():
        pass
    engine.dispose()


def _require_server(place: Place) -> None:
    parts = urlsplit(place.tracking_uri)
    if not parts.hostname or (parts.scheme in getproxies() and not proxy_bypass(parts.hostname)):
        return  # a proxy may reach what this machine can't
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        socket.create_connection((parts.hostname, port), timeout=_LONGEST_SECONDS).close()
    except OSError as error:
        rule = f"No server answers there: {error.strerror or error}"
        raise TransientError(rule, where=address(place), remedy=REMEDY) from error
