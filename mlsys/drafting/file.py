"""The file of a drafted spec: written whole, and over no other one."""

from __future__ import annotations

import re
from pathlib import Path

from mlsys.drafting.draft import Draft, spec_of
from mlsys.drafting.writing import written
from mlsys.errors import UsageError
from mlsys.store import write_atomically

_NAME = r"[a-z][a-z0-9_]{0,47}"


def require_new(name: str, path: Path) -> None:
    """Refuse a name that is none, and a file that is there.

    Raises:
        UsageError: says so.
    """
    if not re.fullmatch(_NAME, name):
        rule = "A pipeline's name is at most 48 small letters, digits and _, a letter first"
        raise UsageError(rule, where="NAME", got=name)
    if path.name != f"{name}.yaml":
        raise UsageError(f"The file of pipeline '{name}' is called {name}.yaml", where="--out", got=str(path))
    if path.exists():
        remedy = f"`mlsys init --edit {name}` proposes what has changed; or remove the file, or give another --out"
        raise UsageError("There is a spec already", where=str(path), remedy=remedy)


def write_new(draft: Draft, path: Path) -> None:
    """Write the spec of a draft.

    Raises:
        SpecError: what was drafted is no spec, which is a mistake of mlsys.
    """
    text = written(draft, path)
    spec_of(path, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode("utf-8"), mode=0o644)
