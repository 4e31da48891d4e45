"""Wrong keys by address: limited, forgotten in the end, and told once."""

from __future__ import annotations

import logging

import pytest
from given.clocks import GivenTime

from mlsys.server import limits
from mlsys.server.guesses import Guesses, place_of


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> GivenTime:
    found = GivenTime()
    monkeypatch.setattr(limits, "time", found)
    return found


def test_an_address_is_told_once_until_it_is_looked_at_again(time: GivenTime, caplog: pytest.LogCaptureFixture) -> None:
    guesses = Guesses(2)
    with caplog.at_level(logging.WARNING):
        assert [guesses.note("a") for _ in range(5)] == [0, 0, 30, 30, 30]
        assert guesses.limited("a")
        assert not guesses.limited("b")
        time.now = 30
        assert guesses.note("a") == 0
        assert not guesses.limited("a")
        assert guesses.note("a") == 30
    assert [record.msg.fields["address"] for record in caplog.records] == ["a", "a"]  # type: ignore[attr-defined]


def test_addresses_without_end_cost_no_memory_without_end(time: GivenTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CLIENTS", 10)
    guesses = Guesses(1)
    for number in range(200):
        guesses.note(str(number))
        guesses.note(str(number))
    assert len(guesses._limited) == len(guesses._budgets._left) == 10


@pytest.mark.parametrize(
    ("peer", "place"),
    [
        (None, "local"),
        (("10.0.0.7", 5), "10.0.0.7"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::1", 5), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5), "fe80::/64"),
        (("::ffff:10.0.0.7", 5), "::ffff:10.0.0.7"),
        (("testclient", 5), "testclient"),
    ],
)
def test_one_client_has_a_whole_network_of_ipv6(peer: tuple[str, int] | None, place: str) -> None:
    assert place_of(peer) == place
