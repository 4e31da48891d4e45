"""Records of what was found wrong with the data of a run."""

from __future__ import annotations

from typing import Literal

from mlsys.records.base import Record, Severity


class FlawFound(Record):
    """A flaw that the data have, or that could not be looked for.

    Attributes:
        severity: `critical` stops a promotion, where the gate `honest_data` looks.
        state: `error`: the look itself failed, and `sentence` says how.
        observed: the number that it was told by, `observed_as` in a few words, `limit` what it must not reach.
        sentence: the finding for people, complete, with its evidence.
    """

    flaw: str
    column: str | None = None
    severity: Severity
    state: Literal["found", "error"] = "found"
    observed: float | None = None
    observed_as: str = ""
    limit: float | None = None
    sentence: str


class Inspection(Record):
    """Result of looking for flaws in the data of a run.

    Attributes:
        findings: worst first, at most 12; all of them are in `details`, the SHA-256 of a JSON file in the store.
        n_found, n_critical: all findings, and those that stop a promotion.
        looked_for: kinds of flaws, in their table's order.
        n_rows: rows on a side of the split; `n_sampled` are those of them that single columns were judged by.
        compared_with: the run whose rows the same rows were compared with, or None where there is none.
    """

    findings: tuple[FlawFound, ...]
    n_found: int
    n_critical: int
    looked_for: tuple[str, ...]
    n_rows: int
    n_sampled: int
    compared_with: str | None = None
    details: str

    @property
    def critical(self) -> tuple[FlawFound, ...]:
        """The findings that stop a promotion."""
        return tuple(finding for finding in self.findings if finding.severity == "critical")
