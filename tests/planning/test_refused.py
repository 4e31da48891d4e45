"""A request that fails before its run is begun ends like any other: in the ledger, on a card, where people look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from given.shop import day, edit_spec

from mlsys.cli.main import invoke
from mlsys.ledger import RequestRow
from mlsys.orchestration.page import overview
from mlsys.workspace import open_workspace

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("logging_as_before")]


def newest(pipeline: str = "shop") -> RequestRow:
    with open_workspace() as work:
        return work.ledger.requests(pipeline)[-1]


def no_source(home: Path) -> None:
    (home / "shop.db").unlink()


def no_server(home: Path) -> None:
    source = {"kind": "sql", "url": "postgresql://u:secret@127.0.0.1:9/db", "table": "orders", "event_time": "at"}
    edit_spec(home / "pipelines", source={**source, "timezone": "UTC"})


def wrong_spec(home: Path) -> None:
    edit_spec(home / "pipelines", key="order_nr")


CASES: dict[str, tuple[Callable[[Path], None], int, str, str]] = {
    "data_refused": (no_source, 3, "no such database file", "Mend the source"),
    "not_reachable": (no_server, 4, "can't be reached", "Ask again when it does"),
    "wrong_spec": (wrong_spec, 2, "no column 'order_nr'", "Mend it; mlsys check"),
}


@pytest.mark.parametrize("reason", CASES)
def test_its_reason_stands_everywhere_that_people_look(shop: Path, capfd: Any, reason: str) -> None:
    break_, code, said, advice = CASES[reason]
    break_(shop)
    assert invoke(["run", "shop", "--day", str(day(12)), "--reason", "the board waits"]) == code
    row = newest()
    assert (row.status, row.reason, row.run_id, row.day) == ("failed", reason, None, str(day(12)))
    assert said in row.sentence
    assert row.parameters["reason"] == "the board waits"
    capfd.readouterr()
    assert invoke(["history", "shop"]) == 0
    assert "failed" in capfd.readouterr().out
    assert invoke(["report", row.request_id]) == 0
    card = Path(capfd.readouterr().out.strip())
    html = card.read_text()
    assert card.parent == shop / "reports" / "shop"
    for part in ("No run was begun", "the board waits", str(day(12)), advice.split(";")[0]):
        assert part in html
    assert "secret" not in html + row.sentence
    invoke(["doctor"])
    todo = "mlsys check shop" if reason == "wrong_spec" else f"mlsys report {row.request_id}"
    assert todo in " ".join("".join(capfd.readouterr()).split())
    with open_workspace() as work:
        seen = overview.glance(work, "shop").newest
    assert seen is not None
    assert (seen.status, seen.reason) == ("failed", reason)


def test_a_card_is_written_again_byte_by_byte(shop: Path, capfd: Any) -> None:
    no_source(shop)
    invoke(["run", "shop"])
    (card,) = (shop / "reports" / "shop").glob("request-*.html")
    before = card.read_bytes()
    card.unlink()
    assert invoke(["report", newest().request_id]) == 0
    assert card.read_bytes() == before


def test_a_day_that_is_none_is_not_kept_as_one(shop: Path) -> None:
    assert invoke(["run", "shop", "--day", "2026-5-13"]) == 2
    assert (newest().day, newest().reason) == (None, "wrong_request")


def test_a_failure_of_our_own_is_kept_too(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr("mlsys.planning.plan.snapshot.take", broken)
    assert invoke(["run", "shop"]) not in (0, 2, 3)
    assert (newest().status, newest().reason, newest().sentence) == ("failed", "error", "'oops'")


def test_a_request_that_was_accepted_stays_so(shop: Path) -> None:
    from mlsys.planning.plan import RunRequest, open_run
    from mlsys.planning.refused import record_refused

    request = RunRequest("shop", day=day(12), request_id="again")
    with open_workspace() as work:
        open_run(work, request)
        found = record_refused(work, request, reason="error", sentence="killed")
    assert found is not None
    assert found.status == "accepted"
