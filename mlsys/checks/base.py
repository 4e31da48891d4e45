"""The contract of a check: a rule that new data must keep.

A check of scope `partition` compiles to Great Expectations and looks at the rows of new partitions only; one
of scope `snapshot` looks at stored summaries of all partitions. History is never read again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Literal

from mlsys.components import Component
from mlsys.errors import near_match
from mlsys.records import Severity, State
from mlsys.schema import Schema


@dataclass(frozen=True)
class PartitionSummary:
    """What is kept of a partition: its day, rows, rows labelled by the cutoff, repeated keys within it."""

    day: date
    n_rows: int
    n_labelled: int
    n_duplicate_keys: int
    newest_event: datetime | None


@dataclass(frozen=True)
class Summaries:
    """What a check of scope `snapshot` may look at; oldest partition first."""

    partitions: tuple[PartitionSummary, ...]
    cutoff: datetime
    n_duplicate_keys: int


@dataclass(frozen=True)
class Finding:
    """A check's verdict on summaries, in words."""

    state: State
    sentence: str


class Check(Component, ABC):
    """A rule with a severity: a critical one quarantines rows or stops the run, a warning is reported.

    Attributes:
        severity: `critical` quarantines rows or stops the run, `warning` is only reported.
        column, columns: what the rule is about, by names of the schema.
        about_key: whether it is about the pipeline's key, which a joined table does not have.
    """

    severity: Severity = "critical"
    scope: ClassVar[Literal["partition", "snapshot"]] = "partition"
    rowwise: ClassVar[bool] = True
    about_key: ClassVar[bool] = False

    @property
    @abstractmethod
    def title(self) -> str:
        """What the check demands: `url_length between 0 and 2000`."""

    @property
    def never_missing(self) -> tuple[str, ...]:
        """Columns of which the check wants a value in every row."""
        return ()

    @property
    def looks_at(self) -> tuple[str, ...]:
        """Columns of the schema that the check reads, the one it is mainly about first."""
        column = getattr(self, "column", None)
        return (column,) if isinstance(column, str) else ()

    def misfit(self, schema: Schema) -> str | None:
        """Return in words why the rule can't be applied to columns of these types, or None when it can."""
        for name in self.looks_at:
            if name not in schema:
                return f"no column '{name}' in `schema`. {near_match(name, schema)}"
        return self.type_misfit(schema)

    def type_misfit(self, schema: Schema) -> str | None:  # noqa: ARG002
        """Return in words why the types of its columns don't suit the rule; all columns are known to exist."""
        return None

    def expectation(self, schema: Schema) -> Any:  # noqa: ARG002
        """Return the Great Expectations expectation (scope `partition`); imports stand in here."""
        raise TypeError(f"{type(self).__name__} is not compiled to Great Expectations")

    def judge(self, summaries: Summaries) -> Finding:  # noqa: ARG002
        """Return the verdict on summaries (scope `snapshot`)."""
        raise TypeError(f"{type(self).__name__} does not look at summaries")
