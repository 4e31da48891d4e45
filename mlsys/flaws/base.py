"""The contract of a flaw: one way in which data make a model look better than it is, or worse than it was."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from mlsys.components import Component, not_given
from mlsys.flaws.rows import Inspected
from mlsys.records import Severity
from mlsys.records.inspection import FlawFound


class Flaw(Component, ABC):
    """One flaw that data may have; a look at the rows of a run yields where they have it.

    Attributes:
        severity: of a certain finding: `critical` stops a promotion, `warning` stands on the report card alone,
            `ignored` is not looked for. What is only likely is a warning in any case. Default: the flaw's own.
        usual: the severity where the spec gives none.
    """

    severity: Literal["critical", "warning", "ignored"] | None = Field(default=None, exclude_if=not_given)
    usual: ClassVar[Severity] = "warning"

    @property
    def severity_of_certain(self) -> Severity:
        """Whether a certain finding stops a promotion."""
        return "critical" if (self.severity or self.usual) == "critical" else "warning"

    @abstractmethod
    def look(self, rows: Inspected) -> Iterator[FlawFound]:
        """Yield what was found; nothing where the rows are too few to tell."""

    def found(
        self,
        sentence: str,
        *,
        certain: bool = False,
        column: str | None = None,
        observed: float | None = None,
        observed_as: str = "",
        limit: float | None = None,
    ) -> FlawFound:
        """Return a finding; what is only likely never stops a promotion."""
        return FlawFound(
            flaw=self.kind,
            column=column,
            severity=self.severity_of_certain if certain else "warning",
            observed=observed,
            observed_as=observed_as,
            limit=limit,
            sentence=sentence,
        )
