"""What was last found of the models that are tried beside a champion: a small file for each pipeline, cheap to read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mlsys.records import Record
from mlsys.records.live import LiveEvidence
from mlsys.store import canonical_json, write_atomically


class JudgedTrials(Record):
    """The trials of a pipeline as they were judged, `at` an instant."""

    at: datetime
    trials: tuple[LiveEvidence, ...]


def keep(home: Path, pipeline: str, found: Sequence[LiveEvidence], *, at: datetime) -> None:
    """Write down what was found; nothing where there is nothing, and nothing was before."""
    path = _path(home, pipeline)
    if found or path.exists():
        write_atomically(path, canonical_json(JudgedTrials(at=at, trials=tuple(found)).dump()))


def latest(home: Path, pipeline: str) -> JudgedTrials | None:
    """Return what was found last, or None where nothing ever was."""
    path = _path(home, pipeline)
    return JudgedTrials.load_json(path.read_bytes()) if path.exists() else None


def evidence_of(home: Path, pipeline: str, candidate_id: str) -> LiveEvidence | None:
    """Return what was found last of one candidate, tried or tried against, or None."""
    found = latest(home, pipeline)
    trials = found.trials if found else ()
    return next((each for each in trials if candidate_id in (each.candidate, each.champion)), None)


def _path(home: Path, pipeline: str) -> Path:
    return home / "monitoring" / pipeline / "live" / "trials.json"
