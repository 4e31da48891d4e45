"""Slow and many connections, on a real socket."""

from __future__ import annotations

import resource
import socket
import ssl
from contextlib import ExitStack

import httpx
import pytest
from given.running_server import running
from given.stand_ins import echo

from mlsys.server.connections import HEAD_BYTES, most_files
from mlsys.server.limits import ServerLimits

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"


def connected(at: tuple[str, int]) -> socket.socket:
    return socket.create_connection(at, timeout=20)


def all_of(asking: socket.socket) -> bytes:
    """Return what comes until the server ends the connection."""
    parts = []
    while part := asking.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_a_head_that_does_not_come_ends_the_connection() -> None:
    with running(echo, ServerLimits(header_seconds=0.1)) as at, connected(at) as silent, connected(at) as slow:
        slow.sendall(HEAD[:20])
        assert all_of(slow).startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert all_of(silent) == b""


def test_a_slow_head_after_an_answer_ends_the_connection_too() -> None:
    with running(echo, ServerLimits(header_seconds=0.1)) as at, connected(at) as asking:
        asking.sendall(HEAD + b"ab")
        assert asking.recv(65536).startswith(b"HTTP/1.1 200")
        asking.sendall(HEAD[:20])
        assert b" 408 " in all_of(asking)


def test_bytes_one_at_a_time_are_a_request_where_they_come_in_time() -> None:
    with running(echo) as at, connected(at) as asking:
        asking.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in HEAD + b"ab":
            asking.sendall(bytes([byte]))
        assert asking.recv(65536).endswith(b"ab")


def test_a_head_without_end_is_refused() -> None:
    with running(echo) as at, connected(at) as asking:
        asking.sendall(HEAD[:-2] + b"X: " + b"x" * (HEAD_BYTES * 3))
        assert asking.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_a_large_body_is_no_head() -> None:
    body = b"x" * (HEAD_BYTES * 4)
    with running(echo) as at:
        assert httpx.post(f"http://{at[0]}:{at[1]}/", content=body).content == body


def test_requests_that_do_not_wait_for_answers_are_answered_in_order() -> None:
    with running(echo) as at, connected(at) as asking:
        last = HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        asking.sendall(HEAD + b"ab" + HEAD + b"cd" + last + b"ef")
        bodies = all_of(asking).split(b"\r\n\r\n")
        assert [bodies[1][:2], bodies[2][:2], bodies[3][:2]] == [b"ab", b"cd", b"ef"]


def test_the_longest_silent_connection_makes_room() -> None:
    with running(echo, ServerLimits(connections=16)) as at, ExitStack() as opened:
        used = opened.enter_context(httpx.Client(base_url=f"http://{at[0]}:{at[1]}"))
        silent = [opened.enter_context(connected(at)) for _ in range(15)]
        assert used.post("/", content=b"1").content == b"1"
        for _ in range(5):
            opened.enter_context(connected(at))
        assert [all_of(each) for each in silent[:4]] == [b""] * 4
        assert used.post("/", content=b"2").content == b"2"
        assert httpx.post(f"http://{at[0]}:{at[1]}/", content=b"3").content == b"3"


def test_tls_by_certificate(tmp_path) -> None:
    from given.certificates import self_signed

    pem = self_signed(tmp_path, "127.0.0.1")
    with running(echo, certificate=pem) as at:
        trusted = ssl.create_default_context(cafile=str(pem))
        assert httpx.post(f"https://{at[0]}:{at[1]}/", content=b"1", verify=trusted).content == b"1"
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"https://{at[0]}:{at[1]}/")


@pytest.mark.long
def test_ten_thousand_open_connections_keep_nobody_out() -> None:
    if most_files() < 20_600:
        pytest.skip("this system lets a process open too few files for both ends of 10,000 connections")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with running(echo, ServerLimits(header_seconds=300)) as at, ExitStack() as opened:
        for _ in range(10_000):
            opened.enter_context(connected(at))
        for i in range(100):
            assert httpx.post(f"http://{at[0]}:{at[1]}/", content=str(i)).text == str(i)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000  # KiB, both ends
