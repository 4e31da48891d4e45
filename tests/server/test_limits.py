"""A client's budget of requests, and limits as an operator sets them."""

from __future__ import annotations

import pytest
from given.clocks import GivenTime
from hypothesis import given, strategies

from mlsys.errors import UsageError
from mlsys.server import limits
from mlsys.server.limits import Budgets, ServerLimits
from mlsys.settings import from_environment


@pytest.fixture
def time(monkeypatch) -> GivenTime:
    found = GivenTime()
    monkeypatch.setattr(limits, "time", found)
    return found


def test_a_burst_passes_and_then_the_rate_does(time) -> None:
    budgets = Budgets(5)
    assert [budgets.spend("a") for _ in range(10)] == [0] * 10
    assert budgets.spend("a") == 1
    time.now = 0.2
    assert budgets.spend("a") == 0
    assert budgets.spend("a") == 1


def test_clients_do_not_pay_for_each_other(time) -> None:
    budgets = Budgets(1)
    while budgets.spend("a") == 0:
        pass
    assert budgets.spend("b") == 0


def test_whoever_waits_as_long_as_was_said_is_served(time) -> None:
    budgets = Budgets(0.1)
    assert budgets.spend("a") == 0
    wait = budgets.spend("a")
    assert wait == 10
    time.now = wait - 0.01
    assert budgets.spend("a") > 0
    time.now = wait
    assert budgets.spend("a") == 0


@pytest.mark.slow
@given(steps=strategies.lists(strategies.floats(0, 3), min_size=1, max_size=60), rate=strategies.floats(0.5, 20))
def test_no_pattern_of_asking_gets_more_than_rate_and_burst(steps, rate) -> None:
    with pytest.MonkeyPatch.context() as patched:
        time = GivenTime()
        patched.setattr(limits, "time", time)
        budgets = Budgets(rate)
        served = 0
        for step in steps:
            time.now += step
            served += budgets.spend("a") == 0
            assert served <= max(1.0, rate * limits.BURST_SECONDS) + rate * time.now + 1e-6


def test_nought_is_no_limit() -> None:
    assert not any(Budgets(0).spend("a") for _ in range(1000))


def test_clients_without_end_cost_no_memory_without_end(time, monkeypatch) -> None:
    monkeypatch.setattr(limits, "MOST_CLIENTS", 10)
    budgets = Budgets(1)
    for i in range(1000):
        budgets.spend(str(i))
    assert len(budgets._left) == 10


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MLSYS_SERVER_BODY_BYTES", "many"),
        ("MLSYS_SERVER_REQUESTS_PER_SECOND", "nan"),
        ("MLSYS_SERVER_REQUESTS_PER_SECOND", "-1"),
        ("MLSYS_SERVER_ANSWER_SECONDS", "inf"),
        ("MLSYS_SERVER_ROWS", "0"),
    ],
)
def test_a_wrong_limit_names_its_variable(monkeypatch, variable, value) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as caught:
        from_environment(ServerLimits)
    assert caught.value.where == variable
