"""The note of a run in Airflow's UI: what came of it, in one sentence, with the report card."""

from __future__ import annotations

import re

from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.orchestration.api import service

LONGEST = 1000  # Airflow's limit
_OURS = "mlsys: "
_PARAGRAPHS = re.compile(r"\n\s*\n")

log = get_logger(__name__)


def write_note(dag_id: str, run_id: str, text: str) -> None:
    """Write the note of a run below what a person wrote there; a note can't be written: that is logged, no more."""
    try:
        with service.connect() as api:
            before = api.run(dag_id, run_id).get("note")
            note = joined(before, text)
            if note != before:
                api.set_note(dag_id, run_id, note)
    except (MlsysError, LookupError) as error:
        log.warning("note_not_written", dag=dag_id, run=run_id, reason=str(error))


def joined(before: str | None, text: str) -> str:
    """Return a note with our paragraph last and new; what a person wrote stays."""
    theirs = [part for part in _PARAGRAPHS.split(before or "") if part and not part.startswith(_OURS)]
    kept = "\n\n".join(theirs)
    room = LONGEST - len(_OURS) - (len(kept) + 2 if kept else 0)
    ours = _OURS + (text if len(text) <= room else text[: max(room - 1, 0)] + "…")
    return f"{kept}\n\n{ours}" if kept else ours
