"""The checks in a child, while their parent gets on."""

from __future__ import annotations

import os
import sys

import pytest

from mlsys.errors import DataError, MlsysError, RunError
from mlsys.validation.apart import apart


@pytest.fixture
def not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "great_expectations", raising=False)


def test_what_is_looked_for_comes_from_another_process_and_the_parent_gets_on(not_loaded: None) -> None:
    done: list[int] = []
    found = apart(os.getpid, meanwhile=lambda: done.append(os.getpid()))
    assert found != os.getpid()
    assert done == [os.getpid()]


def test_where_the_library_is_loaded_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "great_expectations", sys)
    assert apart(os.getpid, meanwhile=lambda: pytest.fail("there is nothing to wait for")) == os.getpid()


def test_an_error_of_the_child_is_the_parents(not_loaded: None) -> None:
    def refuse() -> None:
        raise DataError("No", where="here")

    with pytest.raises(DataError, match="here: No"):
        apart(refuse, meanwhile=lambda: None)


@pytest.mark.parametrize("code", [3, -9])
def test_a_child_that_ends_without_an_answer_is_an_error(not_loaded: None, code: int) -> None:
    def end() -> None:
        os.kill(os.getpid(), 9) if code < 0 else os._exit(code)

    with pytest.raises(RunError, match="The process of the checks ended with") as told:
        apart(end, meanwhile=lambda: None)
    assert isinstance(told.value, MlsysError)
