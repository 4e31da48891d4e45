"""The whole door: what every answer has, and what no answer tells."""

from __future__ import annotations

import logging

import pytest

ROW = {"basket_value": 40.0, "n_items": 2, "channel": "shop", "gift": True}


def test_a_machine_asks_its_own_server_without_a_key(shop_behind_door) -> None:
    answer = shop_behind_door.post("/pipelines/shop/predict", json=ROW)
    assert answer.status_code == 200
    metrics = shop_behind_door.get("/metrics").text
    assert 'mlsys_server_predictions_total{arm="champion",pipeline="shop"' in metrics


def test_the_id_of_a_request_is_in_its_answer_and_its_log_line(door, caplog) -> None:
    caplog.set_level(logging.INFO, "mlsys.server")
    client = door()
    given = client.post("/pipelines/shop/predict", headers={"X-Request-ID": "checkout-17"})
    made = client.get("/models", headers={"X-Request-ID": "two words\t"})
    assert given.headers["x-request-id"] == "checkout-17"
    assert len(made.headers["x-request-id"]) == 32
    lines = [line for line in caplog.messages if line.startswith("request ")]
    assert "request_id=checkout-17" in lines[0]
    assert made.headers["x-request-id"] in lines[1]


def test_no_line_of_the_log_has_what_was_asked_or_answered(shop_behind_door, caplog) -> None:
    caplog.set_level(logging.DEBUG, "mlsys.server")
    shop_behind_door.post("/pipelines/shop/predict?secret=1234567", json={**ROW, "channel": "zzz-secret"})
    assert any(line.startswith("request ") for line in caplog.messages)
    assert not [line for line in caplog.messages if "secret" in line or "basket" in line]


@pytest.mark.parametrize("path", ["/health", "/models", "/no/such/place", "/metrics"])
def test_every_answer_has_the_headers_of_security(shop_behind_door, path) -> None:
    headers = shop_behind_door.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
