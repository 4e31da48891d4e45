"""Requests that are too many, too large or too slow, each with its status and a sentence."""

from __future__ import annotations

import asyncio

import pytest
from given.stand_ins import echo

from mlsys.server.asgi import TurnedAwayError
from mlsys.server.bounded import WithinLimits
from mlsys.server.limits import ServerLimits

ROW = {"basket_value": 40.0, "n_items": 2, "channel": "shop", "gift": True}


async def called(app, messages, *, limits=None, method="POST", headers=(), client="shop") -> list[dict]:
    """Let a request through with these messages as its body; after them nothing comes any more."""
    sent: list[dict] = []
    waiting = list(messages)

    async def receive():
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": list(headers), "state": {"client": client}}
    await WithinLimits(app, limits or ServerLimits())(scope, receive, send)
    return sent


def part(body: bytes, *, more: bool) -> dict:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts_arrives_whole() -> None:
    sent = asyncio.run(called(echo, [part(b"a", more=True), part(b"", more=True), part(b"bc", more=False)]))
    assert sent[1]["body"] == b"abc"


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"2000")], [(b"content-length", b"9" * 40)]])
def test_too_large_a_body_is_refused_as_soon_as_it_is_known(headers) -> None:
    parts = [part(b"x" * 600, more=True)] * 2  # and then nothing: whoever waited for the rest would wait for ever
    with pytest.raises(TurnedAwayError, match=r"larger than 1,024 bytes.*MLSYS_SERVER_BODY_BYTES") as caught:
        asyncio.run(called(echo, parts, limits=ServerLimits(body_bytes=1024), headers=headers))
    assert caught.value.status == 413
    assert (b"connection", b"close") in caught.value.headers


def test_a_body_that_does_not_come_is_waited_for_so_long() -> None:
    with pytest.raises(TurnedAwayError, match=r"The body did not come within 0\.05 seconds") as caught:
        asyncio.run(called(echo, [part(b"x", more=True)], limits=ServerLimits(body_seconds=0.05)))
    assert caught.value.status == 408


def test_an_answer_that_does_not_come_is_given_up() -> None:
    async def slow(scope, receive, send):
        await asyncio.sleep(60)

    with pytest.raises(TurnedAwayError, match=r"No answer within 0\.05 seconds") as caught:
        asyncio.run(called(slow, [part(b"", more=False)], limits=ServerLimits(answer_seconds=0.05)))
    assert caught.value.status == 503
    assert (b"retry-after", b"1") in caught.value.headers


def test_a_routes_own_timeout_is_its_own_affair() -> None:
    async def own(scope, receive, send):
        raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(called(own, [part(b"", more=False)]))


def test_a_client_that_goes_is_not_waited_for() -> None:
    with pytest.raises(TurnedAwayError, match="went"):
        asyncio.run(called(echo, [part(b"x", more=True), {"type": "http.disconnect"}]))


def test_too_many_requests_are_told_when_to_come_again(door) -> None:
    client = door(requests_per_second=0.5)
    assert client.get("/models").status_code == 200
    answer = client.get("/models")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "2"
    assert "0.5 requests a second from `127.0.0.1`" in answer.json()["problems"][0]["problem"]
    assert client.get("/health").status_code == 200


def test_limits_reach_the_routes(shop_behind_door) -> None:
    def asked(n_rows: int):
        return shop_behind_door.post("/pipelines/shop/predict", json={"rows": [ROW] * n_rows})

    assert [asked(n).status_code for n in (2, 3, 100)] == [200, 413, 413]
    assert "at most 2 rows" in asked(3).text
    assert "4,096 bytes" in asked(100).json()["problems"][0]["problem"]
