"""What a person is shown who has the last word on a rollback."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mlsys.durations import in_words
from mlsys.orchestration.approval import Question


def rollback_question(wanted: dict[str, Any]) -> Question | None:
    """Return the question, where the pipeline's spec leaves the last word to a person; else None."""
    if wanted["timeout_seconds"] is None:
        return None
    timeout = timedelta(seconds=wanted["timeout_seconds"])
    return Question(
        subject=f"Roll back {wanted['pipeline']} to version {wanted['version']}?",
        body=f"**{wanted['sentence']}.** Without an answer within {in_words(timeout)} nothing changes.\n\n"
        f"Asked for by {wanted['asked_by']}, because: {wanted['reason']}",
        timeout=timeout,
    )
