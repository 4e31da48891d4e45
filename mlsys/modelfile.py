"""Fitted models on disk: pickled into the store, and loaded only when their bytes are those recorded."""

from __future__ import annotations

import pickle
from typing import Any

from mlsys.errors import RunError
from mlsys.store import Store

_PROTOCOL = 5  # fixed, so that a newer Python writes the same bytes


def save(pipeline: Any, store: Store) -> tuple[str, int]:
    """Store a fitted pipeline and return its SHA-256 and its size in bytes; the same fit gives the same bytes."""
    import cloudpickle

    data = cloudpickle.dumps(pipeline, protocol=_PROTOCOL)
    return store.put_bytes(data), len(data)


def load(digest: str, store: Store) -> Any:
    """Return the fitted pipeline of a SHA-256 that a record names; unpickling anything else could run foreign code.

    Raises:
        IntegrityError: the file is missing or its bytes are not those recorded; nothing was unpickled.
        RunError: the bytes are right, but the installed packages can't read them.
    """
    data = store.read_bytes(digest)
    try:
        return pickle.loads(data)  # noqa: S301 - the digest was checked
    except (pickle.UnpicklingError, AttributeError, ImportError, EOFError, TypeError, ValueError) as error:
        # What unpickling raises when a class moved, vanished or changed its state between package versions.
        raise RunError(
            f"The model file can't be read with the installed packages: {type(error).__name__}: {error}",
            where=str(store.path(digest)),
            remedy="Install the package versions it was trained with, or retrain",
        ) from error
