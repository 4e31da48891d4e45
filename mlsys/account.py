"""Who runs this process, by the name that the ledger keeps."""

from __future__ import annotations

import getpass
import os
from contextlib import suppress


def account() -> str:
    """Return the name of the account, or its number where it has no name, as a user given to a container."""
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return f"user {os.geteuid()}"
