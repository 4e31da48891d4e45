"""A clock on the wall that somebody sets under a running server: forward, back, over midnight."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from given.answers import ROW, other_candidate
from given.clocks import GivenClock, GivenTime
from given.shop import newest_run
from starlette.testclient import TestClient

from mlsys import clock
from mlsys.live import begun, kept_rows
from mlsys.promotion.by_hand import promote_by_hand
from mlsys.registries.files import MODEL, folder_of
from mlsys.server import limits
from mlsys.server.app import make_app
from mlsys.server.arms import Arms
from mlsys.server.keys import add
from mlsys.server.living import living
from mlsys.server.shelf import Shelf
from mlsys.workspace import Workspace

JUMPS = [5.0, -5.0, 30.0, -30.0]
PREDICT = "/pipelines/shop/predict"


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> GivenClock:
    """Half an hour before midnight."""
    found = GivenClock(datetime(2026, 5, 20, 23, 30, tzinfo=UTC))
    monkeypatch.setattr(clock, "now", found)
    return found


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> GivenTime:
    found = GivenTime()
    monkeypatch.setattr(limits, "time", found)
    monkeypatch.setattr("mlsys.server.shelf.time", found)
    return found


@pytest.mark.parametrize("hours", JUMPS)
def test_limits_neither_open_nor_close(door, wall: GivenClock, time: GivenTime, hours: float) -> None:
    client = door(requests_per_second=1)
    asked = [client.post(PREDICT, json={}).status_code for _ in range(3)]
    wall.jump(hours)
    limited = client.post(PREDICT, json={})
    time.now = 1.0
    assert (asked, limited.status_code, limited.headers["retry-after"]) == ([200, 200, 429], 429, "1")
    assert [client.post(PREDICT, json={}).status_code for _ in range(2)] == [200, 429]


def test_a_key_ends_by_the_clock_on_the_wall_and_lives_again_when_that_is_mended(
    door, key_file, wall: GivenClock
) -> None:
    text = add(key_file, "shop", scope="predict", until=wall.at + timedelta(hours=4))[1]
    client, key = door(rule="keys", peer=("10.0.0.7", 1)), {"X-API-Key": text}
    found = [client.post(PREDICT, json={}, headers=key).status_code]
    for hours in (5.0, -5.0, -30.0):
        wall.jump(hours)
        found.append(client.post(PREDICT, json={}, headers=key).status_code)
    assert found == [200, 401, 200, 200]


@pytest.mark.parametrize("hours", JUMPS)
def test_every_answer_is_kept_once_in_its_day(work: Workspace, wall: GivenClock, hours: float) -> None:
    days: Counter[str] = Counter()
    shelf = Shelf(work)
    shelf.refresh()
    with living(work.home, lambda: work, every=600) as live:
        client = TestClient(make_app(shelf, live.watchers, beside=live.beside))
        for step in (0.0, hours, 1.0, -hours, 1.0):
            wall.jump(step)
            for number in range(2):  # in two files
                assert client.post(PREDICT, json={**ROW, "order_no": number}).status_code == 200
                days[wall.at.date().isoformat()] += 1
                live.kept.write()
            live.kept._merge_past()
        client.close()
    assert len(days) > 1
    assert (live.kept.kept, live.kept.dropped) == (10, 0)
    found: Counter[str] = Counter()
    for day in kept_rows.days_kept(work.home, "shop"):
        rows = kept_rows.live_rows(work.home, "shop", [day])
        assert rows is not None
        assert {at.date() for at in rows["_at"].to_pylist()} == {day}
        found[day.isoformat()] = len(set(rows["_request"].to_pylist()))
        assert rows.num_rows == found[day.isoformat()]
    assert found == days


@pytest.mark.parametrize("hours", JUMPS)
def test_the_ledger_is_followed(work: Workspace, wall: GivenClock, time: GivenTime, hours: float) -> None:
    wall.at = datetime.now(UTC) + timedelta(hours=1)
    shelf = Shelf(work)
    shelf.look()
    wall.jump(hours)
    change = promote_by_hand(work, "shop", newest_run(work), reason="newer")
    folder = folder_of("shop", change.candidate_id, work.home)
    assert folder is not None
    whole = (folder / MODEL).read_bytes()
    (folder / MODEL).chmod(0o644)
    (folder / MODEL).write_bytes(b"nothing")
    shelf.look()
    assert (shelf.model("shop").champion.version, list(shelf.broken)) == ("1.0.0", ["shop"])
    wall.jump(-hours)
    (folder / MODEL).write_bytes(whole)
    stat = (folder / MODEL).stat()
    assert stat.st_size == len(whole)
    time.now = 5.0  # so long a broken one is left alone, whatever the wall says
    shelf.look()
    assert (shelf.model("shop").champion.version, shelf.away) == ("1.0.1", None)


def test_a_trial_is_over_while_the_clock_says_so(work: Workspace, wall: GivenClock) -> None:
    wall.at = datetime.now(UTC)
    until = wall.at + timedelta(hours=4)
    begun.begin(work, "shop", other_candidate(work), role="ab", share=50, until=until, reason="a test")
    arms, found = Arms(lambda: work), []
    for hours in (0.0, 5.0, -5.0, -30.0):
        wall.jump(hours)
        arms.refresh()
        found.append(len(arms.tried("shop")))
    assert found == [1, 0, 1, 1]
