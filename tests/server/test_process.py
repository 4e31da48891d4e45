"""`mlsys serve`: a process of its own, a promotion under load, and an orderly end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import httpx
import pytest
from given.ports import free_port
from given.shop import newest_run

from mlsys.cli.serving import filled_shelf
from mlsys.errors import TransientError
from mlsys.polling import ask_until
from mlsys.promotion.by_hand import promote_by_hand, roll_back
from mlsys.settings import load_settings
from mlsys.workspace import Workspace

ROW = {"basket_value": 40.0, "n_items": 2, "channel": "app", "gift": True}


@contextmanager
def server(port: int) -> Iterator[subprocess.Popen[str]]:
    """Run the server until the end of the block."""
    command = [sys.executable, "-m", "mlsys", "serve", "--port", str(port)]
    quiet = {**os.environ, "MLSYS_LOG_LEVEL": "WARNING"}  # nobody reads the lines of its requests meanwhile
    process = subprocess.Popen(command, env=quiet, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def version(address: str) -> str | None:
    try:
        found: str | None = httpx.get(f"{address}/ready").json()["models"].get("shop")
    except httpx.TransportError:
        return None
    return found


def served(address: str, wanted: str) -> bool:
    """Return whether a version answers within a minute."""
    return ask_until(lambda found: found == wanted, lambda: version(address), seconds=60, pause=0.1) == wanted


@pytest.mark.slow
def test_a_promotion_and_a_rollback_under_load_lose_no_request(work: Workspace) -> None:
    address = f"http://127.0.0.1:{(port := free_port())}"
    answers: Counter[tuple[int, str]] = Counter()
    ended = Event()

    def load() -> None:
        with httpx.Client() as client:
            while not ended.wait(0.005):  # as fast as it goes would only keep both cores busy
                answer = client.post(f"{address}/predict", json=ROW)
                answers[answer.status_code, answer.json().get("version")] += 1

    with server(port) as process:
        assert served(address, "1.0.0")
        threads = [Thread(target=load) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            promote_by_hand(work, "shop", newest_run(work), reason="newer")
            assert served(address, "1.0.1")
            roll_back(work, "shop", version=None, reason="worse")
            assert served(address, "1.0.0")
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        assert {key for key, n in answers.items() if n} == {(200, "1.0.0"), (200, "1.0.1")}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in (0, 143, -signal.SIGTERM)


def test_while_the_ledger_is_away_the_file_registry_fills_the_shelf(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise TransientError("The ledger's database does not answer")

    monkeypatch.setattr("mlsys.workspace.open_workspace", away)
    with filled_shelf(load_settings()) as shelf:
        assert [model.champion.version for model in shelf.models.values()] == ["1.0.0"]
        assert shelf.away is not None
