"""Start Airflow's api-server with the logins of a person and of mlsys's own service user.

SimpleAuthManager reads its passwords from a file that it must be able to write, so none can be mounted: it is made
here, readable by its owner alone, and the person's password leaves the environment. The service user's is new at every
start: tasks get it, with the connection, from this very server. Several api-servers must share MLSYS_SERVICE_PASSWORD.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from mlsys.orchestration.api import service


def main() -> None:
    """Write the file, then become the api-server."""
    login, password = os.environ["MLSYS_LOGIN"], os.environ.pop("MLSYS_PASSWORD")
    of_service = os.environ.pop("MLSYS_SERVICE_PASSWORD", "") or secrets.token_urlsafe(24)
    path = Path(os.environ["AIRFLOW_HOME"], "passwords.json")
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({login: password, service.USER: of_service}, file)
    inside = os.environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/")
    os.environ.update(
        {
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{login}:admin,{service.USER}:{service.ROLE}",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(path),
            f"AIRFLOW_CONN_{service.CONNECTION.upper()}": service.connection_text(inside, of_service),
        }
    )
    os.execvp("airflow", ["airflow", "api-server"])  # noqa: S606  no shell is the point


if __name__ == "__main__":
    main()
