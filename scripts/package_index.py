"""Hand pip's settings to uv, which does not read them, so that both ask the same package index.

Addresses go through the environment alone: none is ever printed or written into a file.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_OWN = (
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_NO_INDEX",
    "UV_OFFLINE",
)
_SECTIONS = ("global", "install", ":env:")  # the later one wins, as in pip


def pip_settings(python: str = sys.executable) -> dict[str, str]:
    """Return pip's effective settings by name (`index-url`, `find-links`, ...)."""
    listing = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = {}
    for section in _SECTIONS:
        for line in listing.splitlines():
            name, equals, value = line.partition("=")
            if equals and name.startswith(section + "."):
                found[name.removeprefix(section + ".")] = str(ast.literal_eval(value))
    return found


def uv_environment(
    settings: Mapping[str, str], environ: Mapping[str, str] = os.environ, *, extra: bool = True
) -> dict[str, str]:
    """Return the environment for uv that says what pip's `settings` say; settings made for uv itself win.

    Args:
        settings: as `pip_settings` returns them.
        environ: the environment to start from.
        extra: also the additional indexes. They may hold a part of a release's files, so a lock must not ask them.
    """
    result = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if "cert" in settings:
        result.setdefault("SSL_CERT_FILE", settings["cert"])
    if "timeout" in settings or "default-timeout" in settings:
        result.setdefault("UV_HTTP_TIMEOUT", settings.get("timeout") or settings["default-timeout"])
    if any(name in environ for name in _OWN) or _has_config_file(environ):
        return result
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        result["UV_NO_INDEX"] = "1"
    elif "index-url" in settings:
        result["UV_DEFAULT_INDEX"] = settings["index-url"]
    if extra and settings.get("extra-index-url", "").split():
        result["UV_INDEX"] = " ".join(settings["extra-index-url"].split())
        result["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip's way; the lock's hashes say what is accepted
    if settings.get("find-links", "").split():
        result.setdefault("UV_FIND_LINKS", ",".join(settings["find-links"].split()))
    if settings.get("trusted-host", "").split():
        result.setdefault("UV_INSECURE_HOST", " ".join(settings["trusted-host"].split()))
    return result


def _has_config_file(environ: Mapping[str, str]) -> bool:
    home = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/")) / ".config")
    return any(path.is_file() for path in (home / "uv/uv.toml", Path("/etc/uv/uv.toml")))
