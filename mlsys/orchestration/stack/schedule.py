"""From when a home's schedules count: unpausing a DAG must not bring a run for a day before the installation."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from mlsys import clock
from mlsys.store import write_atomically


def schedule_start(home: Path) -> datetime:
    """Return the first UTC midnight after this home was first started; recorded, so it never moves.

    Airflow makes no scheduled run before a DAG's start date. Manual runs and backfills of earlier days are free.
    """
    note = home / "home.json"
    if not note.exists():
        made = clock.now()
        begins = clock.cutoff_of(made.date())
        content = {"made_at": made.isoformat(), "schedule_start": begins.isoformat()}
        write_atomically(note, json.dumps(content, indent=1).encode())
    return datetime.fromisoformat(json.loads(note.read_text())["schedule_start"])
