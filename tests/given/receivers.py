"""A mail server and a webhook on this machine that keep what they are sent, for tests of notices."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"


class MailReceiver(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as it takes to be given a mail; keeps them in `mails`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Mail)
        self.mails: list[EmailMessage] = []

    @property
    def connection(self) -> str:
        """The Airflow connection to it, as a variable holds it."""
        extra = {"from_email": "mlsys@example.com", "disable_ssl": True, "disable_tls": True}
        return json.dumps({"conn_type": "smtp", "host": HOST, "port": self.server_address[1], "extra": extra})


class HookReceiver(ThreadingHTTPServer):
    """Takes POST requests; keeps header and body of each in `posts`, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Hook)
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.status = 200

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_port}/hook"

    @property
    def connection(self) -> str:
        """The Airflow connection to it, as a variable holds it."""
        return json.dumps({"conn_type": "http", "host": self.address, "password": "s3cret"})

    @property
    def notices(self) -> list[dict[str, Any]]:
        """The bodies, read."""
        return [json.loads(body) for _, body in self.posts]


@contextmanager
def receiving() -> Iterator[tuple[MailReceiver, HookReceiver]]:
    """Give a mail server and a webhook that run meanwhile."""
    with MailReceiver() as mail, HookReceiver() as hook:
        for server in (mail, hook):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield mail, hook
        finally:
            mail.shutdown()
            hook.shutdown()


class _Mail(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 here")
        while line := self.rfile.readline().strip().upper():
            if line == b"DATA":
                self._say("354 go on")
                self._keep()
                self._say("250 taken")
            elif line == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 yes")

    def _keep(self) -> None:
        lines = []
        while (line := self.rfile.readline()).rstrip(b"\r\n") != b".":
            lines.append(line)
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        self.server.mails.append(mail)  # type: ignore[attr-defined]

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((dict(self.headers), body))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Keep standard error clean."""
