"""Libraries that a spec needs and this installation lacks: said before anything is read or trained."""

from __future__ import annotations

from importlib.util import find_spec

from mlsys.components import Component, components_in
from mlsys.errors import UsageError
from mlsys.spec import Spec


def is_complete(part: Component) -> bool:
    """Return whether all that a component imports is installed here."""
    return all(find_spec(module) is not None for module in part.libraries)


def missing_libraries(spec: Spec) -> list[UsageError]:
    """Return an error for each library that is not installed here, with the extra that brings it."""
    needed = {(part.kind, *each) for part in components_in(spec) for each in part.libraries.items()}
    return [
        UsageError(
            f"`kind: {kind}` needs the package '{module}', which is not installed",
            where=spec.pipeline,
            remedy=f"Install the extra `{extra}`: pip install 'mlsys[{extra}]'",
        )
        for kind, module, extra in sorted(needed)
        if find_spec(module) is None
    ]


def require_libraries(spec: Spec) -> None:
    """Refuse a spec that needs what is not installed.

    Raises:
        UsageError: the first one; `mlsys check` names all.
    """
    for error in missing_libraries(spec):
        raise error
