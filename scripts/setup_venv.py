"""Make `.venv` what the lock says, with the Python that runs this file; nothing to do takes no time.

1. a virtual environment (`python -m venv`), made anew when another Python made it
2. uv into it, by pip, from requirements-bootstrap.txt
3. exactly the packages of requirements-dev.txt, hashes checked, compiled to bytecode
4. mlsys itself, editable
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from package_index import pip_settings, uv_environment

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
STAMP = VENV / "mlsys-stamp.json"
BOOTSTRAP, LOCK, PROJECT = "requirements-bootstrap.txt", "requirements-dev.txt", "pyproject.toml"
Command = list[str | Path]
NEEDED_BYTES = 2_500_000_000


class SetupError(Exception):
    """Why there is no environment, and what to do: one sentence."""


def main() -> int:
    """Make `.venv` and return the exit code."""
    try:
        if wanted() == stamped():
            return 0
        started = time.perf_counter()
        if not usable():
            create()
        install()
        STAMP.write_text(json.dumps(wanted()))
        say(f"ready after {time.perf_counter() - started:.0f} s")
    except SetupError as error:
        print(f"make venv: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("make venv: interrupted; the next call goes on from here", file=sys.stderr)
        return 130
    return 0


def wanted() -> dict[str, str]:
    """Return what decides the content of `.venv`."""
    return {
        "python": ".".join(map(str, sys.version_info[:2])),
        "root": str(ROOT),
        **{name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in (BOOTSTRAP, LOCK, PROJECT)},
    }


def stamped() -> dict[str, str] | None:
    """Return what `.venv` was last made from, or None."""
    try:
        value: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return None
    return value if (BIN / "python").exists() else None


def usable() -> bool:
    """Whether `.venv` was made by this minor version of Python and its pip works."""
    probe = "import sys, pip; print(*sys.version_info[:2], sys.prefix)"
    try:
        done = subprocess.run([BIN / "python", "-c", probe], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.split() == [*map(str, sys.version_info[:2]), str(VENV)]


def create() -> None:
    """Make an empty virtual environment in place of whatever is there."""
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise SetupError(
                f"{sys.executable} comes without the module {module}: install it (on Debian and Ubuntu: "
                f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv), or name another Python: "
                "make PYTHON=python3.12"
            )
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"{NEEDED_BYTES / 1e9:.1f} GB of disk are needed and {ROOT} has {free / 1e9:.1f} GB left: free some space"
        )
    say(f"making {VENV.name} with Python {sys.version.split()[0]}")
    if VENV.is_symlink():
        raise SetupError(f"{VENV} is a symbolic link: remove it, so that nothing outside this folder is changed")
    if VENV.exists():
        shutil.rmtree(VENV)
    run([sys.executable, "-m", "venv", VENV], "The virtual environment could not be made")


def install() -> None:
    """Install uv, the lock, then mlsys."""
    python = BIN / "python"
    pip: Command = [
        python,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "-qq",
        "--require-hashes",
    ]
    unreachable = "check the network and pip's index settings (`pip config list`), then run it again"
    say("installing uv")
    run([*pip, "-r", BOOTSTRAP], f"uv could not be installed: {unreachable}")
    environ = uv_environment(pip_settings(str(python)))
    environ["VIRTUAL_ENV"] = str(VENV)
    say("installing the packages of the lock, about 2.4 GB with bytecode")
    uv: Command = [BIN / "uv", "pip"]
    sync: Command = [*uv, "sync", "--quiet", "--require-hashes", "--compile-bytecode", LOCK]
    run(sync, f"The packages could not be installed: {unreachable}", environ)
    editable: Command = [*uv, "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."]
    run(editable, "mlsys itself could not be installed", environ)


def run(command: Command, failure: str, environ: dict[str, str] | None = None) -> None:
    """Run a command, its own words going to the terminal.

    Raises:
        SetupError: it failed.
    """
    clean = {name: value for name, value in (environ or os.environ).items() if name != "PYTHONDONTWRITEBYTECODE"}
    if subprocess.run(command, cwd=ROOT, env=clean, stdin=subprocess.DEVNULL, check=False).returncode:
        raise SetupError(failure)


def say(text: str) -> None:
    """Print progress."""
    print(f"make venv: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
