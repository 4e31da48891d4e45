"""A library that is not installed is named with the extra that brings it; a fault inside one keeps its own words."""

import sys

import pytest

from mlsys import extras
from mlsys.errors import UsageError


def test_an_installed_module_is_returned():
    assert extras.load("json", extra="none", needed_by="This test") is sys.modules["json"]


@pytest.mark.parametrize("module", ["not_installed", "not_installed.inner"])
def test_a_missing_one_names_its_extra(module):
    with pytest.raises(UsageError) as caught:
        extras.load(module, extra="boosting", needed_by="A model of kind lightgbm")
    said = "A model of kind lightgbm needs the package 'not_installed', which is not installed. "
    assert str(caught.value) == said + "Install the extra `boosting`: pip install 'mlsys[boosting]'."


def test_one_that_misses_something_itself_says_so(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import not_installed_either\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_either"):
        extras.load("half_installed", extra="none", needed_by="This test")
