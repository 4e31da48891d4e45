"""Libraries that only some pipelines need: imported when they are used, and named by the extra that brings them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mlsys.errors import UsageError


def load(module: str, *, extra: str, needed_by: str) -> Any:
    """Return an optional module.

    Args:
        module: its dotted name.
        extra: the extra of mlsys that installs it.
        needed_by: who asks for it, as it stands in the spec.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not f"{module}.".startswith(f"{error.name}."):
            raise  # it is installed, and misses something itself
        raise UsageError(
            f"{needed_by} needs the package '{error.name}', which is not installed",
            remedy=f"Install the extra `{extra}`: pip install 'mlsys[{extra}]'",
        ) from None
