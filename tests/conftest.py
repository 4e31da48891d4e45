"""What all tests share: a clean environment, a home of their own, a Postgres, and a summary that a person can read."""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import hypothesis
import pytest

if TYPE_CHECKING:
    from mlsys.database.embedded import Server
    from mlsys.store import Store
    from mlsys.workspace import Workspace

TESTS = Path(__file__).parent
_FOREIGN = ("MLSYS_", "AIRFLOW", "MLFLOW_", "GX_")
_AIRFLOW_HOME = tempfile.mkdtemp(prefix="mlsys-tests-airflow-")
_ENVIRONMENT = {
    "AIRFLOW_HOME": _AIRFLOW_HOME,  # importing Airflow writes a configuration file there
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "GIT_PYTHON_REFRESH": "quiet",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLSYS_SERVER": "false",  # seconds and memory of every stack; the tests that are about it have it
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
}

# Before any test module is imported: Great Expectations and OpenMP read their variables once, at import.
for _name in [name for name in os.environ if name.startswith(_FOREIGN) or name == "PYTHONDONTWRITEBYTECODE"]:
    del os.environ[_name]
os.environ.update(_ENVIRONMENT)

# A shell starts what it runs in the background deaf to Ctrl-C, and so would be every process that a test interrupts.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Looking for garbage among a million objects that stay is a twentieth of all tests' time.
gc.set_threshold(20_000)

# Half as many examples as is usual: each run of all tests draws others, but in CI, where they are the same each time.
hypothesis.settings.register_profile("here", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty MLSYS_HOME on SQLite, set in the environment."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("MLSYS_HOME", str(path))
    monkeypatch.setenv("MLSYS_DATABASE", "sqlite")
    return path


@pytest.fixture
def store(home: Path) -> Store:
    """The store of `home`."""
    from mlsys.store import Store

    return Store(home / "store")


@pytest.fixture(scope="session")
def retrained_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose shop has a champion of day 10, a run of day 11 for the record, and a day 12 that no run has seen.

    Test processes side by side share it: the first that asks makes it, and all work in copies.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    home, made = folder / "retrained-shop" / "home", folder / "retrained-shop.made"
    with (folder / "retrained-shop.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(home.parent, ignore_errors=True)  # of a process that died over it
            home.parent.mkdir()
            _retrain_the_shop(home)
            made.touch()
    return home


def _retrain_the_shop(home: Path) -> None:
    from given.shop import day, edit_spec, enter, make_shop

    from mlsys import pipeline
    from mlsys.planning.plan import RunRequest
    from mlsys.workspace import open_workspace

    make_shop(home, home / "pipelines", days=13)
    edit_spec(home / "pipelines", registries=["files"])
    with pytest.MonkeyPatch.context() as patched:
        enter(home, patched)
        with open_workspace() as work:
            pipeline.run(work, RunRequest("shop", day=day(10)))
            pipeline.run(work, RunRequest("shop", day=day(11), mode="train"))


@pytest.fixture
def shop(retrained_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the retrained shop, set in the environment."""
    from given.shop import enter_copy

    return enter_copy(retrained_shop, tmp_path / "home", monkeypatch)


@pytest.fixture
def work(shop: Path) -> Iterator[Workspace]:
    """The copied shop, opened."""
    from mlsys.workspace import open_workspace

    with open_workspace() as opened:
        yield opened


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Put back the handlers and levels that a command of the test sets for its process."""
    root, ours = logging.getLogger(), logging.getLogger("mlsys")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture(scope="session")
def postgres_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home whose Postgres `postgres_server` runs."""
    return tmp_path_factory.mktemp("postgres")


@pytest.fixture(scope="session")
def postgres_server(postgres_home: Path) -> Iterator[Server]:
    """A real Postgres, one for the session of each test process."""
    from mlsys.database import embedded

    if not embedded.available():
        pytest.skip("this platform has no binaries of the embedded Postgres")
    with embedded.running(postgres_home) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """SQLAlchemy URL of an empty database, dropped after the test."""
    name = f"test_{uuid4().hex}"
    _execute(postgres_server, f"CREATE DATABASE {name}")
    try:
        yield postgres_server.url(name)
    finally:
        _execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server: Server, statement: str) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(server.url("mlsys"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(statement))
    engine.dispose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the Postgres or a retrained shop, so that `make test-fast` can leave it out; longest files first.

    A real Airflow takes a minute and mostly waits: begun last, it would run on alone when all else is done.
    """
    for item in items:
        needs = getattr(item, "fixturenames", ())
        if "postgres_server" in needs:
            item.add_marker(pytest.mark.postgres)
        if "retrained_shop" in needs:
            item.add_marker(pytest.mark.shop)
    weights: dict[Path, int] = {}
    for item in items:
        weight = 100 * bool(item.get_closest_marker("e2e")) + bool(item.get_closest_marker("slow"))
        weights[item.path] = weights.get(item.path, 0) + weight
    items.sort(key=lambda item: -weights[item.path])


def pytest_unconfigure() -> None:
    """Remove this process's throw-away Airflow home."""
    shutil.rmtree(_AIRFLOW_HOME, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was tested by area, what took longest, and what was left out and why."""
    stats: dict[str, list[Any]] = terminalreporter.stats
    areas: dict[str, Counter[str]] = {}
    seconds: Counter[str] = Counter()
    for outcome, reports in stats.items():
        for report in reports:
            if not isinstance(report, pytest.TestReport):
                continue
            seconds[report.nodeid] += report.duration
            if outcome:
                areas.setdefault(area_of(report.nodeid), Counter())[outcome] += 1
    terminalreporter.section("summary by area", sep="-")
    for area, counts in sorted(areas.items()):
        text = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items(), key=_passed_first))
        terminalreporter.write_line(f"{area:<16} {text}")
    slowest = [f"{taken:5.1f} s  {name}" for name, taken in seconds.most_common(5) if taken >= 1]
    _lines(terminalreporter, "slowest", slowest)
    reasons = Counter(_reason(report) for kind in ("skipped", "xfailed") for report in stats.get(kind, []))
    _lines(terminalreporter, "left out", [f"{count:3} x {reason}" for reason, count in reasons.items()])


def area_of(nodeid: str) -> str:
    """Return the folder below tests/ that a test lies in, or the subject of its file."""
    parts = nodeid.split("::", maxsplit=1)[0].removeprefix("tests/").split("/")
    return parts[0] if len(parts) > 1 else parts[0].removeprefix("test_").removesuffix(".py")


def _passed_first(item: tuple[str, int]) -> tuple[bool, str]:
    return item[0] != "passed", item[0]


def _reason(report: pytest.TestReport) -> str:
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else getattr(report, "wasxfail", "") or str(longrepr)
    return f"{area_of(report.nodeid)}: {text.removeprefix('Skipped: ')}"


def _lines(reporter: pytest.TerminalReporter, title: str, lines: list[str]) -> None:
    for number, line in enumerate(lines):
        reporter.write_line(f"{title if not number else '':<16} {line}")
