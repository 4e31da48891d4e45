"""The login and the keys of the embedded Airflow: random, made at first start, readable by their owner alone."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from mlsys.store import write_atomically


@dataclass(frozen=True)
class Keys:
    """What Airflow's processes share: signature of tokens, of the session cookie, encryption of connections."""

    jwt_secret: str
    secret_key: str
    fernet_key: str


def keys(home: Path) -> Keys:
    """Return the keys of a home, made at first use; changing them would lock out what is stored encrypted."""
    path = home / "secrets" / "airflow_keys.json"
    if not path.exists():
        fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        _write(path, asdict(Keys(secrets.token_hex(64), secrets.token_hex(32), fernet)))
    return Keys(**json.loads(path.read_text()))


def passwords_file(home: Path) -> Path:
    """Return the path of the file that Airflow reads the logins from (JSON, user to password)."""
    return home / "secrets" / "airflow_passwords.json"


def password(home: Path, login: str) -> str:
    """Return the Airflow password of `login`, made at first use."""
    path = passwords_file(home)
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if login not in known:
        known[login] = secrets.token_urlsafe(12)
        _write(path, known)
    return known[login]


def _write(path: Path, content: dict[str, str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, json.dumps(content).encode(), mode=0o600)
