"""A spec that needs a library which is not installed is refused before anything is read, with what brings it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from given.shop import SPEC, edit_spec, enter, make_shop

from mlsys.cli.main import invoke
from mlsys.planning.libraries import missing_libraries
from mlsys.spec import Spec, load_spec

SOURCES = {
    "excel": ("python_calamine", {"kind": "excel", "path": "/nowhere/*.xlsx", "event_time": "placed_at"}),
    "mongodb": ("pymongo", {"kind": "mongodb", "url": "mongodb://h", "database": "d", "collection": "c"}),
}
BLEND = {"kind": "blend", "of": ["logistic", {"kind": "catboost"}]}


def spec_with(folder: Path, **changes: object) -> Spec:
    path = folder / "shop.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(SPEC), **changes}, sort_keys=False), encoding="utf-8")
    return load_spec(path)


@pytest.mark.parametrize("kind", SOURCES)
def test_of_a_source(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, source = SOURCES[kind]
    spec = spec_with(tmp_path, source=source, split={"kind": "hash", "validation": 0.2, "holdout": 0.2})
    assert missing_libraries(spec) == []
    monkeypatch.setitem(sys.modules, module, None)
    (error,) = missing_libraries(spec)
    assert str(error) == (
        f"shop: `kind: {kind}` needs the package '{module}', which is not installed. "
        f"Install the extra `{kind}`: pip install 'mlsys[{kind}]'."
    )


def test_of_models_inside_others_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_with(tmp_path, models=["prior", {"kind": "lightgbm"}, BLEND])
    for module in ("lightgbm", "catboost"):
        monkeypatch.setitem(sys.modules, module, None)
    assert [str(error).split("'")[1] for error in missing_libraries(spec)] == ["catboost", "lightgbm"]


def test_of_made_up_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_with(tmp_path, models=["prior", {"kind": "logistic", "resample": {"kind": "smote"}}])
    assert missing_libraries(spec) == []
    monkeypatch.setitem(sys.modules, "imblearn", None)
    (error,) = missing_libraries(spec)
    assert "`kind: smote` needs the package 'imblearn'" in str(error)
    assert "pip install 'mlsys[imbalance]'" in str(error)


@pytest.mark.slow
def test_check_and_run_say_it_and_nothing_is_stored(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    make_shop(home, home / "pipelines", days=8)
    enter(home, monkeypatch)
    edit_spec(home / "pipelines", models=["prior", "logistic", "lightgbm"])
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    for command in ("check", "run", "preview"):
        assert invoke([command, "shop"]) == 2, command
        said = capfd.readouterr()
        assert "needs the package 'lightgbm', which is not installed" in said.out + said.err
        assert "pip install 'mlsys[boosting]'" in said.out + said.err
    assert not list((home / "store").rglob("*.parquet"))
