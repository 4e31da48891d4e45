"""A module without a test of its own is found, and a list that says too much."""

from __future__ import annotations

from pathlib import Path

import check_tests
import pytest

LONG = "x = 1\n" * 41


def findings(root: Path) -> list[str]:
    return [finding.text(root) for finding in check_tests.check(root)]


def test_small_modules_and_packages_need_none(project, plant):
    plant("mlsys/store.py", "x = 1\n" * 40)
    plant("mlsys/spec/__init__.py", LONG)
    assert findings(project) == []


@pytest.mark.parametrize(
    ("module", "test"),
    [
        ("mlsys/store.py", "tests/test_store.py"),
        ("mlsys/spec/model.py", "tests/spec/test_model.py"),
        ("mlsys/gates/minimum.py", "tests/gates/test_gates_contract.py"),
        ("mlsys/gates/minimum.py", "tests/gates/test_minimum.py"),
    ],
)
def test_a_module_wants_its_mirror_or_its_folders_contract(project, plant, module, test):
    plant(module, LONG)
    assert any(f"{module}:1: there is no tests/" in line for line in findings(project))
    plant(test, "x = 1\n")
    assert findings(project) == []


def test_a_helper_inside_an_extension_folder_is_no_component(project, plant):
    plant("mlsys/sources/reading/rows.py", LONG)
    plant("tests/sources/test_sources_contract.py", "x = 1\n")
    assert any("there is no tests/sources/reading/test_rows.py" in line for line in findings(project))


def test_the_list_names_a_test_and_what_it_sees(project, plant):
    plant("mlsys/store.py", LONG)
    plant("tests/test_keys.py", "x = 1\n")
    plant("tests/elsewhere.toml", '"mlsys/store.py" = "tests/test_keys.py: keys are stored"\n')
    assert findings(project) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"mlsys/store.py" = "tests/test_gone.py: keys"', "names 'tests/test_gone.py: keys'"),
        ('"mlsys/store.py" = "tests/test_keys.py"', "names 'tests/test_keys.py'"),
        ('"mlsys/gone.py" = "tests/test_keys.py: keys"', "mlsys/gone.py is no module"),
        ('"mlsys/keys.py" = "tests/test_keys.py: keys"', "mlsys/keys.py has a test file of its own"),
    ],
)
def test_what_the_list_has_too_much_is_found(project, plant, line, expected):
    plant("mlsys/keys.py", "x = 1\n")
    plant("mlsys/store.py", "x = 1\n")
    plant("tests/test_keys.py", "x = 1\n")
    plant("tests/elsewhere.toml", f"{line}\n")
    assert any(expected in found for found in findings(project))
