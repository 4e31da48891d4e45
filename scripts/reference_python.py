"""docs/python.md, from `mlsys.__all__`: every public name with its signature and its docstring."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from made_pages import MADE

import mlsys
from mlsys.errors import MlsysError

PAGE = "docs/python.md"
_INTRODUCTION = """# Python

{made}
What `import mlsys` offers; each name is loaded when it is first used. These names change with a note in the changelog
alone; whatever is not listed here may change with any version.
"""
_GROUPS = {
    "Using a champion": ("load_champion", "Champion"),
    "Retraining": ("open_workspace", "Workspace", "RunRequest", "run"),
    "Specs": ("load_spec", "Spec"),
    "Contracts of components": (
        *("Source", "Check", "Splitter", "Features", "Model", "Metric", "Gate", "Registry", "Monitor", "Target"),
        "Flaw",
    ),
}
_ERRORS = "Errors"
_NOTES = {
    "Retraining": """```python
import mlsys

with mlsys.open_workspace() as work:
    finished = mlsys.run(work, mlsys.RunRequest("phishing", mode="dry"))
finished.version.sentence
```
""",
    "Contracts of components": """\
A component is a subclass with a `kind`, fields of its own, and the methods below; it is named by an entry point of
the group (`mlsys.models`, `mlsys.gates` ...) and tested with the contracts of `mlsys.testing`
([where to add](../DEVELOPERS.md#where-to-add)).
""",
    _ERRORS: "All are raised on purpose, with a readable `str()`; [errors](errors.md) has the messages.\n",
}
_SECTION = re.compile(r"^(Args|Attributes|Raises|Yields):$")
_DEFAULT = re.compile(r"(: [^,=]+)=")
_ENTRY = re.compile(r"^    ([\w., *]+): (.*)$")


def page() -> str:
    """Return the page.

    Raises:
        ValueError: a public name has no place on it.
    """
    public = [name for name in mlsys.__all__ if not name.startswith("_")]
    errors = [name for name in public if _is_error(getattr(mlsys, name))]
    groups = {**_GROUPS, _ERRORS: errors}
    left = set(public) - {name for names in groups.values() for name in names}
    if left:
        raise ValueError(f"Name a group in scripts/reference_python.py for {', '.join(sorted(left))}")
    parts = [_INTRODUCTION.format(made=MADE.format("`mlsys.__all__`"))]
    for title, names in groups.items():
        parts += [f"## {title}\n", *([_NOTES[title]] if title in _NOTES else [])]
        parts += [_entry(name, getattr(mlsys, name)) for name in names]
    return "\n".join(parts)


def _entry(name: str, value: Any) -> str:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(value))).body
    if isinstance(node, ast.ClassDef):
        lines = list(_class(node, fields=dataclasses.is_dataclass(value)))
        exit_code = f"\nExit code {value.exit_code}.\n" if _is_error(value) else ""
    else:
        lines, exit_code = [_signature(node)], ""
    code = "\n".join(lines)
    return f"### {name}\n\n```python\n{code}\n```\n\n{prose(inspect.cleandoc(value.__doc__ or ''))}{exit_code}"


def _class(node: ast.ClassDef, *, fields: bool) -> Iterator[str]:
    """Yield the head of a class, its fields where they are given to it, and its public methods in a line each."""
    yield f"class {node.name}({', '.join(map(ast.unparse, node.bases))})" if node.bases else f"class {node.name}"
    for part in node.body:
        if fields and isinstance(part, ast.AnnAssign) and not ast.unparse(part.target).startswith("_"):
            yield f"    {ast.unparse(part)}"
        elif isinstance(part, ast.FunctionDef) and (part.name == "__init__" or not part.name.startswith("_")):
            yield f"    {_signature(part)}"
            first = (ast.get_docstring(part) or "").partition("\n")[0]
            yield from textwrap.wrap(first, 108, initial_indent="        # ", subsequent_indent="        # ")


def _signature(node: ast.stmt) -> str:
    assert isinstance(node, ast.FunctionDef)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    if any(ast.unparse(mark) in ("property", "cached_property") for mark in node.decorator_list):
        return f"{node.name}{returns.replace(' ->', ':')}"
    arguments = _DEFAULT.sub(r"\1 = ", ast.unparse(node.args))
    return f"{node.name}({arguments}){returns}"


def prose(doc: str) -> str:
    """Return a docstring as Markdown: its sections of entries become lists."""
    lines: list[str] = []
    inside = False
    for line in doc.splitlines():
        section, entry = _SECTION.match(line), _ENTRY.match(line) if inside else None
        if section:
            inside = True
            lines += [f"**{section[1]}**", ""]
        elif entry:
            lines.append(f"- `{entry[1].strip()}`: {entry[2]}")
        elif inside and line.startswith("     "):
            lines.append(f"  {line.strip()}")
        else:
            inside = inside and not line.strip()
            lines.append(line)
    return "\n".join(lines) + "\n"


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, MlsysError)
