"""Files that are no table are named for what they are."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from mlsys.drafting.other_kinds import require_text
from mlsys.errors import DataError, UsageError

CSV = b"id,x,y\n1,2,a\n"


def _tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        entry = tarfile.TarInfo("t.csv")
        entry.size = len(CSV)
        archive.addfile(entry, io.BytesIO(CSV))
    return made.getvalue()


def _zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("t.csv", CSV)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a pointer of Git LFS"),
        (_zip(), "a zip archive"),
        (_tar(), "a tar archive"),
        (json.dumps({"id": 1, "x": 2}).encode(), "JSON"),
        (json.dumps([{"id": 1}], indent=2).encode(), "JSON"),
        ("\ufeff{\n".encode(), "JSON"),
        (b"<!DOCTYPE html>\n<html>", r"HTML"),
        (b"  <table><tr><td>id</td></tr></table>", r"HTML"),
        (b"%PDF-1.7", "a PDF"),
        (b"ARROW1\0\0", "Arrow"),
        (gzip.compress(b"X\n\0\0\0\3", mtime=0), "of another program"),
    ],
)
def test_what_is_no_table_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        require_text(path)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        gzip.compress(CSV, mtime=0),
        CSV.decode().encode("utf-16"),
        b"[id],{x},y\n",
        b"{x},y\n",
        b"",
        b"<b>,<a\n",
        b"ORCA,y\n",
        b"RDX3,y\n",
    ],
)
def test_a_table_of_text_is_none_of_these(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    require_text(path)


def test_a_file_that_breaks_off_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(CSV * 99)[:30])
    with pytest.raises(DataError, match="half written or damaged"):
        require_text(path)
