"""Where commands may write what somebody asked for: never where a run would read it as data."""

from __future__ import annotations

from pathlib import Path

from mlsys.errors import UsageError
from mlsys.sources.reading.file_drops import FileDrops
from mlsys.spec.model import Spec


def require_no_drop(spec: Spec, path: Path, *, where: str) -> None:
    """Refuse a file that the sources of a spec read, or would read once it is there.

    Raises:
        UsageError: names the source's pattern.
    """
    for source in (spec.source, *(join.source for join in spec.joins)):
        if isinstance(source, FileDrops) and source.matches(path):
            rule = f"{spec.pipeline} reads its data from files of this name: {source.path}"
            raise UsageError(rule, where=where, got=path, remedy="Write elsewhere")
