"""Where confirmed gains are kept: a small file for each promotion, cheap to read."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mlsys.records.monitoring import ConfirmedGain
from mlsys.store import canonical_json, write_atomically


def gain_of(home: Path, pipeline: str, candidate_id: str) -> ConfirmedGain | None:
    """Return what is known of a promotion's gain, or None; reads one small file."""
    path = _path(home, pipeline, candidate_id)
    return ConfirmedGain.load_json(path.read_bytes()) if path.exists() else None


def keep_gain(home: Path, pipeline: str, gain: ConfirmedGain) -> None:
    """Write down what a promotion gained."""
    write_atomically(_path(home, pipeline, gain.champion), canonical_json(gain.dump()))


def _path(home: Path, pipeline: str, candidate_id: str) -> Path:
    name = hashlib.sha256(candidate_id.encode()).hexdigest()  # an id may hold what a file's name may not
    return home / "monitoring" / pipeline / "gains" / f"{name[:16]}.json"
