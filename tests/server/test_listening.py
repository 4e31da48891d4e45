"""Where a server listens, and what it is refused to."""

from __future__ import annotations

import socket

import httpx
import pytest
from given.certificates import self_signed
from given.running_server import running

from mlsys.errors import UsageError
from mlsys.server.asgi import reply
from mlsys.server.keys import KeyFile, add
from mlsys.server.limits import ServerLimits
from mlsys.server.listening import Listening, server, socket_of


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_this_machine_needs_no_key(key_file, host) -> None:
    assert Listening(host, 8000).rule(KeyFile(key_file)) == "local"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "models.example", ""])
def test_others_need_keys_or_a_word(key_file, host) -> None:
    with pytest.raises(UsageError, match=r"mlsys keys add CLIENT.*--no-keys"):
        Listening(host, 8000).rule(KeyFile(key_file))
    assert Listening(host, 8000, without_keys=True).rule(KeyFile(key_file)) == "open"
    add(key_file, "shop", scope="predict")
    assert Listening(host, 8000).rule(KeyFile(key_file)) == "keys"


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_nobody_asks_without_a_key_where_none_is_there_yet(key_file, host) -> None:
    assert Listening(host, 8000, only_with_keys=True).rule(KeyFile(key_file)) == "keys"


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port}.*MLSYS_SERVER_PORT"):
            socket_of(Listening("127.0.0.1", port))


def test_an_address_of_nobody_is_named() -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
        socket_of(Listening("192.0.2.1", 0))


@pytest.mark.parametrize("harm", ["no certificate", "no key", "other key", "password"])
def test_a_certificate_that_does_not_serve_is_refused_before_anything_starts(tmp_path, harm) -> None:
    from cryptography.hazmat.primitives import serialization

    pem = self_signed(tmp_path, "127.0.0.1")
    whole = pem.read_bytes()
    key, certificate = whole[: whole.index(b"-----BEGIN CERT")], whole[whole.index(b"-----BEGIN CERT") :]
    other = tmp_path / "other"
    other.mkdir()
    files = {"certificate": certificate, "key": key}
    if harm == "no certificate":
        files["certificate"] = b"nothing"
    elif harm == "no key":
        files["key"] = b"nothing"
    elif harm == "other key":
        files["key"] = self_signed(other, "127.0.0.1").read_bytes()
    else:
        private = serialization.load_pem_private_key(key, None)
        locked = serialization.BestAvailableEncryption(b"1234")
        files["key"] = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    paths = {name: tmp_path / f"{name}.pem" for name in files}
    for name, path in paths.items():
        path.write_bytes(files[name])
    with pytest.raises(UsageError, match="certificate can't be used"):
        server(None, Listening("127.0.0.1", 0, **paths), ServerLimits())  # type: ignore[arg-type]


def test_a_key_wants_its_certificate(tmp_path) -> None:
    with pytest.raises(UsageError, match="needs its certificate"):
        server(None, Listening("127.0.0.1", 0, key=tmp_path / "key.pem"), ServerLimits())  # type: ignore[arg-type]


async def who(scope, receive, send) -> None:
    if scope["type"] == "http":
        await reply(send, 200, f"{scope['client'][0]} {scope['scheme']}".encode(), b"text/plain")


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [((), "127.0.0.1 http"), (("10.9.9.9",), "127.0.0.1 http"), (("127.0.0.0/8",), "203.0.113.9 https")],
)
def test_only_a_named_proxy_says_who_asks(proxies, seen) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    with running(who, proxies=proxies) as at:
        assert httpx.get(f"http://{at[0]}:{at[1]}/", headers=headers).text == seen
