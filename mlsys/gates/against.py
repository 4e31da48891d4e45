"""What a gate that compares says where there is no champion to compare with."""

from __future__ import annotations

from mlsys.gates.base import Evidence, Gate
from mlsys.records import GateResult


def without_champion(gate: Gate, evidence: Evidence, name: str) -> GateResult | None:
    """Return the finding of a gate that compares, where the champion has no scores; None where it has.

    Without any champion it passes: absolute gates decide. One that can't be read is inconclusive, a broken one an
    error.
    """
    state, reason = evidence.evaluations.champion_state, evidence.evaluations.champion_reason or "no reason given"
    if state == "none":
        sentence = "There is no champion yet: the absolute gates decide."
        return GateResult(gate=gate.kind, name=name, state="pass", sentence=sentence)
    if state == "not_comparable":
        sentence = f"The champion can't be compared on this snapshot: {reason}."
        return gate.inconclusive(name, "champion_not_comparable", sentence)
    if state == "not_asked":
        sentence = "A run about the past is not compared with today's champion."
        return gate.inconclusive(name, "not_asked", sentence)
    if state == "error":
        sentence = f"The champion should be scored and can't be: {reason}."
        return GateResult(gate=gate.kind, name=name, state="error", sentence=sentence, reason="champion_error")
    return None
