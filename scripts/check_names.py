"""Names say the subject, shadow no other module and mean one thing, and only clock.py reads the time."""

from __future__ import annotations

import ast
import sys
import sysconfig
from importlib.machinery import PathFinder
from pathlib import Path

from findings import Finding, main, parsed, python_files

BANNED_MODULES = {"utils", "util", "helpers", "helper", "common", "misc"}
BANNED_SUFFIXES = ("Manager", "Factory", "Handler", "Helper", "Utils")
CLOCK = "mlsys/clock.py"
TIMED = ("mlsys/", "dags/", "plugins/")  # here the time has one reader
_WALL_CLOCK = {
    *(f"{kind}.{name}" for kind in ("datetime", "date", "Timestamp") for name in ("now", "utcnow", "today")),
    *(f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime")),
}


def check(root: Path) -> list[Finding]:
    """Return the names below `root` that break the rules."""
    found: list[Finding] = []
    folders_seen: set[Path] = set()
    seen: dict[str, Path] = {}
    for path, name in python_files(root):
        for part in (path, *_folders(path, root)):
            if part not in folders_seen:
                folders_seen.add(part)
                found += _module(part)
        tree = parsed(path)
        found += _classes(path, tree)
        if name.startswith(TIMED) and name != CLOCK:
            found += _clock(path, tree)
        if name.startswith("mlsys/"):
            found += _twice(path, tree, seen)
    return found


def is_taken(name: str) -> bool:
    """Whether `import name` means a module of Python or of an installed package."""
    places = [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]
    found = PathFinder.find_spec(name, places)
    return name in sys.stdlib_module_names or (found is not None and found.origin is not None)


def _folders(path: Path, root: Path) -> list[Path]:
    # The folder right below the root (tests/, scripts/, dags/) is no module.
    return [folder for folder in path.parents if root in folder.parents and folder.parent != root]


def _module(path: Path) -> list[Finding]:
    name = path.stem
    if name in BANNED_MODULES:
        return [Finding(path, 1, f"a module called {name}", "name its subject (clock, fingerprint, store)")]
    if is_taken(name) and "tests" not in path.parts:
        what = f"{name} is also a module of Python or of a dependency"
        return [Finding(path, 1, what, "another name; run as a script, this file would answer `import` of the other")]
    return []


def _classes(path: Path, tree: ast.Module) -> list[Finding]:
    return [
        Finding(path, node.lineno, f"class {node.name}", "name what it is, or write a function")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(BANNED_SUFFIXES)
    ]


def _twice(path: Path, tree: ast.Module, seen: dict[str, Path]) -> list[Finding]:
    """Return the public classes and type aliases of a file that an earlier one has too; a name means one thing."""
    found = []
    for node in tree.body:
        name = ""
        if isinstance(node, ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            target = node.targets[0]
            # `Look = Literal["a", "b"]`, not `LIMITS = dict["a"]`
            name = target.id if isinstance(target, ast.Name) and not target.id.isupper() else ""
        if not name[:1].isupper():
            continue
        first = seen.setdefault(name, path)
        if first != path:
            found.append(Finding(path, node.lineno, f"{name} is also in {first}", "another name, or one for both"))
    return found


def _clock(path: Path, tree: ast.Module) -> list[Finding]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            used = ".".join(ast.unparse(node).split(".")[-2:])
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            used = next((f"time.{a.name}" for a in node.names if f"time.{a.name}" in _WALL_CLOCK), "")
        else:
            continue
        if used in _WALL_CLOCK:
            what = f"{used} reads the wall clock"
            found.append(
                Finding(path, node.lineno, what, "clock.now() for instants, time.perf_counter() for durations")
            )
    return found


if __name__ == "__main__":
    sys.exit(main(check))
