"""Whatever a name or a value is, YAML reads it back, as a block, in flow style, and as a spec wants it."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlsys.drafting.yaml_text import Text, block, in_flow, key, line
from mlsys.spec.text import parsed

LETTERS = string.printable + "äß名\u00a0\u2028\ufeff😀"
TEXTS = st.text(LETTERS, max_size=30)
VALUES = st.one_of(
    TEXTS, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)


@pytest.mark.slow
@given(st.dictionaries(TEXTS, st.lists(VALUES, max_size=4), max_size=4))
def test_yaml_reads_it_back(value: dict[str, list[object]]) -> None:
    assert yaml.safe_load(in_flow(value)) == value
    lines = [
        part for name, item in value.items() for part in line(f"{key(name)}: {in_flow(item)}", "a # comment: here")
    ]
    assert (yaml.safe_load("\n".join(lines)) or {}) == value


@pytest.mark.slow
@given(TEXTS)
def test_a_spec_reads_it_back(name: str) -> None:
    if any(character in name for character in "\0\ud800"):
        return
    document = parsed(Path("x.yaml"), "\n".join(block("schema", [(f"{key(name)}: {in_flow(Text(name))}", "why")])))
    assert document.mapping == {"schema": {name: name}}


def test_a_long_comment_stands_above() -> None:
    lines = line("- {kind: not_null}", "word " * 40, indent=2)
    assert len(lines) > 1
    assert all(len(each) <= 120 and each.startswith("  # ") for each in lines[:-1])
    assert lines[-1] == "  - {kind: not_null}"


@pytest.mark.parametrize("text", ["1e3", "0o17", "010", "1_0"])
def test_what_looks_like_a_number_is_quoted(text: str) -> None:
    assert in_flow(text) in (f'"{text}"', f"'{text}'")
