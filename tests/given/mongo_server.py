"""A MongoDB server as far as a reader sees it: a real socket, OP_MSG, cursors, SCRAM-SHA-256, TLS, faults to order.

There is no mongod to be had where the tests run. This one speaks the wire protocol to PyMongo, keeps its collections in
memory as BSON, and answers `find` and `getMore` by `mongo_queries`, honestly: filter, sort, projection, limit, batches.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import socket
import socketserver
import ssl
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from given.mongo_queries import BadQueryError, matches, ordered, projected

Document = dict[str, Any]
_REPLY, _QUERY, _MSG = 1, 2004, 2013
_OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO)
_FIRST_BATCH = 101
_HELLO = {
    "ismaster": True,
    "isWritablePrimary": True,
    "helloOk": True,
    "maxBsonObjectSize": 16 * 2**20,
    "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000,
    "minWireVersion": 0,
    "maxWireVersion": 21,
    "logicalSessionTimeoutMinutes": 30,
    "ok": 1.0,
}

Fault = str | tuple[int, str]  # "drop" the connection, "forget" the cursor, or an error's code and text


class MongoServer:
    """What tests see of the server: its databases, what was asked, and what shall go wrong.

    Attributes:
        databases: documents by database and collection.
        asked: every command with its arguments, in order; those of connections left out.
        faults: for each command, what its next calls meet; None is no fault.
    """

    def __init__(self, users: dict[str, str] | None = None) -> None:
        self.databases: dict[str, dict[str, list[bytes]]] = defaultdict(dict)
        self.asked: list[Document] = []
        self.faults: dict[str, deque[Fault | None]] = defaultdict(deque)
        self.users = users
        self.cursors: dict[int, tuple[str, deque[Document]]] = {}
        self.numbers = count(1)
        self.port = 0

    def fill(self, database: str, collection: str, documents: Sequence[Document]) -> None:
        """Hold these documents in the order given."""
        self.databases[database][collection] = [
            bson.encode({"_id": bson.ObjectId(), **each}, codec_options=_OPTIONS) for each in documents
        ]

    @property
    def finds(self) -> list[Document]:
        """The filters that were asked for with a sort by `_id` and more than one batch's limit, in order."""
        return [each for each in self.asked if "find" in each and "limit" not in each]

    def answer(self, command: Document, who: _Connection) -> Document | None:
        """Return the reply to a command, or None to drop the connection."""
        name = next(iter(command))
        if name.lower() not in ("hello", "ismaster", "ping", "endsessions", "saslstart", "saslcontinue"):
            self.asked.append(command)
            if self.users and not who.user:
                return _error(13, f"command {name} requires authentication")
        fault = self.faults[name].popleft() if self.faults[name] else None
        if fault == "drop":
            return None
        if isinstance(fault, tuple):
            return _error(*fault)
        if fault == "forget":
            self.cursors.clear()
        method = getattr(self, f"_{name.lower()}", None)
        if method is None:
            return _error(59, f"no such command: '{name}'")
        try:
            reply: Document = method(command, who)
        except BadQueryError as error:
            return _error(2, str(error))
        return {"ok": 1.0, **reply}

    def _hello(self, command: Document, _: _Connection) -> Document:
        mechanisms = {"saslSupportedMechs": ["SCRAM-SHA-256"]} if "saslSupportedMechs" in command else {}
        return {**_HELLO, **mechanisms}

    _ismaster = _hello

    def _ping(self, *_: Any) -> Document:
        return {}

    _endsessions = _ping

    def _listcollections(self, command: Document, _: _Connection) -> Document:
        found = [{"name": name, "type": "collection"} for name in self.databases.get(command["$db"], {})]
        return {"cursor": {"id": 0, "ns": f"{command['$db']}.$cmd.listCollections", "firstBatch": found}}

    def _find(self, command: Document, _: _Connection) -> Document:
        stored = self.databases.get(command["$db"], {}).get(command["find"], [])
        found = [bson.decode(each, codec_options=_OPTIONS) for each in stored]
        found = [each for each in found if matches(each, command.get("filter", {}))]
        found = ordered(found, command.get("sort", {}))[command.get("skip", 0) :]
        limit = command.get("limit") or len(found)
        rows = deque(projected(each, command.get("projection", {})) for each in found[:limit])
        return self._batch(f"{command['$db']}.{command['find']}", 0, rows, command, "firstBatch")

    def _getmore(self, command: Document, _: _Connection) -> Document:
        number = command["getMore"]
        if number not in self.cursors:
            return _error(43, f"cursor id {number} not found")
        name, rows = self.cursors.pop(number)
        return self._batch(name, number, rows, command, "nextBatch")

    def _killcursors(self, command: Document, _: _Connection) -> Document:
        for number in command["cursors"]:
            self.cursors.pop(number, None)
        return {"cursorsKilled": command["cursors"]}

    def _batch(self, name: str, number: int, rows: deque[Document], command: Document, key: str) -> Document:
        size = command.get("batchSize", _FIRST_BATCH)
        batch = [rows.popleft() for _ in range(min(size, len(rows)))]
        if rows and not command.get("singleBatch"):
            number = number or next(self.numbers)
            self.cursors[number] = (name, rows)
        else:
            number = 0
        return {"cursor": {"id": bson.Int64(number), "ns": name, key: batch}}

    def _saslstart(self, command: Document, who: _Connection) -> Document:
        bare = bytes(command["payload"]).decode().removeprefix("n,,")
        fields = dict(part.split("=", 1) for part in bare.split(","))
        salt, nonce = os.urandom(16), fields["r"] + os.urandom(12).hex()
        first = f"r={nonce},s={base64.b64encode(salt).decode()},i=4096"
        who.login = (fields["n"], salt, f"{bare},{first}")
        return {"conversationId": 1, "done": False, "payload": first.encode()}

    def _saslcontinue(self, command: Document, who: _Connection) -> Document:
        user, salt, before = who.login
        last = bytes(command["payload"]).decode()
        without_proof, _, proof = last.rpartition(",p=")
        password = (self.users or {}).get(user)
        salted = hashlib.pbkdf2_hmac("sha256", (password or "").encode(), salt, 4096)
        client = _hmac(salted, b"Client Key")
        message = f"{before},{without_proof}".encode()
        signature = _hmac(hashlib.sha256(client).digest(), message)
        expected = bytes(a ^ b for a, b in zip(client, signature, strict=True))
        if password is None or not hmac.compare_digest(expected, base64.b64decode(proof)):
            return _error(18, "Authentication failed.")
        who.user = user
        verifier = base64.b64encode(_hmac(_hmac(salted, b"Server Key"), message)).decode()
        return {"conversationId": 1, "done": True, "payload": f"v={verifier}".encode()}


class _Connection(socketserver.BaseRequestHandler):
    """One connection: commands in, replies out."""

    user: str | None = None
    login: tuple[str, bytes, str] = ("", b"", "")

    def handle(self) -> None:
        mongo: MongoServer = self.server.mongo  # type: ignore[attr-defined]
        try:
            while True:
                length, request, _, code = struct.unpack("<iiii", self._bytes(16))
                body = self._bytes(length - 16)
                reply = mongo.answer(_command(body, code), self)
                if reply is None:
                    return
                self.request.sendall(_message(reply, request, code))
        except (ConnectionError, ssl.SSLError):
            return

    def _bytes(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            block = self.request.recv(size - len(data))
            if not block:
                raise ConnectionError
            data += block
        return data


class _Sockets(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    tls: ssl.SSLContext | None = None

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address


@contextmanager
def running(users: dict[str, str] | None = None, tls: ssl.SSLContext | None = None) -> Iterator[MongoServer]:
    """A server on a free port of this machine."""
    mongo = MongoServer(users)
    with _Sockets(("127.0.0.1", 0), _Connection) as sockets:
        sockets.mongo, sockets.tls = mongo, tls  # type: ignore[attr-defined]
        mongo.port = sockets.server_address[1]
        thread = threading.Thread(target=sockets.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield mongo
        finally:
            sockets.shutdown()
            thread.join()


def _command(body: bytes, code: int) -> Document:
    if code == _MSG:
        return bson.decode(body[5:], codec_options=_OPTIONS)  # flags, and one section of kind 0
    assert code == _QUERY, f"an operation that no driver of today sends: {code}"
    start = body.index(b"\0", 4) + 9
    return bson.decode(body[start : start + struct.unpack("<i", body[start : start + 4])[0]], codec_options=_OPTIONS)


def _message(reply: Document, request: int, code: int) -> bytes:
    document = bson.encode(reply, codec_options=_OPTIONS)
    if code == _MSG:
        body, answer = struct.pack("<ib", 0, 0) + document, _MSG
    else:
        body, answer = struct.pack("<iqii", 8, 0, 0, 1) + document, _REPLY
    return struct.pack("<iiii", 16 + len(body), 0, request, answer) + body


def _error(code: int, text: str) -> Document:
    return {"ok": 0.0, "code": code, "codeName": f"Code{code}", "errmsg": text}


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
