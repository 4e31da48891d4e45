"""What would serve must load and answer as it was judged, in a process that has not fitted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from mlsys.gates.measuring import GateMaterial, Measuring, not_servable
from mlsys.records import GateResult
from mlsys.wording import number


class Servability(Measuring):
    """Loaded as `mlsys.load_champion` loads a champion, in a fresh process, the challenger gives the same answers.

    The release that would be published is written to a temporary folder and read back by the real loader. Golden rows
    of the holdout, raw as the source had them, are asked together and one by one. Every package that the model file
    names must stand in the release's `requirements.txt`. The finding also says whether a server may answer by the
    model's steps on arrays, which is faster: only if up to 10,000 rows get the same answers so. It is no condition.

    Attributes:
        tolerance: largest difference to the answers that were judged; 0 wants the same bits.
        alone: largest difference between an answer to a row by itself and to the same row among others.
    """

    kind: Literal["servability"] = "servability"
    tolerance: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    alone: float = Field(default=1e-6, ge=0, allow_inf_nan=False)

    @property
    def rule(self) -> str:
        """The rule in words."""
        return "loads in a fresh process and answers alike"

    def measure(self, material: GateMaterial) -> Mapping[str, Any]:
        """Return how golden rows were answered."""
        found = material.served()
        return {name: found[name] for name in _KEPT if name in found}

    def verdict(self, found: Mapping[str, Any]) -> GateResult:
        """Return whether it loaded, names what it needs, and answers alike."""
        if "refused" in found:
            return not_servable(self, found["refused"])
        if found["unnamed"]:
            packages = ", ".join(found["unnamed"])
            sentence = f"The model file needs packages that its requirements don't name: {packages}."
            return self._result("fail", "package_not_named", sentence)
        apart, alone = float(found["difference"]), float(found["alone"])
        rows = f"{found['n']:,} golden rows"
        reason = "other_answers" if apart > self.tolerance else "other_answers_alone" if alone > self.alone else None
        observed, limit = (alone, self.alone) if reason == "other_answers_alone" else (apart, self.tolerance)
        loaded = f"Loaded in a fresh process in {found['seconds']:.1f} s, with {len(found['packages'])} packages named"
        said = f"{loaded}, the challenger answers {rows} "
        if reason is None:
            said += "as it was judged, together and one by one." + _fast(found)
        elif reason == "other_answers":
            said += f"otherwise than it was judged, by up to {number(apart, self.tolerance)}."
        else:
            said += f"otherwise one by one than together, by up to {number(alone, self.alone)}."
        return self._result("pass" if reason is None else "fail", reason, said, observed=observed, limit=limit)

    def _result(
        self, state: Literal["pass", "fail"], reason: str | None, sentence: str, **figures: float
    ) -> GateResult:
        shown: dict[str, Any] = {}
        if figures:
            shown = {**figures, "observed_as": "largest difference", "needs": "<="}
            shown["distance"] = figures["limit"] - figures["observed"]
        return GateResult(gate=self.kind, name=self.rule, state=state, sentence=sentence, reason=reason, **shown)


def _fast(found: Mapping[str, Any]) -> str:
    """Return what is to be said of the fast way to answer, where it was looked at."""
    if "compared" not in found:
        return ""
    if found["fast"] is None:
        return f" It is served plainly: {found['compared']}."
    return f" Served on arrays, it is {found['compared']}."


_KEPT = (
    "refused",
    "lacking",
    "reason",
    "n",
    "seconds",
    "difference",
    "alone",
    "packages",
    "unnamed",
    "fast",
    "compared",
)
