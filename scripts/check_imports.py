"""Imports are architecture: who may import whom, where Airflow may appear, and what must not be imported early.

    ground <- extension folders <- spec <- steps <- flow <- cli, orchestration, server <- dags, plugins

A module imports its own layer and those to its left. Between the rooms of one layer arrows run one way, and no files
import each other in a circle. Extension folders see each other through `base.py` alone.
A new room of mlsys/ is named in `PICTURE`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from findings import Finding, main, parsed, python_files

# From the ground up.
PICTURE = """
ground: account children errors extras events garbage polling settings clock shortages temporary components durations \
    wording schema store records database
extensions: sources checks splits features models metrics gates registries monitors targets flaws
spec: notification ledger spec keys workspace
steps: drafting snapshot validation dataset planning training evaluation report explanation promotion \
    inspection monitoring serving live upkeep watchdog replay rehydrate audit
flow: pipeline backfill changes
top: cli orchestration server __main__
"""
LAYERS = [layer.partition(":")[2].split() for layer in PICTURE.strip().splitlines()]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

MAY_IMPORT_AIRFLOW = ("mlsys/orchestration/", "dags/", "plugins/", "tests/", "bench/")
# Loaded before anything is asked for: by the scheduler at every parse, by the command line at every start.
PARSED_EARLY = ("dags/", "plugins/", "mlsys/spec/", "mlsys/cli/__init__.py", "mlsys/cli/__main__.py")
HEAVY = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "xgboost", "joblib", "sqlalchemy", "alembic"}
HEAVY |= {"great_expectations", "mlflow", "lightgbm", "catboost", "shap", "gymnasium"}
# Seconds each: never at the top of any module.
HEAVIEST = {"great_expectations", "mlflow", "sklearn", "xgboost", "lightgbm", "catboost", "shap"}

# What an extension folder shows to others: its contract, and what the contract's methods take.
OPEN = {f"{name}.base" for name in LAYERS[1]} | {
    "metrics.predictions",
    "metrics.intervals",
    "metrics.scores",
    "metrics.predicted",
    "metrics.classified",
    "metrics.decided",
    "metrics.logged",
    "targets.looks",
    "targets.truth",
}

Import = tuple[str, int]  # dotted name, line


def check(root: Path) -> list[Finding]:
    """Return the imports below `root` that break the layers."""
    files = {name: (path, parsed(path)) for path, name in python_files(root)}
    found = _unplaced(files)
    for name, (path, tree) in files.items():
        for module, line in imports(tree, everywhere=True):
            found += _layer(path, name, module, line)
            if module.split(".")[0] == "airflow" and not name.startswith(MAY_IMPORT_AIRFLOW):
                found.append(Finding(path, line, "imports airflow", "only mlsys/orchestration, dags and plugins may"))
        if name.startswith("mlsys/") and not name.startswith("mlsys/testing/"):
            for module, line in imports(tree):
                if module.split(".")[0] in HEAVIEST:
                    found.append(Finding(path, line, f"imports {module} at its top", "import it inside the function"))
    return found + _circles(files) + _early(files)


def imports(tree: ast.Module, *, everywhere: bool = False) -> Iterator[Import]:
    """Yield the absolute imports that run when the module is imported, or all of them with `everywhere`."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            if not everywhere and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                pending += node.orelse
            else:
                pending += ast.iter_child_nodes(node)


def _unplaced(files: dict[str, tuple[Path, ast.Module]]) -> list[Finding]:
    found = []
    for name, (path, _) in files.items():
        folder, _, rest = name.partition("/")
        if folder == "mlsys" and (rest.endswith("/__init__.py") or "/" not in rest):
            module = rest.split("/")[0].removesuffix(".py")
            if module not in ("__init__", "testing", *RANK) and rest.count("/") <= 1:
                what = f"mlsys.{module} stands in no layer"
                found.append(Finding(path, 1, what, "name its layer in scripts/check_imports.py"))
    return found


def _layer(path: Path, name: str, module: str, line: int) -> list[Finding]:
    parts = module.split(".")
    if parts[0] != "mlsys" or len(parts) < 2 or not name.startswith("mlsys/"):
        return []
    own, other = name.split("/")[1].removesuffix(".py"), parts[1]
    if own in ("testing", "__init__") or other == "__version__":
        return []
    if other == "testing":
        return [Finding(path, line, "imports mlsys.testing", "fakes and contracts are for tests alone")]
    if own not in RANK or other not in RANK:
        return []  # said once, by `_unplaced`
    if RANK[other] > RANK[own]:
        what = f"mlsys.{own} imports mlsys.{other}, which lies above it"
        return [Finding(path, line, what, "pass what is needed as an argument, or move it down")]
    if RANK[own] == RANK[other] == 1 and own != other and f"{other}.{parts[2]}" not in OPEN:
        return [Finding(path, line, f"mlsys.{own} imports mlsys.{other}", f"only mlsys.{other}.base is open to others")]
    return []


def _circles(files: dict[str, tuple[Path, ast.Module]]) -> list[Finding]:
    """Find files that import each other in a circle, and rooms of one layer whose arrows run both ways."""
    own = {name: tree for name, (_, tree) in files.items() if name.startswith("mlsys/") and "/testing/" not in name}
    arrows: dict[str, set[str]] = {name: set() for name in own}
    rooms: dict[str, set[str]] = {}
    for name, tree in own.items():
        for module, _ in imports(tree, everywhere=True):
            reached = _files_of(module, files)[-1:]
            arrows[name] |= {file for file in reached if file in own and file != name}
        here = name.split("/")[1]
        there = {file.split("/")[1] for file in arrows[name]} - {here}
        rooms.setdefault(here, set()).update(room for room in there if RANK.get(room) == RANK.get(here))
    found = []
    for circle in _knots(arrows):
        what = f"imports itself in a circle: {' -> '.join(circle)}"
        found.append(Finding(files[circle[0]][0], 1, what, "move what both need into a file below both"))
    for circle in _knots(rooms):
        place = next(files[name][0] for name in sorted(own) if name.split("/")[1] == circle[0])
        what = f"rooms of one layer import each other: {' -> '.join(circle)}"
        found.append(Finding(place, 1, what, "let the arrows between rooms run one way"))
    return found


def _knots(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Return a shortest circle through each node that can reach itself; each set of nodes once."""
    found: dict[frozenset[str], list[str]] = {}
    for start in sorted(arrows):
        before: dict[str, str] = {}
        pending = [start]
        while pending and start not in before:
            node = pending.pop(0)
            for following in sorted(arrows.get(node, ())):
                if following not in before:
                    before[following] = node
                    pending.append(following)
        if start in before:
            circle = [start]
            while (node := before[circle[-1]]) != start:
                circle.append(node)
            found.setdefault(frozenset(circle), [start, *reversed(circle)])
    return list(found.values())


def _early(files: dict[str, tuple[Path, ast.Module]]) -> list[Finding]:
    """Follow what early files import at their top, and find what is heavy."""
    found: list[Finding] = []
    seen = {name: name for name in files if name.startswith(PARSED_EARLY)}
    pending = list(seen)
    while pending:
        name = pending.pop()
        path, tree = files[name]
        for module, line in imports(tree):
            if module.split(".")[0] in HEAVY:
                what = f"imports {module} at its top, and {seen[name]} loads this file"
                found.append(Finding(path, line, what, "import it inside the function"))
            for target in _files_of(module, files):
                if target not in seen:
                    seen[target] = seen[name]
                    pending.append(target)
    return found


def _files_of(module: str, files: dict[str, tuple[Path, ast.Module]]) -> list[str]:
    parts = module.split(".")
    stems = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    return [name for stem in stems for name in (f"{stem}.py", f"{stem}/__init__.py") if name in files]


if __name__ == "__main__":
    sys.exit(main(check))
