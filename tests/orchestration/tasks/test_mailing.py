"""Mail over a connection of Airflow's type `smtp`."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk import Connection
from given.receivers import HOST, MailReceiver, receiving

from mlsys.errors import TransientError
from mlsys.notification.outbox import Notice
from mlsys.orchestration.tasks.mailing import MailServer

NOTICE = Notice(
    key="k" * 32,
    event="data_refused",
    pipeline="shop",
    sentence="Grüße: 3 % of the rows are bad",
    at=datetime(2026, 5, 2, 3, 4, tzinfo=UTC),
)
PLAIN = {"disable_ssl": True, "disable_tls": True}


@pytest.fixture
def receiver() -> Iterator[MailReceiver]:
    with receiving() as (mail, _):
        yield mail


def server(port: int = 0, *, login: str | None = None, **extra: Any) -> MailServer:
    known = {"conn_id": "c", "conn_type": "smtp", "host": HOST, "port": port, "login": login}
    made = MailServer(Connection(**known, extra=json.dumps(extra)))
    made.smtp_connection = made.get_connection("c")
    return made


def test_a_mail_arrives_with_key_and_event(receiver: MailReceiver) -> None:
    server(receiver.server_address[1], from_email="mlsys@example.com", **PLAIN).send("ann@example.com", NOTICE)
    (mail,) = receiver.mails
    assert (mail["To"], mail["From"]) == ("ann@example.com", "mlsys@example.com")
    assert mail["Subject"] == "[mlsys] shop: data refused"
    assert mail["Message-ID"] == f"<{'k' * 32}@mlsys>"
    assert "Grüße: 3 % of the rows are bad" in mail.get_content()


def test_one_connection_takes_mail_after_mail(receiver: MailReceiver) -> None:
    known = server(receiver.server_address[1], **PLAIN)
    known.send("ann@example.com", NOTICE)
    known.send("bob@example.com", NOTICE)
    assert [mail["To"] for mail in receiver.mails] == ["ann@example.com", "bob@example.com"]


def test_a_dead_mail_server_is_transient() -> None:
    with socket.socket() as held:  # bound and not listening: connections are refused
        held.bind((HOST, 0))
        with pytest.raises(TransientError, match="not taken"):
            server(held.getsockname()[1], **PLAIN).send("ann@example.com", NOTICE)


@pytest.mark.parametrize(
    ("extra", "begins", "follows"),
    [({}, True, False), ({"disable_ssl": True}, False, True), (PLAIN, False, False)],
    ids=["TLS", "STARTTLS", "nothing"],
)
def test_encryption_is_that_of_airflows_own_provider(extra: dict[str, Any], begins: bool, follows: bool) -> None:
    known = server(**extra)
    assert (known.use_ssl, known.smtp_starttls) == (begins, follows)


def test_the_sender_is_the_connections_or_its_login() -> None:
    assert server(from_email="a@example.com", login="b@example.com").sender == "a@example.com"
    assert server(login="b@example.com").sender == "b@example.com"
    assert server().sender == "mlsys@localhost"
