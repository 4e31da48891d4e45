"""The data the models were fitted and judged on must have no flaw that makes them look better than they are."""

from __future__ import annotations

from typing import Literal

from mlsys.gates.base import Evidence, Gate
from mlsys.records import GateResult
from mlsys.wording import counted


class HonestData(Gate):
    """No critical flaw was found in the data; what counts as critical, and what is looked for, `inspection` says."""

    kind: Literal["honest_data"] = "honest_data"

    def judge(self, evidence: Evidence) -> GateResult:
        """Return whether a flaw was found that stops a promotion; data that were not looked at are no pass."""
        name, seen = "honest data", evidence.evaluations.inspection
        if seen is None:
            return self.inconclusive(name, "not_inspected", "The data of this run were not looked at for flaws.")
        broken = next((finding for finding in seen.critical if finding.state == "error"), None)
        worst = next((finding for finding in seen.critical if finding.state == "found"), None)
        looked = f"{counted(len(seen.looked_for), 'kind')} of flaws looked for in {counted(seen.n_rows, 'row')}"
        warnings = seen.n_found - seen.n_critical
        warned = f"; {counted(warnings, 'warning')} beside this on the report card" if warnings else ""
        if worst is None and broken is not None:
            sentence, reason = broken.sentence, "look_failed"
        elif worst is not None:
            others = f" And {counted(seen.n_critical - 1, 'more critical finding')}." if seen.n_critical > 1 else ""
            sentence, reason = worst.sentence + others, worst.flaw
        else:
            sentence, reason = f"{looked}: none that stops a promotion{warned}.", None
        return GateResult(
            gate=self.kind,
            name=name,
            state="pass" if reason is None else "error" if worst is None else "fail",
            observed=float(seen.n_critical),
            observed_as="critical flaws",
            needs="<=",
            limit=0.0,
            distance=0.0 - seen.n_critical,
            sentence=sentence,
            reason=reason,
        )
