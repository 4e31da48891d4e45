"""The lock: every direct dependency pinned within its bounds, every pin hashed, no index address in any file."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from findings import Finding, main
from lock import OPTIONAL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = {
    "requirements.txt": OPTIONAL,
    "requirements-deploy.txt": (*OPTIONAL, "celery", "kubernetes"),
    "requirements-dev.txt": (*OPTIONAL, "dev", "test", "celery"),
}
NESTED = (  # what the smaller one pins, the larger one pins too
    ("requirements.txt", "requirements-deploy.txt"),
    ("requirements.txt", "requirements-dev.txt"),
    ("requirements-bootstrap.txt", "requirements-dev.txt"),
)
BOOTSTRAP = "requirements-bootstrap.txt"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)")
_ADDRESS = re.compile(r"://|--(?:extra-)?index-url|--find-links|^-[if]\s|--trusted-host", re.MULTILINE)
_REMEDY = "run `make lock`"


def check(root: Path) -> list[Finding]:
    """Return what is wrong with the requirements files below `root`."""
    found: list[Finding] = []
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    pins: dict[str, dict[str, set[str]]] = {}
    for name, extras in LOCKS.items():
        pins[name] = _pins(root / name, found)
        wanted = [*project["dependencies"], *(r for e in extras for r in project["optional-dependencies"][e])]
        found += _unmet(root / name, pins[name], wanted)
    pins[BOOTSTRAP] = _pins(root / BOOTSTRAP, found)
    for small, large in NESTED:
        for package, versions in pins[small].items():
            if pins[large].get(package) != versions:
                what = f"{package} {'/'.join(sorted(versions))} is not what {large} pins"
                found.append(Finding(root / small, 1, what, _REMEDY))
    return found


def _pins(path: Path, found: list[Finding]) -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if _ADDRESS.search(line):
            found.append(
                Finding(path, number, "an index address or option", "indexes belong into pip's or uv's own settings")
            )
        elif match := _PIN.match(line):
            pins.setdefault(canonicalize_name(match[1]), set()).add(match[2])
            if number == len(lines) or "--hash=sha256:" not in lines[number]:
                found.append(Finding(path, number, f"{match[1]} has no hash", _REMEDY))
        elif line and not line.lstrip().startswith(("#", "--hash=sha256:")):
            found.append(Finding(path, number, f"`{line.strip()}` is no pin", _REMEDY))
    return pins


def _unmet(path: Path, pins: dict[str, set[str]], wanted: list[str]) -> list[Finding]:
    found = []
    for text in wanted:
        requirement = Requirement(text)
        versions = pins.get(canonicalize_name(requirement.name), set())
        if not versions:
            found.append(Finding(path, 1, f"{requirement.name} of pyproject.toml is not pinned", _REMEDY))
        elif bad := sorted(v for v in versions if v not in requirement.specifier):
            found.append(Finding(path, 1, f"{requirement.name} {bad[0]} breaks pyproject.toml's `{text}`", _REMEDY))
    return found


if __name__ == "__main__":
    sys.exit(main(check))
