"""Keys: same data, spec and code, same key; anything else, another one."""

from __future__ import annotations

import pytest
from given import records_samples
from given.shop import SPEC

from mlsys import keys
from mlsys.records import BuiltOn
from mlsys.spec import ResolvedSpec, resolve

SNAPSHOT = records_samples.snapshot()


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(SPEC)

    def resolved(*overrides: str) -> ResolvedSpec:
        return resolve(path, overrides)

    return resolved


def test_the_same_input_has_the_same_key(shop) -> None:
    assert keys.training_key(shop(), SNAPSHOT) == keys.training_key(shop(), SNAPSHOT)


@pytest.mark.parametrize("override", ["models.0.C=0.5", "training.seed=7", "gates.0.at_least=0.7", "drop=[gift]"])
def test_another_spec_has_another_key(shop, override) -> None:
    assert keys.training_key(shop(override), SNAPSHOT) != keys.training_key(shop(), SNAPSHOT)


@pytest.mark.parametrize("override", ["owner=someone", "description=words", "tags=[a]", "schedule.hour=3"])
def test_what_changes_no_model_changes_no_key(shop, override) -> None:
    assert keys.training_key(shop(override), SNAPSHOT) == keys.training_key(shop(), SNAPSHOT)


def test_a_default_written_out_is_the_same_spec(shop) -> None:
    assert keys.training_key(shop("training.seed=42"), SNAPSHOT) == keys.training_key(shop(), SNAPSHOT)


def test_another_snapshot_has_another_key(shop) -> None:
    other = SNAPSHOT.model_copy(update={"fingerprint": "f" * 64})
    assert keys.training_key(shop(), other) != keys.training_key(shop(), SNAPSHOT)


@pytest.mark.parametrize("name", ["code_fingerprint", "versions"])
def test_other_code_or_packages_have_another_key(shop, monkeypatch, name) -> None:
    before = keys.training_key(shop(), SNAPSHOT)
    monkeypatch.setattr(keys, name, lambda: "other")
    assert keys.training_key(shop(), SNAPSHOT) != before


def test_a_fit_counts_the_champion_that_it_is_made_of_and_no_other(shop) -> None:
    spec = shop("models=[logistic, recalibrate]").spec
    champions = [None, *(BuiltOn(candidate_id="same", model=digit * 64) for digit in "01")]
    found = {
        name: {keys.fitting_key(spec, name, SNAPSHOT, "s" * 64, champion) for champion in champions}
        for name in ("logistic", "recalibrate")
    }
    assert {name: len(each) for name, each in found.items()} == {"logistic": 1, "recalibrate": 3}


def test_a_decision_is_about_mode_and_champion() -> None:
    made = {
        keys.decision_key(training, mode, champion)
        for training in ("a", "b")
        for mode in ("live", "dry", "train")
        for champion in (None, "x", "y")
    }
    assert len(made) == 18


def test_a_run_is_named_by_pipeline_day_key_and_mode() -> None:
    assert keys.run_id("shop", "2026-05-12", "0123456789abcdef", "live") == "shop-2026-05-12-0123456789"
    assert keys.run_id("shop", "2026-05-12", "0123456789abcdef", "dry") == "shop-2026-05-12-0123456789-dry"


def test_the_versions_name_everything_that_numbers_depend_on() -> None:
    always = {"python", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "xgboost"}
    assert set(keys.versions()) == always | {"catboost", "imbalanced-learn", "lightgbm"}


def test_the_versions_leave_out_optional_packages_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "OPTIONAL_PACKAGES", ("catboost", "not-there"))
    assert "not-there" not in keys.versions.__wrapped__()
    assert "catboost" in keys.versions.__wrapped__()
