from __future__ import annotations

from pathlib import Path

import pytest

from mlsys.report.usage import loading_code


@pytest.mark.parametrize(
    ("registries", "home", "titles"),
    [
        (("mlflow", "files"), Path("/srv/mlsys"), ["With mlsys", "Through MLflow", "From the file alone"]),
        (("files",), None, ["With mlsys"]),
        (("mlflow",), Path("/srv/mlsys"), ["Through MLflow"]),
        ((), Path("/srv/mlsys"), []),
    ],
)
def test_each_registry_gives_its_ways(registries: tuple[str, ...], home: Path | None, titles: list[str]) -> None:
    assert list(loading_code("shop", registries=registries, home=home)) == titles


def test_a_path_is_written_as_python_reads_it() -> None:
    code = loading_code("shop", registries=["files"], home=Path("/srv/it's here"))["From the file alone"]
    compile(code, "", "exec")
    assert """joblib.load("/srv/it's here/registry/shop/best_model.joblib")""" in code
