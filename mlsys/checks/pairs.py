"""Rules about two columns of the same row."""

from __future__ import annotations

from typing import Any, Literal

from mlsys.checks.base import Check
from mlsys.schema import Schema

Operator = Literal["greater", "greater_or_equal", "equal", "less_or_equal", "less"]
_COMPARABLE = {"integer": "number", "category": "text"}


class CompareColumns(Check):
    """`column` compares with `other` as `operator` says; rows in which either is missing are left out.

    Attributes:
        other: the column on the right of the comparison.
        operator: how the first one compares with it.
    """

    kind: Literal["compare_columns"] = "compare_columns"
    column: str
    other: str
    operator: Operator

    @property
    def looks_at(self) -> tuple[str, ...]:
        """Both columns."""
        return (self.column, self.other)

    @property
    def title(self) -> str:
        """What the check demands."""
        words = {
            "greater": "greater than",
            "greater_or_equal": "greater than or equal to",
            "equal": "equal to",
            "less_or_equal": "less than or equal to",
            "less": "less than",
        }
        return f"{self.column} {words[self.operator]} {self.other}"

    def type_misfit(self, schema: Schema) -> str | None:
        """Return why the two columns can't be compared."""
        types = [schema[name].type for name in self.looks_at]
        if len({_COMPARABLE.get(logical, logical) for logical in types}) == 1:
            return None
        return f"{self.column} ({types[0]}) can't be compared with {self.other} ({types[1]})"

    def expectation(self, schema: Schema) -> Any:  # noqa: ARG002
        """Return the expectation."""
        from great_expectations import expectations

        if self.operator == "equal":
            return expectations.ExpectColumnPairValuesToBeEqual(
                column_A=self.column,
                column_B=self.other,
                ignore_row_if="either_value_is_missing",
                severity=self.severity,
            )
        swapped = self.operator.startswith("less")
        return expectations.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=self.other if swapped else self.column,
            column_B=self.column if swapped else self.other,
            or_equal=self.operator.endswith("_or_equal"),
            ignore_row_if="either_value_is_missing",
            severity=self.severity,
        )
