"""Better than the champion on live requests: what a challenger shows in the shadow, not on a holdout."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlsys.gates.against import without_champion
from mlsys.gates.base import Evidence, Gate
from mlsys.records import GateResult
from mlsys.wording import signed

NO_LIVE_EVIDENCE = "no_live_evidence"


class LiveBetter(Gate):
    """The challenger is truly better on the requests that it and the champion have both scored.

    A run whose other gates pass begins to try its challenger in the shadow; the labels of its requests then promote
    it, or the time is over. Looking every day is reckoned with.

    Attributes:
        days: how long a challenger is tried.
    """

    kind: Literal["live_better"] = "live_better"
    days: int = Field(default=14, ge=1, le=365)

    def judge(self, evidence: Evidence) -> GateResult:
        """Return whether live evidence speaks for the challenger; without any it is never a pass."""
        name = "better than the champion on live requests"
        if evidence.challenger is None:
            return self.without_challenger(name)
        if evidence.evaluations.champion_state == "none":
            without = without_champion(self, evidence, name)
            assert without is not None  # there is none
            return without
        live = evidence.live
        if live is None or live.candidate != evidence.challenger.model_id:
            sentence = "No live request has been scored by the challenger yet: it is tried in the shadow first."
            return self.inconclusive(name, NO_LIVE_EVIDENCE, sentence)
        found = live.comparison
        if found is None or found.difference is None or found.lower is None:
            return self.inconclusive(name, NO_LIVE_EVIDENCE, f"{live.sentence[:1].upper()}{live.sentence[1:]}")
        reason = {"better": None, "worse": "worse"}.get(live.verdict, "not_told_apart")
        return GateResult(
            gate=self.kind,
            name=name,
            state="pass" if reason is None else "fail",
            observed=found.lower,
            observed_as="its lower bound",
            estimate=found.difference,
            estimate_as="difference",
            level=found.level,
            needs=">",
            unit="difference",
            limit=0.0,
            distance=found.lower,
            sentence=f"By {found.metric} on {found.n:,} live requests the challenger differs from the champion by "
            f"{signed(found.difference)}, its lower bound {signed(found.lower, 0.0)} though one looks every day; it is "
            f"{'' if reason is None else 'not '}above 0.",
            reason=reason,
        )
