"""What must be installed to load a release: the packages that its model and its spec are made of, at our versions."""

from __future__ import annotations

import pickletools
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points, packages_distributions, version
from typing import Any

_NEEDED = ("cloudpickle", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost", "mlsys")
# Of what nearly all model files are made, by module: to look through all that is installed takes a second.
_KNOWN = {**{name: name for name in (*_NEEDED, "catboost", "lightgbm")}, "sklearn": "scikit-learn"}


def pinned_requirements(model: bytes, spec: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Return pinned requirements such as `numpy==2.4.6`, sorted; known in advance, because guessing them is slow.

    Args:
        model: the bytes of the model file.
        spec: what lies beside it, dumped; its components of other packages are needed to read it.
    """
    foreign = [*packages_of(model), *_packages_beside(spec or {})]
    return tuple(sorted({*_pinned(), *(f"{name}=={version(name)}" for name in foreign if name not in _NEEDED)}))


def packages_of(model: bytes) -> list[str]:
    """Return the distributions whose modules a model file names, sorted: what loading it imports."""
    modules = {module.partition(".")[0] for module in _modules(model)} - sys.stdlib_module_names
    others = packages_distributions() if modules - set(_KNOWN) else {}
    known = {**others, **{module: [name] for module, name in _KNOWN.items()}}
    return sorted({name for module in modules for name in known.get(module, ())[:1]})


def _modules(model: bytes) -> Iterator[str]:
    """Yield the modules of the classes and functions that a pickle names, by following its stack as far as texts go."""
    top: list[str | None] = [None, None]
    memo: dict[int, str | None] = {}
    for opcode, argument, _ in pickletools.genops(model):
        if opcode.name == "GLOBAL":
            yield str(argument).split(" ")[0]
        elif opcode.name == "STACK_GLOBAL" and top[0] is not None:
            yield top[0]
        if opcode.name == "MEMOIZE":
            memo[len(memo)] = top[1]
        elif "PUT" in opcode.name:
            memo[int(str(argument))] = top[1]
        elif "GET" in opcode.name:
            top = [top[1], memo[int(str(argument))]]
        elif opcode.name != "FRAME":
            top = [top[1], str(argument) if "UNICODE" in opcode.name else None]


def _packages_beside(spec: Mapping[str, Any]) -> list[str]:
    """Return the distributions that bring components of the names which a spec uses."""
    used = {*_kinds(spec), str(spec.get("metrics", {}).get("primary"))}
    installed = entry_points()
    groups = [group for group in installed.groups if group.startswith("mlsys.")]
    found = (point for group in groups for point in installed.select(group=group) if point.name in used)
    return [point.dist.name for point in found if point.dist is not None]


def _kinds(part: object) -> Iterator[str]:
    """Yield each `kind` in a dumped spec."""
    if isinstance(part, Mapping):
        yield from (str(part["kind"]) for _ in ("kind",) if "kind" in part)
        part = list(part.values())
    if isinstance(part, Sequence) and not isinstance(part, str):
        for each in part:
            yield from _kinds(each)


@cache
def _pinned() -> tuple[str, ...]:
    return tuple(f"{name}=={version(name)}" for name in _NEEDED)
