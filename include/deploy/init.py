"""Prepare a deployment, before anything else starts; again at every upgrade. What is there already is left alone.

1. for each database URL of the environment: its role (with the URL's password) and its database, if
   POSTGRES_ADMIN_URL says as whom; without it they must be there
2. Airflow's, MLflow's and the ledger's tables brought to the installed versions
3. the pool of the trainings
"""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import URL, make_url

ADMIN = "POSTGRES_ADMIN_URL"


def main() -> None:
    """Do the three steps and say so."""
    if ADMIN in os.environ:
        make_databases(make_url(os.environ[ADMIN]), wanted())
    run("airflow", "db", "migrate")
    migrate_mlflow(os.environ["MLFLOW_BACKEND_STORE_URI"])
    migrate_ledger()
    slots = os.environ["MLSYS_TRAINING_SLOTS"]
    run("airflow", "pools", "set", "training", slots, "Candidates trained side by side")
    say("ready")


def wanted() -> list[URL]:
    """Return the URLs of the databases that the services use."""
    results = os.environ.get("AIRFLOW__CELERY__RESULT_BACKEND", "")
    return [
        make_url(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]),
        make_url(os.environ["MLFLOW_BACKEND_STORE_URI"]),
        make_url(os.environ["MLSYS_DATABASE"]).set(database="mlsys"),
        *([make_url(results.removeprefix("db+"))] if results else []),
    ]


def make_databases(admin: URL, urls: list[URL]) -> None:
    """Make what is missing of the roles and databases that `urls` name; a changed password is taken over."""
    connection = psycopg2.connect(admin.set(drivername="postgresql").render_as_string(hide_password=False))
    connection.autocommit = True
    with connection.cursor() as cursor:
        for role, password in {url.username: url.password for url in urls}.items():
            if role == admin.username:
                continue
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
            verb = "ALTER" if cursor.fetchone() else "CREATE"
            statement = sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}")
            cursor.execute(statement.format(sql.Identifier(str(role)), sql.Literal(password)))
            say(f"role {role}")
        for url in urls:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (url.database,))
            if cursor.fetchone():
                continue
            name, owner = sql.Identifier(str(url.database)), sql.Identifier(str(url.username))
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
            # By default every role of the server may connect to every database.
            cursor.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(name))
            say(f"database {url.database}")
    connection.close()


def migrate_mlflow(url: str) -> None:
    """Do what `mlflow db upgrade` does, without the password among the arguments of a process."""
    from mlflow.db import commands

    say("mlflow db upgrade")
    commands.main(["upgrade", url], standalone_mode=False)


def migrate_ledger() -> None:
    """Open the workspace once: that brings the ledger's tables up to date."""
    from mlsys.workspace import open_workspace

    with open_workspace():
        say("ledger")


def run(*command: str) -> None:
    """Run a command of this environment; end with its exit code when it fails."""
    say(" ".join(command[:3]))
    done = subprocess.run([sys.executable, "-m", *command], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def say(text: str) -> None:
    """Tell the container's log."""
    sys.stdout.write(f"init: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
