"""The data the run saw must have passed its checks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlsys.gates.base import Evidence, Gate
from mlsys.records import CheckReport, GateResult


class DataQuality(Gate):
    """No critical check failed as a whole, and not too many rows were quarantined; warnings are allowed.

    Attributes:
        quarantined_share: most of the validated rows that may stand in quarantine; default `checks.tolerated_share`.
    """

    kind: Literal["data_quality"] = "data_quality"
    quarantined_share: float | None = Field(default=None, ge=0, le=1)

    def judge(self, evidence: Evidence) -> GateResult:
        """Return whether checks passed and the quarantined share keeps its limit."""
        checks = evidence.checks
        limit = checks.tolerated_share if self.quarantined_share is None else self.quarantined_share
        clean, share = checks.state == "pass", checks.quarantined_share
        within = share <= limit
        return GateResult(
            gate=self.kind,
            name="data quality",
            state=checks.state if not clean else "pass" if within else "fail",
            observed=share,
            observed_as=checks.bad.name if checks.bad else "bad rows",
            needs="<=",
            limit=limit,
            distance=limit - share,
            unit="share",
            sentence=_sentence(checks, limit),
            reason="checks_not_passed" if not clean else None if within else "too_many_quarantined",
        )


def _sentence(checks: CheckReport, limit: float) -> str:
    failed = [result for result in checks.results if result.state != "pass"]
    critical = [result for result in failed if result.severity == "critical"]
    verb = "is" if checks.n_quarantined == 1 else "are"
    quarantined = f"{checks.n_quarantined:,} of {checks.n_rows:,} rows {verb} quarantined"
    share, most = (f"{100 * value:.3g} %" for value in (checks.quarantined_share, limit))
    # Those that could not be read count, too, and one bad day does not hide behind good ones.
    worst = f"{share} of all rows, or of the newest day's if that is more"
    if checks.bad is not None:
        rows = "of the newest day" if checks.bad.of == "newest day" else "in all"
        worst = f"{checks.bad.n_bad:,} of {checks.bad.n_rows:,} rows {rows} ({share})"
    share = f"{quarantined}; {worst} are bad, and {most} may be"
    if checks.state != "pass":
        worst = f": {critical[0].name}" if critical else ""
        return f"The data checks ended with '{checks.state}'{worst}; {share}."
    warnings = len(failed) - len(critical)
    warned = f" with {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    return f"The data pass{warned}; {share}."
