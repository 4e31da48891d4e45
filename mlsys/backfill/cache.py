"""What a walk-forward report found before: small files below MLSYS_HOME/cache, which may be deleted at any time.

Renamed whole but not flushed to disk: hundreds of first-time entries would cost seconds. A file begins with the digest
of the rest, so that one torn by a power failure counts as not there.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from mlsys.temporary import temporary_file

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
    with temporary_file(path.parent) as unfinished:
        unfinished.write_bytes(hashlib.sha256(data).digest() + data)
        unfinished.replace(path)
