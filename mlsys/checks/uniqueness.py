"""Rules about repeated rows: within a partition by rows, over the whole snapshot by counts."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from mlsys.checks.base import Check, Finding, Summaries
from mlsys.schema import DAY, Schema
from mlsys.wording import counted


class Unique(Check):
    """No two rows of a partition have the same value in `column`, or the same values in `columns`.

    Every row of a repeated group breaks the rule, because nothing says which one is right. Rows in which one
    of the columns is missing are left out.
    """

    kind: Literal["unique"] = "unique"
    column: str | None = None
    columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.column is None) == (not self.columns):
            raise ValueError("`unique` needs either `column` or `columns`")
        return self

    @property
    def looks_at(self) -> tuple[str, ...]:
        """Columns that are unique together."""
        return self.columns if self.column is None else (self.column,)

    @property
    def title(self) -> str:
        """What the check demands."""
        return f"{' and '.join(self.looks_at)} unique within a day"

    def expectation(self, schema: Schema) -> Any:  # noqa: ARG002
        """Return the expectation; the day is one of its columns, so that partitions stay apart."""
        from great_expectations.expectations import ExpectCompoundColumnsToBeUnique

        return ExpectCompoundColumnsToBeUnique(
            column_list=[DAY, *self.looks_at], ignore_row_if="any_value_is_missing", severity=self.severity
        )


class UniqueKey(Check):
    """At most `max_share` of the snapshot's rows repeat the key of another row.

    Attributes:
        max_share: of the rows, so many may be repetitions.
    """

    scope = "snapshot"
    rowwise = False
    about_key = True

    kind: Literal["unique_key"] = "unique_key"
    max_share: float = Field(default=0.0, ge=0, le=1)

    @property
    def title(self) -> str:
        """What the check demands."""
        return f"at most {self.max_share:.2%} of the rows repeat a key" if self.max_share else "no key is repeated"

    def judge(self, summaries: Summaries) -> Finding:
        """Return the verdict."""
        n_rows = sum(partition.n_rows for partition in summaries.partitions)
        share = summaries.n_duplicate_keys / n_rows if n_rows else 0.0
        n_repeated = summaries.n_duplicate_keys
        repeat = "repeats" if n_repeated == 1 else "repeat"
        sentence = f"{n_repeated:,} of {counted(n_rows, 'row')} ({share:.2%}) {repeat} a key"
        return Finding("fail" if share > self.max_share else "pass", sentence)
