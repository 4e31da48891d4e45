"""`mlsys.__all__` is the public interface: what stands there can be had, and nothing heavy is loaded for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import mlsys


def test_every_public_name_is_there() -> None:
    for name in mlsys.__all__:
        assert getattr(mlsys, name) is not None, name


def test_the_public_names_are_these() -> None:
    assert set(mlsys.__all__) == {
        *("Champion", "load_champion"),
        *("__version__", "run", "RunRequest", "Spec", "load_spec", "Workspace", "open_workspace"),
        *("Source", "Check", "Splitter", "Target", "Features", "Model", "Metric", "Gate", "Registry", "Monitor"),
        "Flaw",
        *("MlsysError", "UsageError", "SpecError", "DataError", "TransientError"),
        *("RunError", "IntegrityError", "NotUnderstoodError", "LostRaceError"),
    }
    assert dir(mlsys) == sorted(mlsys.__all__)


def test_every_error_that_is_raised_on_purpose_is_public() -> None:
    from mlsys import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MlsysError)]
    assert {kind.__name__ for kind in kinds} <= set(mlsys.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'predict'"):
        mlsys.predict  # noqa: B018


def test_importing_mlsys_loads_nothing_of_it() -> None:
    code = "import sys, mlsys; print([m for m in sys.modules if m.startswith('mlsys.') or m in ('pydantic', 'numpy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
