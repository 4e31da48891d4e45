"""pip's settings reach uv, and settings made for uv itself win."""

from __future__ import annotations

import package_index
import pytest

HOME = {"HOME": "/nonexistent"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"index-url": "https://a/simple"}, {"UV_DEFAULT_INDEX": "https://a/simple"}),
        (
            {"extra-index-url": "https://a\nhttps://b"},
            {"UV_INDEX": "https://a https://b", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ({"find-links": "/one /two"}, {"UV_FIND_LINKS": "/one,/two"}),
        ({"no-index": "true", "index-url": "https://a"}, {"UV_NO_INDEX": "1"}),
        ({"trusted-host": "a"}, {"UV_INSECURE_HOST": "a"}),
        ({"cert": "/ca.pem", "timeout": "60"}, {"SSL_CERT_FILE": "/ca.pem", "UV_HTTP_TIMEOUT": "60"}),
        ({}, {}),
    ],
)
def test_a_setting_of_pip_is_handed_to_uv(settings, expected):
    assert package_index.uv_environment(settings, HOME) == {**HOME, **expected}


def test_an_index_chosen_for_uv_wins():
    environ = {**HOME, "UV_DEFAULT_INDEX": "https://own"}
    assert package_index.uv_environment({"index-url": "https://a", "extra-index-url": "https://b"}, environ) == environ


def test_a_lock_asks_no_additional_index():
    found = package_index.uv_environment({"index-url": "https://a", "extra-index-url": "https://b"}, HOME, extra=False)
    assert found == {**HOME, "UV_DEFAULT_INDEX": "https://a"}


def test_bytecode_is_never_suppressed():
    assert package_index.uv_environment({}, {**HOME, "PYTHONDONTWRITEBYTECODE": "1"}) == HOME


@pytest.mark.slow
def test_the_environment_wins_over_files_as_in_pip(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://from-environment/simple")
    assert package_index.pip_settings()["index-url"] == "https://from-environment/simple"
