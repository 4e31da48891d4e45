"""How a notice leaves the machine: as a mail over SMTP, or as a POST to a webhook."""

from __future__ import annotations

import hashlib
import hmac
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime

from mlsys.errors import TransientError
from mlsys.notification.outbox import Notice
from mlsys.store import canonical_json

SECONDS = 10.0


@dataclass(frozen=True)
class MailServer:
    """A mail server, and who writes.

    Attributes:
        encryption: `tls` from the first byte, `starttls`, or `none`, for a server on the same machine.
    """

    host: str
    port: int
    sender: str
    login: str | None = None
    password: str | None = None
    encryption: str = "starttls"


@dataclass(frozen=True)
class Webhook:
    """An address that takes notices; with a secret each request is signed."""

    address: str
    secret: str | None = None


def send_mail(server: MailServer, to: str, notice: Notice) -> None:
    """Send a notice as a mail.

    Raises:
        TransientError: the server does not answer, or does not take it.
    """
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = notice.subject, server.sender, to
    mail["Date"] = format_datetime(notice.at)
    mail["Message-ID"] = f"<{notice.key}@mlsys>"  # mail programs show a repetition once
    mail["X-Mlsys-Event"] = notice.event
    mail.set_content(notice.text)
    try:
        with _connected(server) as smtp:
            if server.encryption == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            if server.login:
                smtp.login(server.login, server.password or "")
            smtp.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        raise TransientError(f"The mail was not taken: {error}", where=f"{server.host}:{server.port}") from error


def post(webhook: Webhook, notice: Notice) -> None:
    """Post a notice as JSON to a webhook.

    Raises:
        TransientError: it does not answer, or not with 2xx.
    """
    import httpx

    body = canonical_json(notice.dump())
    headers = {"Content-Type": "application/json", "Idempotency-Key": notice.key, "X-Mlsys-Event": notice.event}
    if webhook.secret:
        headers["X-Mlsys-Signature"] = signature(body, webhook.secret)
    where = httpx.URL(webhook.address).host  # the rest of the address may be a secret
    try:
        answer = httpx.post(webhook.address, content=body, headers=headers, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TransientError(f"The webhook does not answer: {type(error).__name__}", where=where) from error
    if not answer.is_success:
        raise TransientError(f"The webhook answers with status {answer.status_code}", where=where)


def signature(body: bytes, secret: str) -> str:
    """Return what the header `X-Mlsys-Signature` holds: HMAC-SHA256 of the body, in hexadecimal digits.

    >>> signature(b"{}", "secret")[:23]
    'sha256=77325902caca812d'
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _connected(server: MailServer) -> smtplib.SMTP:
    if server.encryption == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(server.host, server.port, timeout=SECONDS)
