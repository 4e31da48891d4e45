from mlsys.registries.requirements import pinned_requirements


def names(model: bytes) -> set[str]:
    return {line.partition("==")[0] for line in pinned_requirements(model)}


def test_every_model_needs_what_pipelines_are_made_of_at_a_version() -> None:
    assert {"numpy", "pandas", "scikit-learn", "xgboost", "mlsys"} <= names(b"")
    assert all("==" in line for line in pinned_requirements(b""))
    assert list(pinned_requirements(b"lightgbm")) == sorted(pinned_requirements(b"lightgbm"))


def test_boosting_libraries_are_needed_by_the_models_made_of_them() -> None:
    assert not {"lightgbm", "catboost"} & names(b"\x80\x04sklearn.pipeline")
    assert names(b"..\x8c\x10lightgbm.sklearn\x94") - names(b"") == {"lightgbm"}
    assert names(b"..\x8c\x0dcatboost.core\x94") - names(b"") == {"catboost"}
