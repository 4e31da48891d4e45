"""Content-addressed files: a file's name is the SHA-256 of its bytes, so a name never changes meaning.

Files appear whole or not at all: written under a temporary name, flushed to disk, then renamed. Beside the store there
is one cache, `remember` and `recall`: of what is dear to find and may be lost.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlsys.errors import IntegrityError, RunError
from mlsys.shortages import explained, in_words
from mlsys.temporary import temporary_file, temporary_folder

_CHUNK = 1 << 20
_DIGEST = hashlib.sha256().digest_size


class Store:
    """Files below one folder, addressed by the SHA-256 of their content (64 lowercase hex digits)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def cache(self) -> Path:
        """Folder of what `remember` keeps, beside the store."""
        return self.root.with_name("cache")

    def put_bytes(self, data: bytes) -> str:
        """Store `data` and return its SHA-256; storing the same bytes again writes nothing, it only renews them."""
        digest = hashlib.sha256(data).hexdigest()
        if not self.renew(digest):
            with _writing(self._at(digest), needed=len(data)), temporary_file(self.root) as path:
                path.write_bytes(data)
                self._adopt(path, digest)
        return digest

    def renew(self, digest: str) -> bool:
        """Return whether a file is there, and make it count as new: whoever builds on it is safe from housekeeping."""
        try:
            os.utime(self._at(digest))
        except FileNotFoundError:
            return False
        except PermissionError:  # another user's file, or a store that may only be read
            return True
        return True

    def restore(self, digest: str, data: bytes) -> bool:
        """Write a lost or damaged file again, over what is there; False where these are not its bytes."""
        if hashlib.sha256(data).hexdigest() != digest:
            return False
        with _writing(self._at(digest), needed=len(data)), temporary_file(self.root) as path:
            path.write_bytes(data)
            self._adopt(path, digest)
        return True

    def put_json(self, value: Any) -> str:
        """Store `value` as canonical JSON (sorted keys, no NaN) and return its SHA-256."""
        return self.put_bytes(canonical_json(value))

    def put_file(self, path: Path) -> str:
        """Move the finished file at `path` (from `writing`) into the store and return its SHA-256."""
        digest = sha256_of(path)
        self._adopt(path, digest)
        return digest

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Give a temporary path on the store's own disk; whatever is left there afterwards is removed."""
        with in_words(self.root), temporary_file(self.root) as path:
            yield path

    @contextmanager
    def working(self) -> Iterator[Path]:
        """Give a temporary folder on the store's own disk, for what is made of several files; it is removed."""
        with in_words(self.root), temporary_folder(self.root) as folder:
            yield folder

    def path(self, digest: str) -> Path:
        """Return the path of a stored file.

        Raises:
            IntegrityError: it is not there.
        """
        path = self._at(digest)
        if not path.exists():
            raise IntegrityError(
                "A stored file is missing",
                where=str(path),
                remedy="Restore it from a backup of MLSYS_HOME/store",
            )
        return path

    def read_bytes(self, digest: str) -> bytes:
        """Return a stored file's bytes after checking them against their name.

        Raises:
            IntegrityError: missing, or changed since it was written.
        """
        data = self.path(digest).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise IntegrityError(
                "A stored file was changed after it was written",
                where=str(self._at(digest)),
                remedy="Restore it from a backup of MLSYS_HOME/store",
            )
        return data

    def read_json(self, digest: str) -> Any:
        """Return the value of a file written by `put_json`."""
        return json.loads(self.read_bytes(digest))

    def _at(self, digest: str) -> Path:
        return self.root / digest[:2] / digest[2:]

    def _adopt(self, path: Path, digest: str) -> None:
        target = self._at(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        settle(path, target, mode=0o444)


def remember(path: Path, data: bytes) -> None:
    """Keep what can be found again under `path`, below MLSYS_HOME/cache; whoever likes may delete it at any time.

    It is renamed whole but not flushed to disk: hundreds of first-time entries would cost seconds. The file begins with
    the digest of the rest, so that one torn by a power failure counts as not there.
    """
    with temporary_file(path.parent) as unfinished:
        unfinished.write_bytes(hashlib.sha256(data).digest() + data)
        unfinished.replace(path)


def recall(path: Path) -> bytes | None:
    """Return what `remember` kept, or None when it is missing, damaged or not readable."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data[_DIGEST:] if hashlib.sha256(data[_DIGEST:]).digest() == data[:_DIGEST] else None


def settle(temporary: Path, target: Path, *, mode: int = 0o644) -> None:
    """Make `temporary` durable and rename it to `target`: readers see the old file or the whole new one.

    Raises:
        RunError: the disk is full, or the folder may not be written; says how much room was needed.
    """
    with _writing(target, needed=temporary.stat().st_size):
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.chmod(mode)
    move(temporary, target)


def move(temporary: Path, target: Path) -> None:
    """Rename a file, or a folder to a name that is free, and make the new name durable.

    Raises:
        RunError: the disk is full or not writable, or a folder has the name already.
    """
    with _writing(target):
        temporary.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _writing(target: Path, *, needed: int | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = explained(error, where=target, needed=needed)
        remedy = "Look at that disk, then run again"
        raise told or RunError(f"Could not write: {error.strerror}", where=str(target), remedy=remedy) from error


def write_atomically(target: Path, data: bytes, *, mode: int = 0o644, begun_in: Path | None = None) -> None:
    """Write `data` to `target` so that no reader ever sees half of it.

    It is begun in the same folder, or in `begun_in` above it, where the next run finds what a killed process left.
    """
    with _writing(target, needed=len(data)), temporary_file(begun_in or target.parent) as path:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        settle(path, target, mode=mode)


def write_if_other(target: Path, data: bytes) -> bool:
    """Write a file whole unless it holds these bytes already; return whether it was written."""
    if target.is_file() and target.read_bytes() == data:
        return False
    write_atomically(target, data)
    return True


def canonical_json(value: Any) -> bytes:
    """Return `value` as JSON bytes that depend on its content alone.

    Raises:
        ValueError: NaN or infinity somewhere in it.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
