"""The server of the champions as a part of the stack; the other parts are not started here."""

from __future__ import annotations

import httpx
import pytest
from given.ports import free_port

from mlsys.database.databases import open_databases
from mlsys.orchestration.stack import processes, stack
from mlsys.orchestration.stack.environment import environment, server_address
from mlsys.polling import ask_until
from mlsys.settings import Settings


def test_it_is_a_part_unless_the_operator_says_no(settings: Settings) -> None:
    def names(server: bool) -> list[str]:
        found = stack.status(settings.model_copy(update={"server": server}))
        return [part.name for part in found if part.name == "server"]

    assert names(server=True) == ["server"]
    assert names(server=False) == []


@pytest.mark.slow
def test_it_answers_before_there_is_a_champion_and_ends_when_it_is_asked_to(settings: Settings) -> None:
    settings = settings.model_copy(update={"server": True, "server_port": free_port(), "database": "sqlite"})
    (part,) = [each for each in stack._parts(settings) if each.name == "server"]
    address, home = server_address(settings), settings.make_home()

    def status(path: str) -> int:
        try:
            return httpx.get(f"{address}{path}").status_code
        except httpx.TransportError:
            return 0

    with open_databases(settings) as databases, databases.lease() as keep:
        processes.start(part, home=home, environment=environment(settings, databases), keep=keep)
    try:
        assert ask_until(bool, lambda: status("/health"), seconds=60, pause=0.2) == 200
        assert status("/ready") == 503
        assert stack.as_it_runs(settings.model_copy(update={"server_port": 1})).server_port == settings.server_port
    finally:
        stopped = processes.stop(home, ["server"])
    assert stopped == ["server"]
    assert status("/health") == 0
    assert "Traceback" not in processes.log_tail(home, "server", lines=100)
