"""Airflow in tests: one made up of answers, and patience with a real one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from mlsys.orchestration.api import service
from mlsys.orchestration.api.client import AirflowApi

if TYPE_CHECKING:
    import pytest

Answer = Callable[[httpx.Request], httpx.Response]
LOGIN = {"username": "admin", "password": "pw"}


def made_up(answer: Answer) -> AirflowApi:
    """Return a client of an Airflow that knows one login, and leaves all other requests to `answer`."""

    def with_login(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/auth/token":
            return answer(request)
        known = json.loads(request.content) == LOGIN
        return httpx.Response(201, json={"access_token": "t"}) if known else httpx.Response(401, json={})

    client = httpx.Client(transport=httpx.MockTransport(with_login), base_url="http://air")
    return AirflowApi(client, login=LOGIN["username"], password=LOGIN["password"])


def connect_to(patched: pytest.MonkeyPatch, answer: Answer) -> None:
    """Let tasks find a made-up Airflow behind their connection."""

    @contextmanager
    def connect() -> Iterator[AirflowApi]:
        yield made_up(answer)

    patched.setattr(service, "connect", connect)


def wait(found: Callable[[], Any], seconds: float = 120, meanwhile: Callable[[], None] = lambda: None) -> Any:
    """Return what `found` returns as soon as that is something; `meanwhile` is called before each further look."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen in time"
        meanwhile()
        time.sleep(0.5)
    return result
