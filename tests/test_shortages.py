"""Room, memory, rights and open files: said where, how much, and what to do; in a child, too."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from mlsys.children import side_by_side
from mlsys.database.driver_errors import of_database, passes
from mlsys.errors import DataError, RunError, TransientError
from mlsys.shortages import ending, explained, hint, in_words
from mlsys.store import Store


def told(error: BaseException, **where: object) -> str:
    found = explained(error, **where)  # type: ignore[arg-type]
    assert found is not None
    return str(found)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, ("No space left on device", "Free some disk space there (12 MB were needed", "are free)")),
        (errno.EDQUOT, ("quota", "Free some disk space there")),
        (errno.EACCES, ("Permission denied for the user", "Give the user")),
        (errno.EROFS, ("Read-only file system", "another MLSYS_HOME")),
        (errno.EMFILE, ("Too many open files", "ulimit -n", str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))),
        (errno.EFBIG, ("File too large", "ulimit -f")),
        (errno.ENOMEM, ("Memory ran out", "MLSYS_WORKERS")),
    ],
)
def test_what_the_system_refuses_has_a_place_and_a_remedy(number: int, words: tuple[str, ...], tmp_path: Path) -> None:
    error = OSError(number, os.strerror(number), str(tmp_path / "model"))
    text = told(error, needed=12_000_000)
    assert text.startswith(f"{tmp_path}/model: ")
    for word in words:
        assert word in text


def test_memory_errors_of_libraries_keep_their_words() -> None:
    with pytest.raises(RunError, match=r"Memory ran out: Unable to allocate .* MLSYS_WORKERS"), in_words():
        np.ones(1 << 50)
    assert "Memory ran out. Lower" in told(MemoryError())


def test_other_errors_go_on_as_they_are() -> None:
    for error in (FileNotFoundError(errno.ENOENT, "gone"), ConnectionResetError(), ValueError("x"), KeyError("x")):
        assert explained(error) is None
        with pytest.raises(type(error)), in_words():
            raise error


def test_many_errors_told_as_one_are_understood(tmp_path: Path) -> None:
    import shutil

    error = shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])
    assert "No space left on device" in told(error, where=tmp_path)


@pytest.mark.parametrize("write", ["put_bytes", "writing", "write_atomically"])
def test_a_limit_reached_in_the_middle_of_a_write_is_told(tmp_path: Path, write: str) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path; from mlsys.store import Store, write_atomically\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"store, data = Store(Path(r'{tmp_path}/store')), bytes(100_000)\n"
        "def writing():\n    with store.writing() as path:\n        path.write_bytes(data)\n"
        "calls = {'put_bytes': lambda: store.put_bytes(data), 'writing': writing,\n"
        f"         'write_atomically': lambda: write_atomically(Path(r'{tmp_path}/note'), data)}}\n"
        "try:\n    calls[sys.argv[1]]()\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code, write], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("RunError ")
    assert "File too large. Raise the limit of file sizes" in done.stdout
    assert list(tmp_path.rglob(".tmp-*")) == []


def full(*_: object) -> bytes:
    raise OSError(errno.ENOSPC, "No space left on device", "/var/model")


def out_of_memory() -> bytes:
    raise MemoryError("Unable to allocate 12.3 GiB")


def refused() -> bytes:
    raise DataError("the rows are wrong")


def killed() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


@pytest.mark.slow
def test_a_child_keeps_its_words_and_shows_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    work = {"full": full, "memory": out_of_memory, "refused": refused}
    errors = {ended.name: ended.error for ended in side_by_side(work, workers=1, timeout=60)}
    assert "No space left on device" in str(errors["full"])
    assert "Memory ran out: Unable to allocate 12.3 GiB" in str(errors["memory"])
    assert isinstance(errors["refused"], DataError)
    assert capfd.readouterr().err == ""


def test_who_was_killed_may_have_been_killed_for_memory() -> None:
    (ended,) = side_by_side({"a": killed}, workers=1, timeout=60)
    assert ended.cause == ending(-9) == "signal 9 (SIGKILL)"
    assert "memory runs out. Lower MLSYS_WORKERS" in ended.hint
    assert hint(-15) == hint(1) == ""


FILL = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) "
    "INSERT INTO t SELECT randomblob(1000) FROM n"
)


def from_sqlite(path: Path, *statements: str) -> sa.exc.DBAPIError:
    """What the last of some statements is refused with."""
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool, connect_args={"timeout": 0})
    with engine.connect() as connection:
        for statement in statements[:-1]:
            connection.exec_driver_sql(statement)
        with pytest.raises(sa.exc.DBAPIError) as caught:
            connection.exec_driver_sql(statements[-1])
    return caught.value


def test_a_full_or_locked_database_is_told_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute("CREATE TABLE t (x)")
        found = [from_sqlite(path, "PRAGMA max_page_count=3", FILL)]
        owner.execute("BEGIN EXCLUSIVE")
        found.append(from_sqlite(path, "INSERT INTO t VALUES (1)"))
        owner.execute("ROLLBACK")
    found.append(from_sqlite(path, "SELECT * FROM missing"))
    assert [passes(error) for error in found] == [False, True, False]
    told = [of_database(error, name="The ledger's database", remedy="Try again") for error in found]
    assert [type(error) for error in told] == [RunError, TransientError, RunError]
    full, locked, missing = map(str, told)
    assert "disk is full" in full
    assert "Free some disk space" in full
    assert "does not answer: database is locked. Try again" in locked
    assert "refuses: no such table" in missing


def test_the_store_says_how_much_room_was_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError, match=r"No space left on device.*12 MB were needed"):
        Store(tmp_path / "store").put_bytes(bytes(12_000_000))
