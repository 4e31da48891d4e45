"""`mlsys keys`."""

from __future__ import annotations

import json

import pytest

from mlsys.server.keys import KeyFile
from mlsys.settings import load_settings


def test_a_key_is_made_listed_and_revoked(mlsys, home) -> None:
    assert "no keys" in mlsys("keys", "list").out
    made = mlsys("keys", "add", "shop", "--scope", "admin", "--until", "90d")
    assert made.code == 0
    key = KeyFile(load_settings().server_keys).find(made.out.strip())
    assert key is not None
    assert (key.client, key.scope) == ("shop", "admin")
    listed = mlsys("keys", "list").out
    assert key.id in listed
    assert "shop" in listed
    assert made.out.strip() not in listed
    assert "0 keys left" in mlsys("keys", "revoke", key.id).out
    assert mlsys("keys", "revoke", key.id).code == 2


def test_scripts_read_what_was_made(mlsys, home) -> None:
    made = json.loads(mlsys("keys", "add", "shop", "--json").out)
    assert KeyFile(load_settings().server_keys).find(made.pop("key"))
    assert json.loads(mlsys("keys", "list", "--json").out) == [made]
    assert "sha256" not in made
    assert json.loads(mlsys("keys", "revoke", made["id"], "--json").out) == made


def test_a_key_has_a_rate_of_its_own(mlsys, home) -> None:
    made = json.loads(mlsys("keys", "add", "nightly", "--per-second", "0.5", "--json").out)
    assert made["per_second"] == 0.5
    assert "0.5" in mlsys("keys", "list").out
    assert mlsys("keys", "add", "nightly", "--per-second", "-1").code == 2
    assert mlsys("keys", "add", "nightly", "--per-second", "nan").code == 2


def test_keys_lie_where_a_setting_says(mlsys, home, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MLSYS_SERVER_KEYS_FILE", str(tmp_path / "mounted" / "keys.json"))
    assert mlsys("keys", "add", "shop").code == 0
    assert (tmp_path / "mounted" / "keys.json").is_file()
    assert not (home / "secrets").exists()


@pytest.mark.slow
def test_a_server_for_others_wants_keys_first(mlsys, home) -> None:
    answer = mlsys("serve", "--host", "0.0.0.0")
    assert answer.code == 2
    assert "mlsys keys add CLIENT" in answer.err
