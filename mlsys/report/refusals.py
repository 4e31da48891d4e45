"""The card of a request that failed before its run was begun: what was asked, and why nothing came of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mlsys.ledger import RequestRow
from mlsys.records import RunReport
from mlsys.report import page

# Reason of a failed request -> what it means, and what to do.
_MEANINGS = {
    "wrong_spec": (
        "The pipeline's spec is wrong.",
        "Mend it; `mlsys check` says what else is wrong, and then ask again.",
    ),
    "wrong_request": ("What was asked for can't be done.", "Ask again with other parameters."),
    "data_refused": (
        "The data can't be read, or were refused.",
        "Mend the source; `mlsys check` reads it as a run does.",
    ),
    "not_reachable": ("The source or a database did not answer.", "Ask again when it does."),
}
_OTHERWISE = ("It broke off before its run was begun.", "The log of the task, or of the command, has the rest.")


def card_path(pipeline: str, request_id: str) -> Path:
    """Return where the card of a failed request lies, relative to MLSYS_HOME; ids of Airflow are no file names."""
    digest = hashlib.sha256(request_id.encode()).hexdigest()[:12]
    return Path("reports") / pipeline / f"request-{digest}.html"


def write(pipeline: str, request: RequestRow, *, home: Path) -> RunReport:
    """Write the card of a failed request below `home/reports/` and return where it lies.

    Raises:
        RunError: the disk is full or not writable.
    """
    meaning, advice = _MEANINGS.get(request.reason or "", _OTHERWISE)
    html = (
        page.templates()
        .get_template("refusal.html.j2")
        .render(
            pipeline=pipeline,
            request=request,
            meaning=meaning,
            advice=advice,
            style=page.style("report/style.css"),
        )
    )
    return page.keep(html, card_path(pipeline, request.request_id), home=home, run_id=request.request_id)
