import os
from pathlib import Path

import pytest

from mlsys import store as stores
from mlsys.errors import IntegrityError, RunError
from mlsys.store import Store, canonical_json, write_atomically


def test_the_same_bytes_are_stored_once(store: Store) -> None:
    first = store.put_bytes(b"rows")
    file = store.path(first).stat().st_ino
    assert store.put_bytes(b"rows") == first
    assert store.path(first).stat().st_ino == file
    assert store.read_bytes(first) == b"rows"


def test_what_is_stored_again_or_built_upon_counts_as_new(store: Store) -> None:
    digest = store.put_bytes(b"rows")
    for again in (lambda: store.put_bytes(b"rows"), lambda: store.renew(digest)):
        os.utime(store.path(digest), (0, 0))
        again()
        assert store.path(digest).stat().st_mtime > 0
    assert not store.renew("0" * 64)


def test_a_finished_file_is_moved_in(store: Store) -> None:
    with store.writing() as path:
        path.write_bytes(b"segment")
        digest = store.put_file(path)
    assert store.read_bytes(digest) == b"segment"


def test_what_was_not_finished_leaves_nothing(store: Store) -> None:
    def write_half() -> None:
        with store.writing() as path:
            path.write_bytes(b"half")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        write_half()
    assert list(store.root.rglob("*")) == []


def test_a_changed_file_is_not_read(store: Store) -> None:
    digest = store.put_bytes(b"model")
    path = store.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"other")
    with pytest.raises(IntegrityError, match="changed after it was written"):
        store.read_bytes(digest)


def test_a_missing_file_is_named(store: Store) -> None:
    with pytest.raises(IntegrityError, match="missing"):
        store.read_bytes("0" * 64)


def test_nan_is_no_json() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"auc": float("nan")})


def test_a_full_disk_is_one_clear_error_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "file"
    write_atomically(target, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stores.os, "fsync", full)
    with pytest.raises(RunError, match=r"No space left on device.*Free some disk space"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
