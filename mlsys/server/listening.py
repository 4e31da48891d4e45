"""The HTTP server below the application: where it listens, whom it trusts, and how long it waits."""

from __future__ import annotations

import ipaddress
import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlsys.errors import UsageError
from mlsys.server.access import Rule
from mlsys.server.asgi import ASGIApp
from mlsys.server.keys import KeyFile
from mlsys.server.limits import ServerLimits

if TYPE_CHECKING:
    import uvicorn


@dataclass(frozen=True)
class Listening:
    """Where a server listens.

    Attributes:
        certificate, key: PEM files; with them it speaks HTTPS, without them HTTP.
        proxies: addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
        without_keys: whoever reaches it may ask.
        only_with_keys: nobody may ask without a key, and none need be there yet.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    proxies: Sequence[str] = ()
    without_keys: bool = False
    only_with_keys: bool = False

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def rule(self, keys: KeyFile) -> Rule:
        """Return who may ask without a key.

        Raises:
            UsageError: others reach the server, and nobody has a key.
        """
        if self.only_with_keys:
            return "keys"
        if self.without_keys:
            return "open"
        if self.is_local:
            return "local"
        if not keys.any:
            raise UsageError(
                "Others reach this address, and the server has no API keys",
                where="--host",
                got=self.host,
                remedy="Make one: `mlsys keys add CLIENT`; `--only-with-keys` begins without one; or say that whoever "
                "reaches it may ask: `--no-keys`",
            )
        return "keys"


def socket_of(at: Listening) -> socket.socket:
    """Return a socket that is bound to the address and not listened on yet.

    Raises:
        UsageError: the address is another process's, needs rights, or is none of this machine's.
    """
    made = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(at.host, at.port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        if made is not None:
            made.close()
        raise UsageError(
            f"Can't listen there: {error.strerror or error}",
            where="--host, --port",
            got=f"{at.host}:{at.port}",
            remedy="Another port: `--port`, or MLSYS_SERVER_PORT; `--host` is an address of this machine",
        ) from None
    return made


def server(app: ASGIApp, at: Listening, limits: ServerLimits) -> uvicorn.Server:
    """Return the server, which `run()` lets listen until it is told to end.

    Raises:
        UsageError: certificate and key don't fit each other, or one of them is missing.
    """
    import uvicorn

    from mlsys.server.connections import connections_within

    _require_certificate(at)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=at.host,
            port=at.port,
            http=connections_within(limits),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(at.proxies),
            forwarded_allow_ips=list(at.proxies),
            backlog=4096,
            timeout_keep_alive=limits.idle_seconds,
            timeout_graceful_shutdown=math.ceil(limits.answer_seconds),
            ssl_certfile=at.certificate,
            ssl_keyfile=at.key,
        )
    )


def _require_certificate(at: Listening) -> None:
    import ssl

    if at.certificate is None:
        if at.key is not None:
            raise UsageError("A key needs its certificate", where="--key", remedy="Name it with `--certificate FILE`")
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(at.certificate, at.key, password=_no_password)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        remedy = "PEM files, the key without a password and belonging to the certificate"
        got = f"{at.certificate}, {at.key or at.certificate}"
        raise UsageError(
            f"The certificate can't be used: {reason}", where="--certificate", got=got, remedy=remedy
        ) from None


def _no_password() -> str:
    raise ValueError("the key has a password")
