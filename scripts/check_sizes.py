"""Sizes that keep a file readable, and the shape of an extension folder."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from findings import EXTENSION_FOLDERS, Finding, main, parsed, python_files

FILE_LINES = 400
FUNCTION_LINES = 40
POSITIONAL = 5
CONTRACT_LINES = 60
ABSTRACT_METHODS = 3
DAG_LINES = 25
TABLE_LINES = 40
SHARED = "reading"  # the one folder inside an extension folder: how sources read files and databases
_NO_FUNCTION_LIMIT = ("mlsys/ledger/migrations/",)  # a migration is a list of columns

Function = ast.FunctionDef | ast.AsyncFunctionDef


def check(root: Path) -> list[Finding]:
    """Return what is too large below `root`."""
    found: list[Finding] = []
    for path, name in python_files(root):
        lines = path.read_text(encoding="utf-8").count("\n")
        limit = DAG_LINES if name.startswith("dags/") else FILE_LINES
        if lines > limit:
            found.append(Finding(path, limit + 1, f"{lines} lines, more than {limit}", "split it by subject"))
        tree = parsed(path)
        for node in ast.walk(tree):
            if isinstance(node, Function):
                found += _function(path, node, counted=not name.startswith(_NO_FUNCTION_LIMIT))
    for folder in EXTENSION_FOLDERS:
        if (root / "mlsys" / folder).is_dir():
            found += _extension_folder(root / "mlsys" / folder)
    return found


def code_lines(path: Path) -> int:
    """Return the lines of a file that are neither blank, comment nor docstring."""
    tree = parsed(path)
    docs: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node) is not None:
            docs.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    numbered = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return sum(1 for n, line in numbered if n not in docs and line.strip() and not line.lstrip().startswith("#"))


def _function(path: Path, node: Function, *, counted: bool) -> list[Finding]:
    found = []
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
    if counted and lines > FUNCTION_LINES and not _is_data(body):
        what = f"{node.name} has {lines} lines, more than {FUNCTION_LINES}"
        found.append(Finding(path, node.lineno, what, "give a part of it a name of its own"))
    names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)]
    n_positional = len(names) - (names[:1] in (["self"], ["cls"]))
    called_by_click = any(ast.unparse(decorator).startswith("click.") for decorator in node.decorator_list)
    if n_positional > POSITIONAL and not called_by_click:
        what = f"{node.name} takes {n_positional} positional parameters, more than {POSITIONAL}"
        found.append(Finding(path, node.lineno, what, "make the rest keyword-only, or pass a record"))
    return found


def _is_data(body: list[ast.stmt]) -> bool:
    # A few simple statements, however long, are records written down, not logic to follow.
    return len(body) <= 4 and all(isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr) for node in body)


def _extension_folder(folder: Path) -> list[Finding]:
    found = []
    for name in ("__init__.py", "base.py"):
        if not (folder / name).is_file():
            return [Finding(folder, 1, f"no {name}", "an extension folder has a table and a contract")]
    found += [
        Finding(path, 1, "neither table, contract nor component", "an extension folder holds Python files alone")
        for path in sorted(folder.iterdir())
        if path.name not in ("__pycache__", SHARED) and path.suffix != ".py"
    ]
    return found + _table(folder / "__init__.py") + _contract(folder / "base.py") + _unlisted(folder)


def _table(path: Path) -> list[Finding]:
    found = []
    lines = path.read_text(encoding="utf-8").count("\n")
    if lines > TABLE_LINES:
        found.append(
            Finding(path, TABLE_LINES + 1, f"{lines} lines, more than {TABLE_LINES}", "imports and the table alone")
        )
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr)
    found += [
        Finding(path, node.lineno, "code beside the table", "imports and the table alone")
        for node in parsed(path).body
        if not isinstance(node, allowed)
    ]
    return found


def _contract(path: Path) -> list[Finding]:
    found = []
    lines = code_lines(path)
    if lines > CONTRACT_LINES:
        what = f"a contract of {lines} code lines, more than {CONTRACT_LINES}"
        found.append(Finding(path, 1, what, "a contract fits on one screen"))
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ClassDef):
            abstract = [f for f in node.body if isinstance(f, Function) and _is_abstract(f)]
            if len(abstract) > ABSTRACT_METHODS:
                what = f"{node.name} has {len(abstract)} abstract methods, more than {ABSTRACT_METHODS}"
                found.append(Finding(path, node.lineno, what, "ask less of each component"))
    return found


def _is_abstract(node: Function) -> bool:
    return any("abstractmethod" in ast.unparse(decorator) for decorator in node.decorator_list)


def _unlisted(folder: Path) -> list[Finding]:
    modules = {path.stem: path for path in folder.glob("*.py") if path.stem not in ("__init__", "base")}
    named: set[str] = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                named |= {node.module.split(".")[-1], *(alias.name for alias in node.names)}
    return [
        Finding(path, 1, f"{stem} is in no table", f"name its component in mlsys/{folder.name}/__init__.py")
        for stem, path in sorted(modules.items())
        if stem not in named
    ]


if __name__ == "__main__":
    sys.exit(main(check))
