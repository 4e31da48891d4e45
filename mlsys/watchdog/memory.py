"""What one look leaves for the next: where the clock stood, and that Airflow was there; a small file."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from mlsys.errors import NotUnderstoodError
from mlsys.events import get_logger
from mlsys.records import Record
from mlsys.store import canonical_json, write_atomically

log = get_logger(__name__)


class Remembered(Record):
    """What the last look has left.

    Attributes:
        at: when it was, by the clock of that moment; None before the first one.
        boot: which start of the machine `booted` belongs to.
        booted: when that start was, by the clock as it was first seen: it moves with the clock alone.
        shifted: since when `booted` would be another instant, counted from the start of the machine.
        airflow: Airflow's database was there.
    """

    at: datetime | None = None
    boot: str = ""
    booted: datetime | None = None
    shifted: timedelta | None = None
    airflow: bool = False


def read_memory(home: Path) -> Remembered:
    """Return what the last look has left; nothing where there was none, or a newer mlsys wrote it."""
    path = _path(home)
    try:
        return Remembered.load_json(path.read_bytes()) if path.exists() else Remembered()
    except NotUnderstoodError as error:
        log.warning("pulse_forgotten", path=path, reason=str(error))
        return Remembered()


def keep_memory(home: Path, memory: Remembered) -> None:
    """Leave a memory for the next look."""
    write_atomically(_path(home), canonical_json(memory.dump()))


def _path(home: Path) -> Path:
    return home / "watchdog" / "memory.json"
