"""The gauges of the last look, for a process that shows them beside its own; cheap to import, cheap to read."""

from __future__ import annotations

from pathlib import Path

METRICS = Path("watchdog") / "mlsys.prom"  # below MLSYS_HOME


def kept_gauges(home: Path) -> bytes:
    """Return them in the text format of Prometheus; nothing before the first look."""
    path = home / METRICS
    return path.read_bytes() if path.exists() else b""
