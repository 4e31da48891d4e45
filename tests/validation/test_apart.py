"""The checks in a child, while their parent gets on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from mlsys.children import Standby, standing_by
from mlsys.errors import DataError, MlsysError, RunError
from mlsys.validation.apart import beside, checks_ready, here


@pytest.fixture
def child() -> Iterator[Standby]:
    with standing_by("checks", lambda: None) as waiting:
        yield waiting


def _refuse() -> None:
    raise DataError("No", where="here")


def _leave() -> None:
    os._exit(3)


def _die() -> None:
    os.kill(os.getpid(), 9)


def _loaded() -> bool:
    return "great_expectations.render.renderer" in sys.modules


def test_what_is_looked_for_comes_from_another_process_and_the_parent_gets_on(child: Standby) -> None:
    done: list[int] = []
    found = beside(child, lambda: done.append(os.getpid()))(os.getpid)
    assert found != os.getpid()
    assert done == [os.getpid()]


def test_without_a_child_it_is_done_here_and_nothing_is_waited_for() -> None:
    looking = beside(None, lambda: pytest.fail("there is nothing to wait for"))
    assert looking is here
    assert looking(os.getpid) == os.getpid()


def test_the_child_has_the_library_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "great_expectations", raising=False)
    with checks_ready(wanted=True) as ready:
        assert ready is not None
        assert beside(ready, lambda: None)(_loaded)


@pytest.mark.parametrize("wanted", [True, False])
def test_where_the_library_is_loaded_or_no_child_is_wanted_nothing_is_forked(
    wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wanted:
        monkeypatch.setitem(sys.modules, "great_expectations", sys)
    with checks_ready(wanted=wanted) as ready:
        assert ready is None


def test_an_error_of_the_child_is_the_parents(child: Standby) -> None:
    with pytest.raises(DataError, match="here: No"):
        beside(child, lambda: None)(_refuse)


@pytest.mark.parametrize("end", [_leave, _die])
def test_a_child_that_ends_without_an_answer_is_an_error(child: Standby, end) -> None:
    with pytest.raises(RunError, match="The process of the checks ended with") as told:
        beside(child, lambda: None)(end)
    assert isinstance(told.value, MlsysError)
