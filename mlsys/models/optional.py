"""Libraries that not every installation has."""

from __future__ import annotations

import importlib
from typing import Any

from mlsys.errors import UsageError


def optional(library: str, *, extra: str, needed_by: str) -> Any:
    """Return the module of a library that `pip install "mlsys[extra]"` brings along.

    Args:
        library: the module's name.
        extra: the optional dependencies that it belongs to.
        needed_by: where it is asked for, such as `models: lightgbm`.

    Raises:
        UsageError: it is not installed, or can't be loaded here (its shared libraries, say).
    """
    try:
        return importlib.import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        raise UsageError(
            f"The library {library} is not installed", where=needed_by, remedy=f'Try: pip install "mlsys[{extra}]"'
        ) from error
    except OSError as error:  # LightGBM needs the OpenMP runtime of the system
        raise UsageError(
            f"The library {library} can't be loaded: {error}",
            where=needed_by,
            remedy="Install what it misses (for libgomp.so.1: `apt-get install libgomp1`)",
        ) from error
