"""How many rows a server was told of and has kept, in a file that outlives it: what a kill -9 lost can be counted.

The file is mapped into memory: a write costs what an assignment costs, and the kernel keeps it when the process ends,
however that happens. Its maker holds a lock on it while it lives.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from mlsys import clock
from mlsys.events import get_logger
from mlsys.live.kept_rows import FOLDER, rows_written
from mlsys.store import write_atomically

log = get_logger(__name__)

_NUMBERS = struct.Struct("<4Q")
_PROCESSES, _LOST = "_processes", "_lost.json"  # no pipeline's name begins so


@dataclass
class Counts:
    """Rows of one process: `told` of, `dropped` for want of room, `kept` in files, the last of them `number`."""

    told: int = 0
    dropped: int = 0
    kept: int = 0
    number: int = 0


class LogCounter:
    """The counts of this process, and of those before it that were killed."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER / _PROCESSES
        self._folder.mkdir(parents=True, exist_ok=True)
        self.lost = _settled(home, self._folder)
        self.process = f"{clock.now():%Y%m%dT%H%M%S}-{token_hex(4)}"
        self.now = Counts()
        self._path = self._folder / f"{self.process}.count"
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        os.write(self._handle, bytes(_NUMBERS.size))
        self._memory = mmap.mmap(self._handle, _NUMBERS.size)

    def write(self) -> None:
        """Put the counts where they outlive this process."""
        counts = self.now
        _NUMBERS.pack_into(self._memory, 0, counts.told, counts.dropped, counts.kept, counts.number)

    def close(self) -> None:
        """End in order: nothing is lost, nothing is left to count."""
        self._memory.close()
        self._path.unlink(missing_ok=True)
        os.close(self._handle)


def _settled(home: Path, folder: Path) -> int:
    """Count what processes lost that ended otherwise than in order, and return the sum of all that ever did."""
    stored = home / FOLDER / _LOST
    total = int(json.loads(stored.read_bytes())["rows"]) if stored.exists() else 0
    for path in sorted(folder.glob("*.count")):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lost = _lost(home, path)
            total += lost
            write_atomically(stored, json.dumps({"rows": total}).encode())
            path.unlink(missing_ok=True)
            log.warning("predictions_lost", process=path.stem, rows=lost)
        except BlockingIOError:  # it lives
            continue
        finally:
            os.close(handle)
    return total


def _lost(home: Path, path: Path) -> int:
    data = path.read_bytes()
    if len(data) < _NUMBERS.size:  # killed before it was told of anything
        return 0
    told, dropped, kept, number = (int(each) for each in _NUMBERS.unpack(data[: _NUMBERS.size]))
    return max(0, told - dropped - kept - rows_written(home, path.stem, after=number))
