"""Values of a spec come in layers: a run's own over the environment's over the file's over the default."""

from __future__ import annotations

from pathlib import Path

import pytest
from given.shop import SPEC

from mlsys.spec import Spec, load_spec, resolve

PHISHING = Path(__file__).parents[2] / "include" / "pipelines" / "phishing.yaml"


def test_each_layer_wins_over_those_below_it_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.yaml"
    bare = "\n".join(line for line in SPEC.splitlines() if not line.startswith("training"))
    seen = []

    def look(*overrides: str) -> None:
        found = resolve(path, overrides)
        seen.append((found.spec.training.seed, found.origins["training.seed"], found.fingerprint))

    path.write_text(bare)
    look()
    path.write_text(f"{bare}\ntraining: {{seed: 2}}\n")
    look()
    monkeypatch.setenv("MLSYS_SET", "training.seed=3")
    look()
    look("training.seed=4")
    default = Spec.model_fields["training"].default.seed
    assert [layer[:2] for layer in seen] == [
        (default, "default"),
        (2, "file"),
        (3, "environment"),
        (4, "run parameter"),
    ]
    assert len({fingerprint for *_, fingerprint in seen}) == 4  # a run is known by what it used, wherever it came from
    monkeypatch.delenv("MLSYS_SET")
    look()
    assert seen[-1] == seen[1]


def test_phishing_trains_four_models_measures_eleven_things_and_tunes_on_demand() -> None:
    spec = load_spec(PHISHING)
    assert [model.kind for model in spec.models if not model.baseline] == [
        *("logistic", "random_forest", "hist_gradient_boosting", "xgboost")
    ]
    assert len(spec.task_metrics) == 11
    assert {"fnr", "fpr", "mcc", "pr_auc", "balanced_accuracy"} <= set(spec.task_metrics)
    assert not spec.tuning.enabled
    tuned = resolve(PHISHING, ["tuning.enabled=true"])
    assert tuned.spec.tuning.enabled
    assert all(model.search for model in tuned.spec.models if not model.baseline)


def test_housing_has_both_gates_on_the_mean_squared_error() -> None:
    gates = load_spec(PHISHING.with_name("housing.yaml")).gates
    of_mse = {gate.kind: gate for gate in gates if getattr(gate, "metric", None) == "mse"}
    assert set(of_mse) == {"minimum", "better_than_champion"}
    assert of_mse["minimum"].at_most is not None
    assert of_mse["better_than_champion"].margin == 0.0
