"""What every answer has, what the log has of it, and what no client is told."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from given.stand_ins import ShelfOfNames

from mlsys.server.asgi import reply
from mlsys.server.metrics import Metrics
from mlsys.server.recorded import Recorded


async def breaking(scope, receive, send) -> None:
    raise RuntimeError("the password is 1234")


async def breaking_late(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
    await send({"type": "http.response.body", "body": b"12345", "more_body": True})
    raise RuntimeError("the password is 1234")


async def telling_all(scope, receive, send) -> None:
    await reply(send, 500, b"Traceback (most recent call last): 1234", b"text/plain")
    raise RuntimeError("the password is 1234")  # as Starlette does after its own answer


async def page(scope, receive, send) -> None:
    await reply(send, 200, f"<script nonce={scope['state']['nonce']}>".encode(), b"text/html; charset=utf-8")


async def page_with_policy(scope, receive, send) -> None:
    headers = [(b"Content-Security-Policy", b"default-src 'self'"), (b"Cache-Control", b"max-age=60")]
    await reply(send, 200, b"", b"text/html", headers)


async def idle(scope, receive, send) -> None:
    return


@pytest.mark.parametrize("app", [breaking, telling_all])
def test_a_client_is_told_an_id_and_the_log_has_the_rest(door, caplog, app) -> None:
    answer = door(app=app).get("/models")
    assert answer.status_code == 500
    assert "1234" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    record = next(each for each in caplog.records if each.levelno == logging.ERROR)
    assert answer.headers["x-request-id"] in record.getMessage()
    assert "1234" in caplog.text


def messages_of(app, scope) -> list[dict]:
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    asyncio.run(Recorded(app, Metrics(ShelfOfNames()))(scope, receive, send))  # type: ignore[arg-type]
    return sent


def scope_of(**more) -> dict:
    return {"type": "http", "method": "GET", "path": "/x", "headers": [], "scheme": "http", **more}


def test_an_answer_that_broke_off_is_not_finished() -> None:
    sent = messages_of(breaking_late, scope_of())
    assert [each["type"] for each in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["more_body"]


def test_a_client_that_went_counts_as_gone(caplog) -> None:
    caplog.set_level(logging.INFO, "mlsys.server")
    assert messages_of(idle, scope_of()) == []
    assert "status=None" in caplog.text


def test_a_pages_scripts_run_by_a_nonce_that_is_new_each_time(door) -> None:
    client = door(app=page)
    nonces = set()
    for _ in range(2):
        answer = client.get("/")
        nonce = answer.text.removeprefix("<script nonce=").removesuffix(">")
        assert f"'nonce-{nonce}'" in answer.headers["content-security-policy"]
        assert "unsafe-inline" not in answer.headers["content-security-policy"].partition("style-src")[0]
        nonces.add(nonce)
    assert len(nonces) == 2


def test_a_policy_of_the_page_itself_stands(door) -> None:
    headers = door(app=page_with_policy).get("/").headers
    assert headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert headers.get_list("cache-control") == ["max-age=60"]


def test_a_browser_comes_back_by_https_where_it_came_by_it() -> None:
    def names(scheme: str) -> set[bytes]:
        return {name for name, _ in messages_of(page, scope_of(scheme=scheme))[0]["headers"]}

    assert b"strict-transport-security" in names("https")
    assert b"strict-transport-security" not in names("http")


@pytest.mark.parametrize("given", ["a" * 65, "two words", "x\ty", "<script>", ""])
def test_an_id_that_is_odd_is_replaced(door, given) -> None:
    assert door().get("/models", headers={"X-Request-ID": given}).headers["x-request-id"] != given


def test_a_line_of_the_log_is_one_line_whatever_was_asked(door, caplog) -> None:
    caplog.set_level(logging.INFO, "mlsys.server")
    door().get("/a%0Arequest%20status=200" + "x" * 1000)
    line = next(each for each in caplog.messages if each.startswith("request "))
    assert "\n" not in line
    assert len(line) < 500
    assert json.dumps(line)
