"""Start Airflow's api-server with the login of the environment.

SimpleAuthManager reads its passwords from a file that it must be able to write, so none can be mounted: it is made
here, readable by its owner alone, and the password leaves the environment.
"""

from __future__ import annotations

import json
import os
from pathlib import Path


def main() -> None:
    """Write the file, then become the api-server."""
    login, password = os.environ["MLSYS_LOGIN"], os.environ.pop("MLSYS_PASSWORD")
    path = Path(os.environ["AIRFLOW_HOME"], "passwords.json")
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({login: password}, file)
    os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = f"{login}:admin"
    os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"] = str(path)
    os.execvp("airflow", ["airflow", "api-server"])  # noqa: S606  no shell is the point


if __name__ == "__main__":
    main()
