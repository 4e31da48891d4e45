"""The local executor with the heavy libraries already imported: its workers are forked with them in memory.

Only imports happen in the parent. A process that has used OpenMP, a Great Expectations context or an MLflow client
must not fork, so `start` looks at the threads of the process before it lets the workers be forked.
Nothing heavy stands at the top of this file: every Airflow component loads the class.
"""

from __future__ import annotations

import importlib
import logging
import os
import time
import urllib.error
import urllib.request
from pathlib import Path

from airflow.executors.base_executor import get_execution_api_server_url
from airflow.executors.local_executor import LocalExecutor

log = logging.getLogger(__name__)

PRELOADED = (
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "sqlalchemy",
    "sklearn.pipeline",
    "sklearn.compose",
    "sklearn.impute",
    "sklearn.preprocessing",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "sklearn.dummy",
    "sklearn.metrics",
    "xgboost",
    "great_expectations",
    "great_expectations.expectations",
    "mlflow",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlsys.pipeline",
)
_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})  # pyarrow's allocator; it restarts itself after a fork
_API_SECONDS = 180.0


class PreloadingLocalExecutor(LocalExecutor):  # type: ignore[misc]
    """Airflow's LocalExecutor whose workers start with the libraries of the pipeline imported."""

    def start(self) -> None:
        """Import, wait until tasks can report back, then fork the workers."""
        preload()
        wait_for_execution_api(get_execution_api_server_url(self.conf), seconds=_API_SECONDS)
        super().start()


def preload(modules: tuple[str, ...] = PRELOADED) -> None:
    """Import `modules` into this process, which must stay without other threads.

    A module that can't be imported is left to the task that needs it, which fails with the reason.
    """
    for name in _THREAD_LIMITS:  # thread pools are sized at import, and a pool does not survive a fork
        os.environ.setdefault(name, "1")
    before, began = thread_names(), time.monotonic()
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            log.warning("preload_skipped module=%s reason=%s", name, error)
    new = thread_names()
    for name in before:
        new.remove(name)
    threads = sorted(set(new) - _HARMLESS_THREADS)
    if threads:
        log.warning("preload_left_threads threads=%s risk='a forked task may hang'", threads)
    log.info("preloaded modules=%s seconds=%.1f", len(modules), time.monotonic() - began)


def thread_names() -> list[str]:
    """Return the names of this process's operating-system threads (Linux; elsewhere none are seen)."""
    tasks = Path("/proc/self/task")
    return [(task / "comm").read_text().strip() for task in tasks.iterdir()] if tasks.is_dir() else []


def wait_for_execution_api(address: str, *, seconds: float) -> None:
    """Wait until the API that tasks report to answers: a task sent before that is lost as failed.

    Goes on after `seconds`, with a warning; the scheduler then shows what is wrong.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address.rstrip('/')}/health", timeout=60):  # noqa: S310  our own address
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    log.warning("execution_api_silent address=%s seconds=%.0f", address, seconds)
