"""Fitted models on disk: pickled into the store, and loaded only when their bytes are those recorded."""

from __future__ import annotations

import io
import pickle
import warnings
from types import FunctionType
from typing import Any, BinaryIO, ClassVar

from mlsys.errors import RunError
from mlsys.store import Store

_PROTOCOL = 4  # fixed, so that a newer Python writes the same bytes; 5 fails on empty arrays in the Python pickler


class _CanonicalPickler(pickle._Pickler):  # type: ignore[misc]  # the one in C can't be told how to write a text
    """Writes equal texts as one, whether or not they are the same object.

    Pickle notes which objects are identical, and whether two equal texts are depends on what the process did before.
    Without this, the same fit has other bytes in a worker of Airflow than on the command line.
    """

    # Named one by one: `dill`, which Airflow imports, adds handlers of its own to the table of the base class, and a
    # model file would then need `dill` wherever it is loaded.
    dispatch: ClassVar[dict[type, Any]] = {
        kind: getattr(pickle._Pickler, f"save_{name}")
        for kind, name in (
            (type(None), "none"),
            (bool, "bool"),
            (int, "long"),
            (float, "float"),
            (bytes, "bytes"),
            (bytearray, "bytearray"),
            (tuple, "tuple"),
            (list, "list"),
            (dict, "dict"),
            (set, "set"),
            (frozenset, "frozenset"),
            (FunctionType, "global"),
            (type, "type"),
        )
    }

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, protocol=_PROTOCOL)
        self._texts: dict[str, str] = {}

    def save_str(self, text: str) -> None:
        """Write a text, or point to the equal one written before."""
        first = self._texts.setdefault(text, text)
        noted = self.memo.get(id(first))  # type: ignore[attr-defined]
        if noted is None:
            super().save_str(first)  # type: ignore[misc]
        else:
            self.write(self.get(noted[0]))  # type: ignore[attr-defined]

    dispatch[str] = save_str


def save(pipeline: Any, store: Store) -> tuple[str, int]:
    """Store a fitted pipeline and return its SHA-256 and its size in bytes; the same fit gives the same bytes."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        # A ufunc does not say where it lives: pickle asks every module, and Airflow's answer with deprecations.
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        _CanonicalPickler(file).dump(pipeline)
    data = file.getvalue()
    return store.put_bytes(data), len(data)


def load(digest: str, store: Store) -> Any:
    """Return the fitted pipeline of a SHA-256 that a record names; unpickling anything else could run foreign code.

    Raises:
        IntegrityError: the file is missing or its bytes are not those recorded; nothing was unpickled.
        RunError: the bytes are right, but the installed packages can't read them.
    """
    return unpickled(store.read_bytes(digest), where=str(store.path(digest)))


def unpickled(data: bytes, *, where: str) -> Any:
    """Return the fitted pipeline in the bytes of a model file; the caller has compared them with what was recorded.

    Raises:
        RunError: the installed packages can't read it; `where` names the file.
    """
    try:
        return pickle.loads(data)  # noqa: S301 - the digest was checked
    except (pickle.UnpicklingError, AttributeError, ImportError, EOFError, TypeError, ValueError) as error:
        # What unpickling raises when a class moved, vanished or changed its state between package versions.
        raise RunError(
            f"The model file can't be read with the installed packages: {type(error).__name__}: {error}",
            where=where,
            remedy="Install the package versions it was trained with, or fit the champion anew: `mlsys rehydrate NAME`",
        ) from error
