"""An account without a name, as of a container that is started with `--user 12345`."""

import os
import pwd

import pytest

from mlsys.account import account


def test_an_account_without_a_name_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(number: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert account() == f"user {os.geteuid()}"
    monkeypatch.setenv("LOGNAME", "mara")
    assert account() == "mara"
