"""Tests mirror the code: `mlsys/a/b.py` is tested by `tests/a/test_b.py`, or by what `tests/elsewhere.toml` says.

Small modules are left out, and so are components and contracts: the contract test of their folder runs each of them.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from findings import EXTENSION_FOLDERS, Finding, main, python_files

SMALL = 40  # lines
ELSEWHERE = "tests/elsewhere.toml"
_OWN_STEP = ("mlsys/ledger/migrations/", "mlsys/testing/")  # run by the tests that migrate, and by every contract test


def check(root: Path) -> list[Finding]:
    """Return the modules below `root` without a test file of their own, and what the list has too much."""
    path = root / ELSEWHERE
    listed: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    own = {name: module for module, name in python_files(root, ("mlsys",)) if not name.startswith(_OWN_STEP)}
    found = [_stale(name, place, own, root) for name, place in listed.items()]
    for name, module in own.items():
        small = module.name == "__init__.py" or module.read_text(encoding="utf-8").count("\n") <= SMALL
        if not (small or name in listed or _mirror(name, root).exists() or _by_contract(name, root)):
            wanted = _mirror(name, root).relative_to(root).as_posix()
            found.append(Finding(module, 1, f"there is no {wanted}", f"write it, or name its test in {ELSEWHERE}"))
    return [finding for finding in found if finding is not None]


def _mirror(name: str, root: Path) -> Path:
    inside = Path(name).relative_to("mlsys")
    return root / "tests" / inside.with_name(f"test_{inside.name}")


def _by_contract(name: str, root: Path) -> bool:
    parts = name.split("/")
    folder = parts[1]
    single = len(parts) == 3  # helpers in a folder inside are no components
    return single and folder in EXTENSION_FOLDERS and (root / f"tests/{folder}/test_{folder}_contract.py").exists()


def _stale(name: str, place: str, own: dict[str, Path], root: Path) -> Finding | None:
    path = root / ELSEWHERE
    if name not in own:
        return Finding(path, 1, f"{name} is no module", "take it out")
    if _mirror(name, root).exists():
        return Finding(path, 1, f"{name} has a test file of its own", "take it out")
    test = place.split(": ", maxsplit=1)[0]
    if not (root / test).exists() or ": " not in place:
        return Finding(path, 1, f"{name} names {place!r}", "write `tests/...py: what it sees of the module`")
    return None


if __name__ == "__main__":
    sys.exit(main(check))
