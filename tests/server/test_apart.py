"""A champion that a process of its own has loaded answers here as it did there, without the libraries of training."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from given.served_champions import COLUMNS, SPARSE, champion_of, sites

from mlsys import clock, serving
from mlsys.errors import IntegrityError, RunError
from mlsys.models.logistic import Logistic
from mlsys.models.xgboost_model import XGBoost
from mlsys.registries.files import MODEL, folder_of
from mlsys.server import served
from mlsys.server.apart import LoadsApart, pickled
from mlsys.server.known import TrainedOn
from mlsys.server.served import ServedModel
from mlsys.server.shelf import Shelf
from mlsys.serving import Champion, champion_in
from mlsys.serving.fast import converted
from mlsys.serving.fast_rows import given_rows
from mlsys.serving.light import LightChampion, light_champion, without_model
from mlsys.workspace import Workspace

ROWS = given_rows(COLUMNS, sites(100, seed=1)[0])
_ASK = """
import json, pickle, sys
rows = json.loads(sys.stdin.read())
model, _ = pickle.load(open(sys.argv[1], "rb"))
answers = [model.answers(rows).tolist(), model.answers(rows[:1]).tolist(), model.watch.noticed(rows)]
heavy = {"sklearn", "scipy", "pandas", "pyarrow", "xgboost"} & set(sys.modules)
print(json.dumps([answers, sorted(heavy)]))
"""


def release(work: Workspace) -> Path:
    """Return the folder of the shop's champion."""
    change = work.ledger.champion("shop")
    assert change is not None
    found = folder_of("shop", change.candidate_id, work.home)
    assert found is not None
    return found


def loaded(kind: XGBoost | Logistic, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ServedModel:
    """Let a folder hold a champion of a kind."""
    champion = champion_of(kind, SPARSE, folder=folder)
    known = TrainedOn.beside(folder, champion.features)
    model = ServedModel(champion, 1, clock.now(), known=known, watch=known.watch(), fast=converted(champion))
    monkeypatch.setattr(serving, "champion_in", lambda *_, **__: champion)
    monkeypatch.setattr(served, "load_folder", lambda *_, **__: model)
    return model


@pytest.mark.slow
def test_it_needs_nothing_that_trained_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(XGBoost(n_estimators=20), tmp_path, monkeypatch)
    written = tmp_path / "pickle"
    written.write_bytes(pickled("folder", "sites", 1))
    done = subprocess.run(
        [sys.executable, "-c", _ASK, str(written)], input=json.dumps(ROWS), capture_output=True, text=True, check=True
    )
    answers, heavy = json.loads(done.stdout)
    assert heavy == []
    assert answers == [model.answers(ROWS).tolist(), model.answers(ROWS[:1]).tolist(), model.watch.noticed(ROWS)]
    light, said = pickle.loads(written.read_bytes())
    assert isinstance(light.champion, LightChampion)
    assert "model" not in vars(light.champion)
    np.testing.assert_array_equal(light.answers(light.known.examples), said)


@pytest.mark.slow
def test_what_does_not_stand_alone_is_left_to_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(Logistic(), tmp_path, monkeypatch)
    assert pickle.loads(pickled("folder", "sites", 1)) is None


def test_an_error_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Champion:
        raise ValueError("no such thing")

    monkeypatch.setattr(serving, "champion_in", broken)
    found = pickle.loads(pickled("folder", "sites", 1))
    assert isinstance(found, RunError)
    assert "ValueError: no such thing" in str(found)


def test_the_estimator_is_read_when_it_is_asked_for(work: Workspace) -> None:
    champion = champion_in(release(work), "shop")
    light = light_champion(without_model(champion))
    assert "model" not in vars(light)
    assert light.version == champion.version
    assert type(light.model) is type(champion.model)
    assert light.model is light.model
    with pytest.raises(AttributeError):
        _ = light.nothing


@pytest.mark.slow
def test_a_shelf_is_filled_by_a_child_which_is_gone_then(work: Workspace) -> None:
    loads, folder = LoadsApart(), release(work)
    shelf = Shelf(work, loads=loads)
    shelf.refresh()
    assert [model.champion.version for model in shelf.models.values()] == ["1.0.0"]
    assert loads._process is None
    with loads:
        assert loads._process is not None
        loads._process.kill()
        with pytest.raises(RunError, match="ended over it"):
            loads.load(folder, "shop")
        (folder / MODEL).chmod(0o644)
        (folder / MODEL).write_bytes(b"another one")
        with pytest.raises(IntegrityError, match="not the one that was promoted"):
            loads.load(folder, "shop")
