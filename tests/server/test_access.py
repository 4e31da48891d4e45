"""Who may ask for what, with a key and without."""

from __future__ import annotations

import base64

import pytest
from given.clocks import GivenTime

from mlsys.server import keys as api_keys
from mlsys.server import limits
from mlsys.server.keys import add

ELSEWHERE = ("10.0.0.7", 40000)
PREDICT = "/pipelines/shop/predict"


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def key(key_file) -> str:
    return add(key_file, "shop", scope="predict")[1]


@pytest.fixture
def admin(key_file) -> str:
    return add(key_file, "operator", scope="admin")[1]


def test_health_is_open_to_all_and_so_is_what_pages_look_like(door, key) -> None:
    client = door(rule="keys", peer=ELSEWHERE)
    assert client.get("/static/server.css").status_code == 200
    assert client.get("/static/../models").status_code == 401
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 200


@pytest.mark.parametrize(
    "path", ["/models", "/pipelines/shop/model/info", "/openapi.json", "/metrics", "/nowhere", "/"]
)
def test_all_else_wants_a_key(door, key, path) -> None:
    answer = door(rule="keys", peer=ELSEWHERE).get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "API key" in answer.json()["problems"][0]["problem"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_key_comes_in_any_of_three_ways(door, key) -> None:
    client = door(rule="keys", peer=ELSEWHERE)
    basic = base64.b64encode(f"whoever:{key}".encode()).decode()
    for way in (bearer(key), {"X-API-Key": key}, {"Authorization": f"Basic {basic}"}):
        assert client.post(PREDICT, json={}, headers=way).status_code == 200


@pytest.mark.parametrize(
    "way",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer mlsys_00000000_" + "A" * 43},
        {"Authorization": "Basic ???"},
        {"Authorization": "Basic /w=="},
        {"Authorization": "Negotiate \xff"},
        {"X-API-Key": ""},
    ],
)
@pytest.mark.parametrize("rule", ["keys", "local", "open"])
def test_a_wrong_key_is_refused_under_every_rule(door, key, way, rule) -> None:
    assert door(rule=rule).get("/models", headers={k: v.encode("latin-1") for k, v in way.items()}).status_code == 401


def test_a_browser_is_asked_for_the_key(door, key) -> None:
    answer = door(rule="keys", peer=ELSEWHERE).get("/", headers={"User-Agent": "Mozilla/5.0 (X11)"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_metrics_are_the_administrators_or_this_machines(door, key, admin) -> None:
    far = door(rule="keys", peer=ELSEWHERE)
    assert far.get("/metrics", headers=bearer(admin)).status_code == 200
    refused = far.get("/metrics", headers=bearer(key))
    assert refused.status_code == 403
    assert "`admin`" in refused.json()["problems"][0]["problem"]
    assert door(rule="keys").get("/metrics").status_code == 200
    assert door(rule="keys").get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"}).status_code == 401


def test_nobody_elsewhere_reloads_or_reads_metrics_where_all_may_ask(door) -> None:
    far = door(rule="open", peer=ELSEWHERE)
    assert far.get("/models").status_code == 200
    assert far.get("/metrics").status_code == 401
    assert far.post("/pipelines/shop/model/reload").status_code == 401


def test_the_first_key_ends_the_demo(door, key_file) -> None:
    client = door()
    assert client.get("/models").status_code == 200
    add(key_file, "shop", scope="predict")
    assert door().get("/models").status_code == 401


def test_a_proxy_does_not_pass_the_world_on_to_a_demo(door) -> None:
    answer = door().get("/models", headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code == 401
    assert "proxy" in answer.json()["problems"][0]["problem"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "[::1", ""])
def test_a_name_that_somebody_let_point_here_is_refused(door, host) -> None:
    assert door().get("/models", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_own_names_are_taken(door, host) -> None:
    assert door().get("/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1", "//[", "http://localhost.x"])
def test_a_page_of_another_site_sends_nothing(door, origin) -> None:
    answer = door().post(PREDICT, json={}, headers={"Origin": origin})
    assert answer.status_code == 403


def test_the_servers_own_page_does(door) -> None:
    assert door().post(PREDICT, json={}, headers={"Origin": "http://localhost"}).status_code == 200


@pytest.fixture
def time(monkeypatch) -> GivenTime:
    found = GivenTime()
    monkeypatch.setattr(limits, "time", found)
    return found


def _guess(client, number: int = 0):
    return client.get("/models", headers=bearer(f"mlsys_{number:08x}_" + "A" * 43))


def test_guesses_are_limited_and_a_right_key_from_the_same_address_is_not(door, key, time) -> None:
    client = door(rule="keys", peer=ELSEWHERE, wrong_keys_per_minute=6)
    assert [_guess(client, number).status_code for number in range(8)] == [401] * 6 + [429] * 2
    answer = _guess(client)
    assert answer.headers["retry-after"] == "10"
    assert "10.0.0.7" in answer.json()["problems"][0]["problem"]
    assert client.get("/models", headers=bearer(key)).status_code == 200
    time.now += 10
    assert [_guess(client).status_code for _ in range(2)] == [401, 429]


def test_a_key_that_was_just_made_works_where_somebody_guesses(door, key_file, key, time, monkeypatch) -> None:
    monkeypatch.setattr(api_keys, "time", time)
    client = door(rule="keys", peer=ELSEWHERE, wrong_keys_per_minute=1)
    _guess(client)
    assert _guess(client).status_code == 429
    made = add(key_file, "late", scope="predict")[1]
    time.now += api_keys.LOOK_EVERY_SECONDS
    assert client.get("/models", headers=bearer(made)).status_code == 200


def test_a_key_may_have_limits_of_its_own(door, key_file, key, time) -> None:
    slow = add(key_file, "shop", scope="predict", per_second=0.1)[1]
    free = add(key_file, "shop", scope="predict", per_second=0)[1]
    client = door(rule="keys", peer=ELSEWHERE, requests_per_second=1)

    def statuses(text: str) -> list[int]:
        return [client.get("/models", headers=bearer(text)).status_code for _ in range(3)]

    assert statuses(slow) == [200, 429, 429]
    answer = client.get("/models", headers=bearer(slow))
    assert answer.headers["retry-after"] == "10"
    assert "0.1 requests a second from `shop`" in answer.json()["problems"][0]["problem"]
    assert statuses(free) == [200] * 3
    assert statuses(key) == [200, 200, 429], "a key without a rate of its own has that of its client"
