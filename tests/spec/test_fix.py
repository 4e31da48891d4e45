"""Misspelt names are replaced, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.shop import SPEC

from mlsys.errors import SpecError
from mlsys.spec.fix import diff, mended, renamed
from mlsys.spec.text import read

SLIPS = [
    ("models:", "modles:   # the candidates"),
    ("{kind: logistic}", "{kind: logistc}   # fit"),
    ("{kind: logistic}", "{kind: 'logistc'}"),
    ("{kind: logistic}", '{kind: "logistc"}'),
    ("- {kind: prior}", "- priro"),
    ("column: channel}", "column: chanel}"),
    ("key: order_no", "key: order_nr"),
    ("key: order_no", "key: [order_nr]"),
    ("positive:", "positiv:"),
    ("gift: boolean", "gift: bolean"),
    ("gift: boolean", "gift: {type: bolean}"),
    ("metric: roc_auc, at", "metric: roc_acu, at"),
    ("{primary: roc_auc", "{primary: roc_uac"),
    ("kind: time", "kind: tiem"),
    ("table: orders", "tabel: orders"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.yaml"


@pytest.mark.parametrize(("right", "wrong"), SLIPS)
def test_one_slip_is_mended_and_its_neighbours_stay(path: Path, right: str, wrong: str) -> None:
    text = SPEC.replace(right, wrong, 1)
    path.write_text(text, encoding="utf-8")
    found = mended(path)
    assert read(path).text == text
    path.write_text(found, encoding="utf-8")
    assert mended(path) == found
    comment = wrong.partition("#")[2]
    assert comment in found
    changed = diff(path, text)
    assert (changed.count("\n-"), changed.count("\n+")) == (1, 2)  # the line, and the file's name


@pytest.mark.slow
def test_all_slips_are_mended(path: Path) -> None:
    text = SPEC
    for right, wrong in SLIPS:
        text = text.replace(right, wrong, 1)
    path.write_bytes(text.replace("\n", "\r\n").encode())
    found = mended(path)
    assert found.count("\r\n") == text.count("\n")
    path.write_bytes(found.encode())
    assert mended(path) == found
    assert "modles" not in found


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("{kind: prior}", "{kind: nonsense_zzz}"),
        ("metrics:", "modles: []\nmetrics:"),
        ("metrics:", "training: {seed: x}\nmetrics:"),
    ],
)
def test_what_no_name_explains_stays(path: Path, right: str, wrong: str) -> None:
    text = SPEC.replace(right, wrong, 1)
    path.write_text(text, encoding="utf-8")
    assert mended(path) == text


def test_what_is_no_yaml_is_refused(path: Path) -> None:
    path.write_text("owner: [", encoding="utf-8")
    with pytest.raises(SpecError, match="Not valid YAML"):
        mended(path)


def test_a_name_that_needs_quotes_gets_them(path: Path) -> None:
    text = SPEC.replace("gift: boolean", "'no, thanks: #1': boolean").replace(
        "column: channel}", "column: no thanks 1}"
    )
    path.write_text(text, encoding="utf-8")
    assert "column: 'no, thanks: #1'}" in mended(path)


def test_a_name_that_the_data_dont_have_is_replaced_where_the_spec_says_what_it_reads(path: Path) -> None:
    path.write_text(SPEC.replace("table: orders", "table: orderz"), encoding="utf-8")
    assert renamed(path, "orderz", "orders") == SPEC
    path.write_text(SPEC, encoding="utf-8")
    assert "  gifts: boolean" in renamed(path, "gift", "gifts")
    assert renamed(path, "nowhere", "x") == SPEC
