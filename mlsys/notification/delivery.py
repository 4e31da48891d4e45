"""How a notice leaves the machine as a POST to a webhook; mail goes through Airflow's own provider."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from mlsys.errors import TransientError
from mlsys.notification.outbox import Notice
from mlsys.store import canonical_json

SECONDS = 10.0


@dataclass(frozen=True)
class Webhook:
    """An address that takes notices; with a secret each request is signed."""

    address: str
    secret: str | None = None


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
