"""A release names the packages that its model file and its spec are made of."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sklearn.linear_model import LogisticRegression

from mlsys.registries.requirements import packages_of, pinned_requirements
from mlsys.store import Store
from mlsys.training import model_file

NOBODY = pickle.dumps(None, protocol=4)


def names(model: bytes, spec: dict[str, object] | None = None) -> set[str]:
    return {line.partition("==")[0] for line in pinned_requirements(model, spec)}


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module of an installed package, `acme-parts`, that brings a check."""
    info = tmp_path / "acme_parts-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-parts\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text("[mlsys.checks]\nround = acme_parts:Round\n")
    (info / "top_level.txt").write_text("acme_parts\n")
    (tmp_path / "acme_parts.py").write_text("class First: ...\nclass Second: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    import acme_parts

    yield acme_parts
    del sys.modules["acme_parts"]


def test_every_model_needs_what_pipelines_are_made_of_at_a_version() -> None:
    assert {"numpy", "pandas", "scikit-learn", "xgboost", "mlsys"} <= names(NOBODY)
    assert all("==" in line for line in pinned_requirements(NOBODY))
    assert list(pinned_requirements(NOBODY)) == sorted(pinned_requirements(NOBODY))


@pytest.mark.slow
def test_other_packages_are_needed_by_the_models_made_of_them(acme: ModuleType) -> None:
    lightgbm, catboost = pytest.importorskip("lightgbm"), pytest.importorskip("catboost")
    for package, made in (
        ("lightgbm", lightgbm.LGBMClassifier()),
        ("catboost", catboost.CatBoostClassifier()),
        ("acme-parts", acme.First()),
    ):
        assert names(pickle.dumps(made, protocol=4)) - names(NOBODY) == {package}
    assert "acme-parts==1.5" in pinned_requirements(pickle.dumps(acme.First(), protocol=4))


@pytest.mark.slow
def test_a_text_is_no_module_whatever_stands_before_it(acme: ModuleType, store: Store) -> None:
    # The second class finds its module's name among what was written before, behind another text.
    digest, _ = model_file.save([acme.First(), "lightgbm", acme.Second()], store)
    assert packages_of(store.read_bytes(digest)) == ["acme-parts"]


def test_packages_are_those_that_a_fitted_model_names(store: Store) -> None:
    digest, _ = model_file.save(LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1]), store)
    assert packages_of(store.read_bytes(digest)) == ["numpy", "scikit-learn"]


def test_components_of_the_spec_beside_it_are_needed_to_read_it(acme: ModuleType) -> None:
    spec: dict[str, object] = {"checks": {"rules": [{"kind": "unique"}, {"kind": "round", "column": "age"}]}}
    assert names(NOBODY, spec) - names(NOBODY) == {"acme-parts"}
    assert names(NOBODY, {"metrics": {"primary": "round"}}) - names(NOBODY) == {"acme-parts"}
    assert names(NOBODY, {"checks": {"rules": [{"kind": "unique", "column": "round"}]}}) == names(NOBODY)
