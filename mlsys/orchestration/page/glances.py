"""The glances of many pipelines: each is looked at anew when something of it has changed, else as it was seen before.

What a glance rests on is append-only or a file: the ledger's rows, the spec, what monitoring wrote; what others have
changed in the registries; and the clock, of which an hour is fine enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from mlsys import clock
from mlsys.orchestration.page import overview, watching
from mlsys.orchestration.page.overview import Glance
from mlsys.workspace import Workspace

_Stamp = tuple[object, ...]

_seen: dict[tuple[Path, str], tuple[_Stamp, Glance]] = {}  # by home and pipeline; of this process


def glances(work: Workspace, names: Iterable[str], *, at: datetime | None = None) -> list[Glance]:
    """Return pipelines at a glance, in the order of their names; `at` is the present, for tests."""
    now = at or clock.now()
    n_rows, found = work.ledger.pipelines(), []
    for name in names:
        files = (work.settings.pipelines / f"{name}.yaml", work.home / "monitoring" / name)
        differs = watching.differing(work.home, name)
        stamp = (n_rows.get(name), *map(_changed, files), differs, now.replace(minute=0, second=0, microsecond=0))
        known = _seen.get((work.home, name))
        if known is None or known[0] != stamp:
            known = _seen[work.home, name] = (stamp, overview.glance(work, name, at=now))
        found.append(known[1])
    return found


def _changed(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file, or with the names in a folder; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
