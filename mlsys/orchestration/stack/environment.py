"""The environment of the embedded stack's processes: Airflow and MLflow are configured by variables alone."""

from __future__ import annotations

import os

from mlsys.database.databases import Databases
from mlsys.orchestration.api import service
from mlsys.orchestration.stack import credentials
from mlsys.orchestration.stack.schedule import schedule_start
from mlsys.settings import Settings

HOST = "127.0.0.1"
_NOT_INHERITED = ("PYTHONDONTWRITEBYTECODE", "AIRFLOW_CONFIG", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
_QUIET = {
    "GIT_PYTHON_REFRESH": "quiet",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}
_ONE_THREAD = {  # candidates are trained side by side; more threads each would only be in each other's way
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",  # macOS would end forked workers
}


def airflow_address(settings: Settings) -> str:
    """Return where Airflow's page and REST API answer."""
    return f"http://{HOST}:{settings.airflow_port}"


def mlflow_address(settings: Settings) -> str:
    """Return where MLflow's page answers."""
    return f"http://{HOST}:{settings.mlflow_port}"


def server_address(settings: Settings) -> str:
    """Return where the champions answer requests."""
    return f"http://{HOST}:{settings.server_port}"


def mlflow_page(settings: Settings) -> str | None:
    """Return where a person's browser finds MLflow's pages, or None when nobody said."""
    if settings.mlflow_page is not None or settings.mlflow_uri is None:
        return settings.mlflow_page or mlflow_address(settings)
    return settings.mlflow_uri if settings.mlflow_uri.startswith("http") else None


def environment(settings: Settings, databases: Databases) -> dict[str, str]:
    """Return the variables of every process of the stack; some hold secrets."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    direct = ",".join(filter(None, [inherited.get("NO_PROXY") or inherited.get("no_proxy"), HOST, "localhost"]))
    return {
        **inherited,
        "NO_PROXY": direct,  # tasks talk to the API on this machine, whatever proxy the shell uses
        "no_proxy": direct,
        **_QUIET,
        **_ONE_THREAD,
        **_airflow(settings, databases),
        **_airflow_secrets(settings, databases),
        **_mlflow(settings, databases),
        **_mlsys(settings, databases),
    }


def _airflow(settings: Settings, databases: Databases) -> dict[str, str]:
    address = airflow_address(settings)
    parallelism = 2 if databases.kind == "sqlite" else settings.workers + 2
    return {
        "AIRFLOW_HOME": str(settings.root / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.dags.resolve()),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings.plugins.resolve()),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "mlsys.orchestration.executor.local.PreloadingLocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(parallelism),
        "AIRFLOW__CORE__MP_START_METHOD": "fork",
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default asks a name server, which can take long
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{settings.login}:admin,{service.USER}:{service.ROLE}",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(credentials.passwords_file(settings.root)),
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.35",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",  # tasks of a crashed scheduler; the default is 300 s
        # The end of a task that fails or is skipped is noticed at the next heartbeat; every 5 s is the default.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.root / "logs" / "tasks"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(settings.root / "logs" / "dag_processor"),
    }


def _airflow_secrets(settings: Settings, databases: Databases) -> dict[str, str]:
    keys = credentials.keys(settings.root)
    return {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": databases.airflow_url,
        "AIRFLOW__API_AUTH__JWT_SECRET": keys.jwt_secret,
        "AIRFLOW__API__SECRET_KEY": keys.secret_key,
        "AIRFLOW__CORE__FERNET_KEY": keys.fernet_key,
        f"AIRFLOW_CONN_{service.CONNECTION.upper()}": service.connection_text(
            airflow_address(settings), credentials.password(settings.root, service.USER)
        ),
    }


def _mlflow(settings: Settings, databases: Databases) -> dict[str, str]:
    return {
        # In the environment and not among the arguments, which every user of the machine can read.
        "MLFLOW_BACKEND_STORE_URI": databases.mlflow_url,
        "MLFLOW_ARTIFACTS_DESTINATION": (settings.root / "mlartifacts").as_uri(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight more processes that nothing here uses
    }


def _mlsys(settings: Settings, databases: Databases) -> dict[str, str]:
    explicit = databases.kind if databases.kind != "server" else settings.database
    variables = {
        "MLSYS_HOME": str(settings.root),
        "MLSYS_PIPELINES": str(settings.pipelines.resolve()),
        "MLSYS_DAGS": str(settings.dags.resolve()),
        "MLSYS_PLUGINS": str(settings.plugins.resolve()),
        "MLSYS_DATABASE": explicit,
        "MLSYS_AIRFLOW_PORT": str(settings.airflow_port),
        "MLSYS_MLFLOW_PORT": str(settings.mlflow_port),
        "MLSYS_SERVER_PORT": str(settings.server_port),
        "MLSYS_WORKERS": str(settings.workers),
        "MLSYS_TRAINING_SLOTS": str(settings.training_slots),
        "MLSYS_LOGIN": settings.login,
        "MLSYS_LOG_FORMAT": settings.log_format,
        "MLSYS_LOG_LEVEL": settings.log_level,
        "MLSYS_SCHEDULE_START": schedule_start(settings.root).isoformat(),
    }
    return variables if settings.mlflow_uri is None else {**variables, "MLSYS_MLFLOW_URI": settings.mlflow_uri}
