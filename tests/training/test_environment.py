"""The environment of a champion; what it plays is tested in `tests/training/test_logged_decisions.py`."""

from __future__ import annotations

import sys

import pytest

from mlsys.errors import UsageError
from mlsys.training.environment import decision_environment

pytestmark = pytest.mark.slow


def test_a_champion_that_is_no_table_of_states_is_refused(work) -> None:
    with pytest.raises(UsageError, match=r"Only tables of states have an environment.*q_learning"):
        decision_environment(work, "shop")


def test_nobody_serves_a_pipeline_that_never_ran(work) -> None:
    with pytest.raises(UsageError, match="There is no champion"):
        decision_environment(work, "bakery")


def test_without_gymnasium_the_extra_is_named(work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(UsageError, match=r"needs the package 'gymnasium'.*environments"):
        decision_environment(work, "shop")
