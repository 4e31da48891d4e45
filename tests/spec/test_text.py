"""Whatever a spec file holds, reading it gives a spec or one error that names file and line."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from pathlib import Path

import pytest
from given.shop import SPEC
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlsys.errors import SpecError
from mlsys.spec import load_spec, resolve
from mlsys.spec.overrides import apply
from mlsys.spec.text import parsed, read

LAST = SPEC.count("\n") + 1


def refused(folder: Path, content: str | bytes) -> str:
    path = folder / "shop.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert len(text) < 1200
    return text.removeprefix(str(folder) + "/")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("? [a, b]\n: 1", f"shop.yaml:{LAST}: A key is a text"),
        ("{a: b}: 1", f"shop.yaml:{LAST}: A key is a text"),
        ("owner: {{ team }}", f"shop.yaml:{LAST}: owner: A key is a text, not a list or a mapping. Quote a text"),
        ("on: 1", f"shop.yaml:{LAST}: A key is a text, and YAML reads a bare on as the boolean true. Quote it"),
        ("<<: {a: 1}", "A spec takes no `<<`"),
        ("tags: &a [*a]", f"shop.yaml:{LAST}: tags.0: An anchor holds itself"),
        ("tags: &a {b: *a}", "An anchor holds itself"),
        ("tags: " + "[" * 40 + "]" * 40, "at most 32 levels deep"),
        ("tags: " + "[" * 3000, f"shop.yaml:{LAST}: Not valid YAML"),
        (
            "training: {seed: " + "7" * 5000 + "}",
            f"shop.yaml:{LAST}: training.seed: A whole number has at most 64 bits",
        ),
        ("training: {seed: 9223372036854775808}", "A whole number has at most 64 bits"),
        ("metrics: {threshold: .nan}", "stands twice"),
        ("training: {timeout: .inf}", "training.timeout: A number is finite"),
        (
            "tags: [2026-02-30]",
            f"shop.yaml:{LAST}: tags.0: Not valid YAML: '2026-02-30' looks like a value of type timest",
        ),
        ("tags: [!!int x]", "looks like a value of type int"),
        ("tags: [!!bool maybe]", "looks like a value of type bool"),
        ("tags: !!set {a}", "a spec has no values of type"),
        ("tags: [!!binary aGk=]", "a spec has no values of type"),
        (r'owner: "\ud800"', "half of a surrogate pair"),
        (r'owner: "\0"', "A text has no NUL"),
        (r'owner: "\UFFFFFFFF"', f"shop.yaml:{LAST}: Not valid YAML"),
        ("owner: a\nowner: b", f"shop.yaml:{LAST + 1}: Not valid YAML: key `owner` stands twice"),
        ("owner: [", "Not valid YAML"),
        ("owner: \x07", f"shop.yaml:{LAST}: Not valid YAML: special characters"),
        ("owner: *nobody", "undefined alias"),
        ("--- a", "Not valid YAML"),
    ],
)
def test_what_yaml_can_hold_and_a_spec_cant_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    assert message in refused(tmp_path, f"{SPEC}{line}\n")


@pytest.mark.slow
def test_anchors_that_multiply_are_refused_before_they_do(tmp_path: Path) -> None:
    names = "abcdefgh"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]" for below, name in itertools.pairwise(names)]
    assert "A spec holds at most 50,000 values" in refused(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"pipeline: shop\nowner: \xff\n",
            "shop.yaml:2: The spec can't be read: byte 23 is no UTF-8. Save it as UTF-8",
        ),
        (b"", "shop.yaml:1: A spec is a mapping of keys"),
        (b"- a\n", "shop.yaml:1: A spec is a mapping of keys (got ['a'])"),
        (b"#" * (1 << 21), "A spec has at most 1,048,576 bytes"),
    ],
)
def test_what_is_no_spec_at_all(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in refused(tmp_path, content)


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    for name, message in (("folder", "this is none"), ("pipe", "this is none"), ("gone", "no such spec")):
        with pytest.raises(SpecError, match=message):
            load_spec(tmp_path / f"{name}.yaml")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC)
    monkeypatch.setattr(Path, "read_bytes", lambda _: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(SpecError, match="can't be read: Permission denied"):
        load_spec(tmp_path / "shop.yaml")


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_any_change_of_a_spec_is_a_spec_or_one_error(tmp_path: Path, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SPEC)))
    end = data.draw(st.integers(start, min(len(SPEC), start + 30)))
    odd = st.sampled_from(
        ["{a: b}", "[", "? ", "&a [*a]", "01", "NO", "!!int x", "2026-02-30", "\x00", "\\U", "'", "<<: "]
    )
    text = SPEC[:start] + data.draw(odd | st.text(max_size=12)) + SPEC[end:]
    path = tmp_path / "shop.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with suppress(SpecError):  # any other error fails the test
        assert load_spec(path).pipeline == "shop"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_one_error(tmp_path: Path, data: bytes) -> None:
    refused(tmp_path, data)


def test_each_key_path_knows_its_line_and_a_missing_one_its_parents(tmp_path: Path) -> None:
    document = parsed(tmp_path / "shop.yaml", SPEC)
    lines = SPEC.split("\n")
    for keys, written in document.written.items():
        if keys and not keys[-1].isdigit():
            line = int(written.origin.rpartition(":")[2])
            assert keys[-1] in lines[line - 1]
    line = lines.index("  - {kind: logistic}") + 1
    assert document.place("models.0.tol") == f"{tmp_path}/shop.yaml:{line}: models.0.tol"
    assert document.place("nothing") == f"{tmp_path}/shop.yaml:2: nothing"


def test_tokens_are_what_stands_in_the_text(tmp_path: Path) -> None:
    document = parsed(tmp_path / "shop.yaml", SPEC)
    for keys, written in document.written.items():
        if written.token:
            assert document.text[slice(*written.token)].strip("\"'") == written.text
        if written.key:
            assert document.text[slice(*written.key)] == keys[-1]


def test_an_override_says_where_its_value_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(SPEC)
    with pytest.raises(SpecError, match=r"^--set: models\.0\.C: must be a number, got 'big'"):
        resolve(path, ["models.0.C=big"])
    with pytest.raises(SpecError, match=r"^--set: models\.0\.C: A key is a text"):
        resolve(path, ["models.0.C={{a}}"])
    monkeypatch.setenv("MLSYS_SET", "models.0.C=[")
    with pytest.raises(SpecError, match=r"^MLSYS_SET: Not valid YAML"):
        resolve(path)


def test_an_override_replaces_what_was_written_below_it(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(SPEC)
    document = read(path)
    apply(document, "models.0={kind: prior}")
    assert document.written[("models", "0", "kind")].text == "prior"
    assert document.place("models.0.kind") == "--set: models.0.kind"
