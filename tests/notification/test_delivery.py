from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from given.receivers import HOST, HookReceiver, MailReceiver, receiving

from mlsys.errors import TransientError
from mlsys.notification.delivery import Webhook, post, signature
from mlsys.notification.outbox import Notice

NOTICE = Notice(
    key="k" * 32,
    event="data_refused",
    pipeline="shop",
    sentence="Grüße: 3 % of the rows are bad",
    at=datetime(2026, 5, 2, 3, 4, tzinfo=UTC),
)


@pytest.fixture
def receivers() -> Iterator[tuple[MailReceiver, HookReceiver]]:
    with receiving() as both:
        yield both


@pytest.fixture
def dead_port() -> Iterator[int]:
    with socket.socket() as held:  # bound and not listening: connections are refused
        held.bind((HOST, 0))
        yield held.getsockname()[1]


def test_a_webhook_gets_json_with_key_and_signature(receivers: tuple[MailReceiver, HookReceiver]) -> None:
    post(Webhook(receivers[1].address, secret="s3cret"), NOTICE)
    ((header, body),) = receivers[1].posts
    assert json.loads(body) == NOTICE.dump()
    assert (header["Idempotency-Key"], header["X-Mlsys-Event"]) == ("k" * 32, "data_refused")
    assert header["X-Mlsys-Signature"] == signature(body, "s3cret")


def test_a_webhook_without_a_secret_is_not_signed(receivers: tuple[MailReceiver, HookReceiver]) -> None:
    post(Webhook(receivers[1].address), NOTICE)
    assert "X-Mlsys-Signature" not in receivers[1].posts[0][0]


def test_a_webhook_that_answers_with_an_error_has_not_taken_it(
    receivers: tuple[MailReceiver, HookReceiver],
) -> None:
    receivers[1].status = 503
    with pytest.raises(TransientError, match="status 503"):
        post(Webhook(receivers[1].address), NOTICE)


def test_a_dead_webhook_is_transient_and_its_address_stays_secret(dead_port: int) -> None:
    with pytest.raises(TransientError, match="does not answer") as raised:
        post(Webhook(f"http://{HOST}:{dead_port}/services/T0KEN"), NOTICE)
    assert "T0KEN" not in str(raised.value)
