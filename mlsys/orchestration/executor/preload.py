"""What the executor imports before its workers are forked, and how it notices that the files have changed since.

Only imports happen here. A process that has used OpenMP, a Great Expectations context or an MLflow client must not
fork, so `preload` looks at the threads of the process. All of mlsys is imported and its fingerprint taken, so that a
task runs the very code that its records name, whatever becomes of the files.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import mlsys
from mlsys.events import get_logger

log = get_logger(__name__)

LIBRARIES = (
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
)
PACKAGE = Path(mlsys.__file__).parent
_NOT_NEEDED = ("mlsys.testing", "mlsys.__main__", "mlsys.ledger.migrations")  # Alembic runs those from their files
_THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})  # pyarrow's allocator; it restarts itself after a fork


def preload(modules: Sequence[str] | None = None) -> None:
    """Import `modules` (by default the libraries and all of mlsys), after which the process should have no new thread.

    A module that can't be imported is left to the task that needs it, which fails with the reason.
    """
    for name in _THREAD_LIMITS:  # thread pools are sized at import, and a pool does not survive a fork
        os.environ.setdefault(name, "1")
    # It tells of a hundred functions at import that it does not register.
    logging.getLogger("great_expectations._docs_decorators").setLevel(logging.WARNING)
    before, began = Counter(thread_names()), time.monotonic()
    names = (*LIBRARIES, *own_modules()) if modules is None else tuple(modules)
    for name in names:
        _try(name, importlib.import_module, name)
    _try("fingerprint", _name_the_code)
    threads = sorted(name for name in Counter(thread_names()) - before if name not in _HARMLESS_THREADS)
    if threads:
        log.warning("preload_left_threads", threads=threads, risk="a forked task may hang")
    log.info("preloaded", modules=len(names), seconds=round(time.monotonic() - began, 1))


def own_modules() -> list[str]:
    """Return the names of all modules of mlsys that a task may import."""
    paths = (path.relative_to(PACKAGE.parent).with_suffix("") for path in sorted(PACKAGE.rglob("*.py")))
    names = (".".join(path.parts).removesuffix(".__init__") for path in paths)
    return [name for name in names if not name.startswith(_NOT_NEEDED)]


def thread_names() -> list[str]:
    """Return the names of this process's operating-system threads (Linux; elsewhere none are seen)."""
    tasks, names = Path("/proc/self/task"), []
    for task in tasks.iterdir() if tasks.is_dir() else ():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            names.append((task / "comm").read_text().strip())
    return names


def installation(package: Path = PACKAGE, places: Sequence[str] | None = None) -> str:
    """Return a digest that differs after a change of mlsys's code or of any installed package.

    From names, sizes and times alone, in a few milliseconds. `places` are the folders that packages are installed in.
    """
    folders = sys.path if places is None else places
    digest = hashlib.sha256()
    for line in (*_sources(package), *_distributions(folders)):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _sources(package: Path) -> Iterator[str]:
    return (_state(path) for path in sorted(package.rglob("*.py")))


def _distributions(folders: Sequence[str]) -> Iterator[str]:
    # Installers write this folder anew, also for the same version again.
    packages = [Path(folder) for folder in dict.fromkeys(folders) if folder.endswith("-packages")]
    return (_state(path) for folder in packages for path in sorted(folder.glob("*.dist-info")))


def _state(path: Path) -> str:
    try:
        status = path.stat()
    except FileNotFoundError:  # in the middle of an upgrade
        return f"{path} gone"
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _try(what: str, call: Callable[..., object], *arguments: object) -> None:
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001 - half an upgrade can raise anything, and the scheduler must live
        log.warning("preload_skipped", what=what, error=type(error).__name__, reason=error)


def _name_the_code() -> None:
    """Take the fingerprint and the versions that records carry while they are those of what was imported."""
    from mlsys import keys

    keys.code_fingerprint()
    keys.versions()
