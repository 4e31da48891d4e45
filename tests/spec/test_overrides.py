"""`--set key.path=value`: what is wrong with one is said of it, with the key that was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.shop import SPEC

from mlsys.errors import SpecError
from mlsys.spec import resolve
from mlsys.spec.overrides import apply
from mlsys.spec.text import read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "shop.yaml"
    file.write_text(SPEC, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("models.0.tol=1", "--set: models.0.tol: no such key here. Known: C, "),
        ("models.0.max_itr=1", "--set: models.0.max_itr: no such key here. Did you mean 'max_iter'?"),
        ("modles.0.C=1", "--set: modles: no such key here. Did you mean `models.0.C`"),
        ("C=1", "--set: C: no such key here. Did you mean `models.0.C`"),
        ("seed=1", "--set: seed: no such key here. Did you mean `training.seed`"),
        ("training.sed=1", "--set: training.sed: no such key here. Did you mean 'seed'?"),
        ("approval.requred=true", "--set: approval.requred: no such key here. Did you mean 'required'?"),
        (f"models.{'9' * 5000}.C=1", "--set: No key `models.9999"),
        ("models.7.C=1", "--set: No key `models.7.C`. `models` has 2 items, counted from 0"),
        ("models.-1.C=1", "--set: No key `models.-1.C`. `models` has 2 items"),
        ("models.logistic.C=1", "--set: No key `models.logistic.C`. Did you mean `models.0.C`? `models` has 2 items"),
        ("pipeline.name=x", "--set: No key `pipeline.name`: `pipeline` is a value, and no mapping (got 'shop')"),
        ("zzz=1", "--set: zzz: no such key here. Known: approval, "),
    ],
)
def test_a_key_that_is_none_is_blamed_on_the_command_line(path: Path, override: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolve(path, [override])
    assert str(caught.value).startswith(says)
    assert str(path) not in str(caught.value)


def test_the_variable_is_blamed_where_it_is_wrong(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_SET", "training.seed=3; modles.0.C=1")
    with pytest.raises(SpecError, match=r"^MLSYS_SET: modles: no such key here\. Did you mean `models\.0\.C`"):
        resolve(path)


def test_a_semicolon_within_a_value_of_the_variable_ends_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSYS_SET", "schema.n_items.null_values=['-;', \"a;b=1\"]; training.seed=7;description='x;y';")
    found = resolve(path).spec
    assert found.columns["n_items"].null_values == ("-;", "a;b=1")
    assert (found.training.seed, found.description) == (7, "x;y")


@pytest.mark.parametrize("value", ["training.seed=[; description=x", "training.seed='7; description=it's"])
def test_what_is_never_closed_is_blamed_alone(path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MLSYS_SET", value)
    with pytest.raises(SpecError, match=r"^MLSYS_SET: training\.seed: Not valid YAML|^MLSYS_SET: Not valid YAML"):
        resolve(path)


def test_short_forms_become_the_mappings_that_they_stand_for(path: Path) -> None:
    path.write_text(SPEC.replace("{kind: logistic}", "logistic"))
    found = resolve(path, ["models.0.C=0.5", "schema.n_items.null_values=['-']", "training.seed=7"])
    assert found.spec.models[0].C == 0.5
    assert found.spec.columns["n_items"].null_values == ("-",)
    assert found.origins["training.seed"] == "run parameter"


def test_an_override_leaves_out_what_is_not_stored_where_it_is_empty(path: Path) -> None:
    path.write_text(SPEC + "tuning: {enabled: true, budget: 10m, grid: {logistic: {C: [0.1, 1.0]}}}\n")
    found = resolve(path, ["tuning.budget=null", "tuning.grid={}", "metrics.k=null"]).spec
    assert (found.tuning.budget, found.tuning.grid, found.metrics.k) == (None, {}, None)


def test_an_override_of_an_empty_block_fills_it(path: Path) -> None:
    path.write_text(SPEC + "training:\n")
    document = read(path)
    apply(document, "training.seed=7")
    assert document.mapping["training"] == {"seed": 7}
