"""Nobody asks a component what it is called: outside its class, no `kind` is compared with a component's name."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from findings import EXTENSION_FOLDERS, Finding, main, parsed, python_files

LOOKED_AT = ("mlsys", "dags", "plugins")
_REMEDY = "give the component a property or method, and ask that"


def check(root: Path) -> list[Finding]:
    """Return the comparisons with a component's kind below `root`."""
    trees = {path: parsed(path) for path, _ in python_files(root, LOOKED_AT)}
    extensions = tuple(root / "mlsys" / folder for folder in EXTENSION_FOLDERS)
    kinds = {k for path, tree in trees.items() if path.parent in extensions for k in component_kinds(tree)}
    found = []
    for path, tree in trees.items():
        for line, kind in _comparisons(tree, kinds):
            found.append(Finding(path, line, f"compares a kind with '{kind}'", _REMEDY))
    return found


def component_kinds(node: ast.AST) -> set[str]:
    """Return the names that classes below `node` give themselves by `kind: Literal["name"] = "name"`."""
    return {
        item.value.value
        for item in ast.walk(node)
        if isinstance(item, ast.AnnAssign)
        and ast.unparse(item.target) == "kind"
        and isinstance(item.value, ast.Constant)
        and isinstance(item.value.value, str)
    }


def _comparisons(node: ast.AST, kinds: set[str]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.ClassDef):
        kinds = kinds - component_kinds(node)
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        if any(_is_kind(side) for side in sides):
            yield from ((node.lineno, name) for side in sides for name in _literals(side) if name in kinds)
    elif isinstance(node, ast.Match) and _is_kind(node.subject):
        for case in node.cases:
            yield from ((case.pattern.lineno, name) for name in _literals(case.pattern) if name in kinds)
    for child in ast.iter_child_nodes(node):
        yield from _comparisons(child, kinds)


def _is_kind(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "kind"
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value == "kind"
    return isinstance(node, ast.Name) and node.id == "kind"


def _literals(node: ast.AST) -> list[str]:
    return [
        n.value
        for n in ast.walk(node)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value != "kind"
    ]


if __name__ == "__main__":
    sys.exit(main(check))
