"""Imports are architecture: who may import whom, where Airflow may appear, and what must not be imported early.

    ground <- extension folders <- spec <- steps <- pipeline <- cli, serving, orchestration <- dags, plugins

A module imports its own layer and those to its left. Extension folders see each other through `base.py` alone.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from findings import EXTENSION_FOLDERS, Finding, main, parsed, python_files

GROUND = (
    "errors settings clock components durations fingerprint schema records store partitions ledger logs postgres"
).split()
STEPS = "snapshot validation dataset modelfile training evaluation promotion monitoring report".split()
LAYERS: tuple[tuple[str, ...], ...] = (
    tuple(GROUND),
    EXTENSION_FOLDERS,
    ("spec",),
    tuple(STEPS),
    ("pipeline",),
    ("cli", "serving", "orchestration"),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

MAY_IMPORT_AIRFLOW = ("mlsys/orchestration/", "dags/", "plugins/", "tests/", "bench/")
# Loaded before anything is asked for: by the scheduler at every parse, by the command line at every start.
PARSED_EARLY = ("dags/", "plugins/", "mlsys/spec.py", "mlsys/cli/__init__.py", "mlsys/cli/__main__.py")
HEAVY = set("numpy pandas pyarrow scipy sklearn xgboost joblib great_expectations mlflow sqlalchemy alembic".split())
# Seconds each: never at the top of any module.
HEAVIEST = {"great_expectations", "mlflow", "sklearn", "xgboost"}

Import = tuple[str, int]  # dotted name, line


def check(root: Path) -> list[Finding]:
    """Return the imports below `root` that break the layers."""
    files = {name: (path, parsed(path)) for path, name in python_files(root)}
    found: list[Finding] = []
    for name, (path, tree) in files.items():
        for module, line in imports(tree, everywhere=True):
            found += _layer(path, name, module, line)
            if module.split(".")[0] == "airflow" and not name.startswith(MAY_IMPORT_AIRFLOW):
                found.append(Finding(path, line, "imports airflow", "only mlsys/orchestration, dags and plugins may"))
        if name.startswith("mlsys/") and not name.startswith("mlsys/testing/"):
            for module, line in imports(tree):
                if module.split(".")[0] in HEAVIEST:
                    found.append(Finding(path, line, f"imports {module} at its top", "import it inside the function"))
    return found + _early(files)


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


def _layer(path: Path, name: str, module: str, line: int) -> list[Finding]:
    parts = module.split(".")
    if parts[0] != "mlsys" or len(parts) < 2 or not name.startswith("mlsys/"):
        return []
    own = name.split("/")[1].removesuffix(".py")
    other = parts[1]
    if own in ("testing", "__init__") or other.startswith("__"):
        return []
    if other == "testing":
        return [Finding(path, line, "imports mlsys.testing", "fakes and contracts are for tests alone")]
    if unknown := next((n for n in (own, other) if n not in RANK), None):
        return [Finding(path, line, f"mlsys.{unknown} stands in no layer", "name its layer in scripts/check_imports.py")]
    if RANK[other] > RANK[own]:
        what = f"mlsys.{own} imports mlsys.{other}, which lies above it"
        return [Finding(path, line, what, "pass what is needed as an argument, or move it down")]
    if RANK[own] == RANK[other] == 1 and own != other and parts[2:3] != ["base"]:
        return [Finding(path, line, f"mlsys.{own} imports mlsys.{other}", f"only mlsys.{other}.base is open to others")]
    return []


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
