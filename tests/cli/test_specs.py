"""`mlsys check` with broken specs beside whole ones, `check --fix` and `schema`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from given.shop import SPEC, make_shop

from mlsys.cli.main import invoke


@pytest.fixture
def shop(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of specs of a home in which nothing ever ran."""
    make_shop(home, home / "pipelines", days=8)
    monkeypatch.setenv("MLSYS_PIPELINES", str(home / "pipelines"))
    return home / "pipelines"


def test_the_exit_codes_stand_in_the_help(mlsys) -> None:
    answer = mlsys("--help")
    assert "Exit codes: 0 done or skipped" in answer.out
    assert "\\b" not in answer.out


@pytest.mark.slow
def test_check_goes_on_with_the_others_whatever_is_broken(mlsys, shop: Path) -> None:
    broken = {
        "braces": b"owner: {{ team }}",
        "bytes": b"\xff",
        "digits": b"training: {seed: " + b"1" * 5000 + b"}",
        "keys": b"{a: b}: 1",
        "self": b"source: &a [*a]",
    }
    for name, content in broken.items():
        (shop / f"{name}.yaml").write_bytes(content)
    (shop / "folder.yaml").mkdir()
    answer = mlsys("check")
    assert answer.code == 2
    assert "shop: ok" in answer.out
    assert "Traceback" not in answer.err
    for name in (*broken, "folder"):
        assert f"{name}: {shop}/{name}.yaml" in answer.out


@pytest.mark.slow
def test_check_goes_on_after_a_mistake_of_its_own(mlsys, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop / "other.yaml").write_text(SPEC.replace("pipeline: shop", "pipeline: other"))
    from mlsys.planning import preview

    original = preview.judge_newest

    def judge(work, spec):
        return 1 / 0 if spec.pipeline == "other" else original(work, spec)

    monkeypatch.setattr(preview, "judge_newest", judge)
    answer = mlsys("check")
    assert answer.code == 4
    assert "other: the check itself failed: ZeroDivisionError" in answer.out
    assert "shop: ok" in answer.out


@pytest.mark.slow
def test_fix_replaces_what_is_misspelt_and_shows_it(mlsys, shop: Path) -> None:
    path = shop / "shop.yaml"
    text = SPEC.replace("{kind: logistic}", "{kind: logistc}  # the plain one").replace(
        "column: channel}", "column: chanel}"
    )
    path.write_text(text)
    path.chmod(0o600)
    answer = mlsys("check", "shop")
    assert answer.code == 2
    assert path.read_text() == text
    answer = mlsys("check", "shop", "--fix")
    assert answer.code == 0
    assert "-  - {kind: logistc}  # the plain one\n+  - {kind: logistic}  # the plain one\n" in answer.out
    assert answer.out.endswith("shop: ok\n")
    assert path.read_text() == SPEC.replace("{kind: logistic}", "{kind: logistic}  # the plain one")
    assert path.stat().st_mode & 0o777 == 0o600
    assert mlsys("check", "shop", "--fix").out == "shop: ok\n"


@pytest.mark.slow
def test_fix_takes_names_from_the_data(mlsys, shop: Path) -> None:
    path = shop / "shop.yaml"
    text = SPEC.replace("table: orders", "table: orderz").replace("basket_value", "basket_valeu")
    path.write_text(text)
    answer = mlsys("check", "shop", "--fix")
    assert answer.code == 0
    assert answer.out.count("\n+") == 4  # the file's name, the table, and one column in two places
    assert path.read_text() == SPEC


@pytest.mark.slow
def test_schema_prints_the_schema(mlsys) -> None:
    answer = mlsys("schema")
    assert answer.code == 0
    assert json.loads(answer.out)["title"] == "A pipeline of mlsys"


@pytest.mark.long
def test_mlflows_own_lines_keep_to_the_log_level(home: Path, shop: Path) -> None:
    make_shop(home, shop, days=12)
    command = [sys.executable, "-m", "mlsys", "run", "shop"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "MLSYS_LOG_LEVEL": "WARNING"}, check=True
    )
    assert "INFO" not in done.stderr


def test_a_command_that_is_none_is_wrong_usage() -> None:
    assert invoke(["chekc"]) == 2
