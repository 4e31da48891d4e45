"""The images of `make test-compose`, in a store of their own that can be thrown away.

Where no registry is asked, the images that docker-compose.yaml and the Dockerfile name are made from Debian's
packages, under the same names: stand-ins. The image of mlsys itself is always built from the Dockerfile.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STORE = Path("/var/tmp/mlsys-test-compose")
IMAGE = "localhost/mlsys:test"
PYTHON = "docker.io/library/python:3.12-slim"
STAND_INS = {
    PYTHON: "Debian 13 with its Python 3.13",
    "docker.io/library/postgres:17": "Debian's Postgres 17",
    "docker.io/library/redis:8": "Debian's Redis 8",
}
PROGRAMS = {  # what is called, and the Debian package that has it
    "buildah": "buildah",
    "podman": "podman",
    "runc": "runc",
    "catatonit": "catatonit",
    "iptables": "iptables",
    "debootstrap": "debootstrap",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}
_CERTIFICATES = "/etc/ssl/certs"
_CONTAINERS = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
[network]
network_backend = "netavark"
"""
_STORAGE = f"""
[storage]
driver = "overlay"
graphroot = "{STORE}/storage"
runroot = "{STORE}/run"
"""
Say = Callable[[str], None]


def missing() -> str | None:
    """Return what stands in the way, in one sentence, or None."""
    if os.geteuid() != 0:
        return "containers are run as root here: use `sudo make test-compose`"
    packages = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if packages:
        return "not installed: " + ", ".join(packages) + f" (Debian: apt-get install {' '.join(packages)})"
    return None


def environment() -> dict[str, str]:
    """Return the environment for podman, buildah and podman-compose: their settings, not those of the machine."""
    STORE.mkdir(mode=0o700, exist_ok=True)
    (STORE / "containers.conf").write_text(_CONTAINERS)
    (STORE / "storage.conf").write_text(_STORAGE)
    return {
        **os.environ,
        "CONTAINERS_CONF": str(STORE / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(STORE / "storage.conf"),
    }


def make_stand_ins(say: Say) -> None:
    """Make the stand-ins that are not there yet."""
    if not _exists(PYTHON):
        say("Making the stand-in of python from Debian's packages")
        with tempfile.TemporaryDirectory(dir=STORE) as folder:
            packages = "--include=python3,python3-venv,ca-certificates"
            _run(["debootstrap", "--variant=minbase", packages, "trixie", folder])
            with subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE) as tar:
                _run(["podman", "import", "-", PYTHON], stdin=tar.stdout)
    for image in STAND_INS:
        name = image.rpartition("/")[2].partition(":")[0]
        if image != PYTHON and not _exists(image):
            say(f"Making the stand-in of {name} from Debian's packages")
            context = ROOT / "tests" / "deploy" / "stand_ins"
            _build(image, context / f"{name}.Dockerfile", context)


def build(say: Say) -> None:
    """Build the image of mlsys from the Dockerfile."""
    say("Building the image from the Dockerfile")
    # The machine's certificates, which the index may need; the image keeps nothing of a mount.
    _build(IMAGE, ROOT / "Dockerfile", ROOT, ["--layers", "--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro"])
    say(f"Its size is {_output(['podman', 'image', 'inspect', '--format', '{{.Size}}', IMAGE])} bytes")


def _build(image: str, file: Path, context: Path, options: Sequence[str] = ()) -> None:
    _run(["buildah", "bud", "--isolation", "chroot", *options, "--tag", image, "--file", str(file), str(context)])


def _exists(image: str) -> bool:
    return subprocess.run(["podman", "image", "exists", image], env=environment(), check=False).returncode == 0


def _run(command: Sequence[str], stdin: object = subprocess.DEVNULL) -> None:
    log = STORE / "images.log"
    with log.open("ab") as output:
        done = subprocess.run(command, env=environment(), stdin=stdin, stdout=output, stderr=output, check=False)  # type: ignore[call-overload]
    if done.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise SystemExit(f"{end}\ntest-compose: `{' '.join(command[:3])}` failed; the whole log is {log}")


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return done.stdout.strip()
