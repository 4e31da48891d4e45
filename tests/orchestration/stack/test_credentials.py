from __future__ import annotations

import base64
import json
from pathlib import Path

from mlsys.orchestration.stack import credentials


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    keys = credentials.keys(tmp_path)
    assert credentials.keys(tmp_path) == keys
    assert len(keys.jwt_secret) >= 64
    assert len(base64.urlsafe_b64decode(keys.fernet_key)) == 32
    for file in (tmp_path / "secrets").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_second_login_keeps_the_first(tmp_path: Path) -> None:
    first = credentials.password(tmp_path, "admin")
    second = credentials.password(tmp_path, "ann")
    assert first != second
    assert credentials.password(tmp_path, "admin") == first
    assert json.loads(credentials.passwords_file(tmp_path).read_text()) == {"admin": first, "ann": second}
