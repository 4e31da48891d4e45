"""What a walk-forward report found before: small files below MLSYS_HOME/cache, which may be deleted at any time.

Renamed whole but not flushed to disk: hundreds of first-time entries would cost seconds. A file begins with the digest
of the rest, so that one torn by a power failure counts as not there.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

_DIGEST = 32


def recall(path: Path) -> bytes | None:
    """Return what was remembered, or None when it is missing or damaged."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return data[_DIGEST:] if hashlib.sha256(data[_DIGEST:]).digest() == data[:_DIGEST] else None


def remember(path: Path, data: bytes) -> None:
    """Keep `data` under `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
