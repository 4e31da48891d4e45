"""`mlsys audit` and `mlsys rehydrate` on the command line: what they print, and their exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from given.forger import forge, other_reason

pytestmark = pytest.mark.slow


def test_an_export_is_said_in_words_and_as_json(shop: Path, mlsys: Callable[..., Any], tmp_path: Path) -> None:
    said = mlsys("audit", "shop", "--out", str(tmp_path / "one.zip"))
    assert said.code == 0
    assert "2 decisions, 1 versions, 2 report cards" in said.out
    told = json.loads(mlsys("audit", "shop", "--out", str(tmp_path / "two.zip"), "--json").out)
    assert told["verified"] is True
    assert told["sha256"] in said.out
    assert mlsys("audit", "shop", "--out", str(tmp_path / "two.zip")).code == 2
    assert mlsys("audit", "shop", "--out", str(tmp_path / "x.zip"), "--from", "yesterday").code == 2
    assert mlsys("audit", "shp", "--out", str(tmp_path / "x.zip")).code == 2


def test_a_rewritten_chain_is_exit_code_4_and_the_file_is_there(
    shop: Path, mlsys: Callable[..., Any], tmp_path: Path
) -> None:
    forge(shop, "shop", other_reason)
    said = mlsys("audit", "shop", "--out", str(tmp_path / "x.zip"))
    assert said.code == 4
    assert "the chain was rewritten" in said.err
    assert (tmp_path / "x.zip").is_file()


def test_nothing_is_fitted_anew_without_need(shop: Path, mlsys: Callable[..., Any]) -> None:
    said = mlsys("rehydrate", "shop", "--dry-run")
    assert said.code == 2
    assert "the packages are those of its promotion" in said.err
