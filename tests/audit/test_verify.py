"""Whatever byte of whatever member is changed, the verifier finds it; and it runs on the oldest Python it promises."""

from __future__ import annotations

import ast
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlsys.audit import export, verify

pytestmark = pytest.mark.slow


def copied(source: Path, target: Path, changed: dict[str, bytes], extra: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name, old.read(name)))
        for name, data in (extra or {}).items():
            new.writestr(name, data)
    return target


@pytest.fixture
def exported(work, tmp_path: Path) -> Path:
    return export.audit(work, "shop", out=tmp_path / "whole.zip").path


def test_any_changed_byte_is_found(exported: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.sampled_from(sorted(members)), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
    def changed(name: str, place: float, by: int) -> None:
        data = bytearray(members[name])
        data[int(place * len(data))] ^= by
        target = copied(exported, tmp_path / "changed.zip", {name: bytes(data)})
        assert verify.verify(target)[1], name

    changed()
    assert verify.verify(copied(exported, tmp_path / "same.zip", {}))[1] == []


def test_a_member_that_was_added_or_taken_away_is_found(exported: Path, tmp_path: Path) -> None:
    added = copied(exported, tmp_path / "added.zip", {}, {"reports/other.html": b"<p>better</p>"})
    assert any("reports/other.html" in text for text in verify.verify(added)[1])
    with zipfile.ZipFile(exported) as zipped:
        zipped.extractall(tmp_path / "folder")
    (tmp_path / "folder" / "anchors.json").unlink()
    assert verify.verify(tmp_path / "folder")[1]


def test_a_forger_who_makes_the_manifest_anew_is_found_by_the_chain(exported: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    for name, old, new in (
        ("chain.jsonl", b"first champion", b"finest champion"),
        ("decisions.csv", b"promote", b"rejects"),
        ("anchors.json", b'"seq": ', b'"seq": 1'),
    ):
        forged = {**members, name: members[name].replace(old, new, 1)}
        assert forged[name] != members[name]
        listed = {
            key: verify.digest_of(__import__("io").BytesIO(data))
            for key, data in forged.items()
            if key != verify.MANIFEST
        }
        forged[verify.MANIFEST] = verify.manifest_of(listed)
        wrong = verify.verify(copied(exported, tmp_path / f"{name}.zip", forged))[1]
        assert wrong, name
        assert not any("manifest" in text for text in wrong)


def test_something_else_is_no_export(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no zip file")
    assert verify.verify(tmp_path / "x.zip")[1]
    assert verify.verify(tmp_path / "nowhere.zip")[1]


def test_it_is_written_for_python_3_9_and_imports_nothing_else() -> None:
    tree = ast.parse(Path(verify.__file__).read_text(encoding="utf-8"), feature_version=(3, 9))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {"__future__", "csv", "hashlib", "io", "json", "pathlib", "re", "sys", "typing", "zipfile"}
