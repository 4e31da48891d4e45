"""How a run of `retrain_<pipeline>` ended, in words: for its note in Airflow's UI and for notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mlsys.records import ModelVersion, Start

EndingKind = Literal["promoted", "not_promoted", "for_the_record", "skipped", "data_refused", "failed"]

# The tasks whose failure fails a run, in order; of the candidates one is enough.
STEPS = ("take_snapshot", "validate", "split", "evaluate", "decide", "approve", "promote")
_FAILED = ("failed", "upstream_failed")
_WORDS = {"reject": "Rejected", "inconclusive": "Inconclusive", "historical": "For the record"}


@dataclass(frozen=True)
class Ending:
    """The end of a run.

    Attributes:
        headline: a few words: `Promoted 1.2.0`, `Rejected`, `Failed in validate`.
        sentence: why, complete.
        step: of a failed run: the task that failed first.
        run_id: the run in the ledger, or None when it did not get that far.
        reason: code of the error that a failed run ended by.
    """

    kind: EndingKind
    headline: str
    sentence: str
    step: str | None = None
    run_id: str | None = None
    day: str | None = None
    version: str | None = None
    outcome: str | None = None
    reason: str = "error"

    @property
    def text(self) -> str:
        """Headline and sentence in one."""
        return f"{self.headline}: {self.sentence.rstrip('.')}."


def ending(
    start: Start | None, version: ModelVersion | None, *, states: Mapping[str, str], failure: Mapping[str, object]
) -> Ending:
    """Return how a run ended.

    Args:
        start: result of its first task, or None when that failed.
        version: result of `promote`, or None when it was not reached.
        states: of its tasks.
        failure: `sentence`, `data` (bad data?) and `reason` of the error that ended it, or nothing of a task that was
            killed.
    """
    day = str(start.plan.day) if start and start.plan else None
    run_id = start.run_id if start else None
    if start is not None and not start.go:
        return Ending("skipped", f"Skipped ({start.reason})", start.sentence, run_id=run_id)
    if version is not None:
        live = start is not None and start.plan is not None and start.plan.mode == "live"
        return _judged(version, run_id=run_id, day=day, live=live)
    step = next((name for name in STEPS if states.get(name) in _FAILED), None)
    sentence = str(failure.get("sentence") or "The task was killed or ran out of time; its log has the rest")
    kind: EndingKind = "data_refused" if failure.get("data") else "failed"
    reason = str(failure.get("reason") or "error")
    return Ending(kind, f"Failed in {step or 'an unknown task'}", sentence, step, run_id, day, reason=reason)


def _judged(version: ModelVersion, *, run_id: str | None, day: str | None, live: bool) -> Ending:
    decision = version.decision
    kind: EndingKind = "not_promoted" if live and decision.outcome != "historical" else "for_the_record"
    headline, sentence = _WORDS.get(decision.outcome, "Not promoted"), decision.sentence
    if version.changed:
        kind, headline = "promoted", f"Promoted {version.version}"
    elif decision.outcome == "promote":
        sentence = version.sentence
    return Ending(kind, headline, sentence, None, run_id, day, version.version, decision.outcome)
