"""The rule that a column arrives with the logical type that was declared."""

from __future__ import annotations

from typing import Any, Literal

from mlsys.checks.base import Check
from mlsys.schema import LogicalType, Schema

# What Great Expectations 1.24 accepts for the validated frame's columns under pandas 3: nullable integers
# pass as `int64` and not as `Int64`, text only as `str`, times in UTC as `Timestamp`.
GX_TYPES: dict[LogicalType, str] = {
    "integer": "int64",
    "number": "float64",
    "text": "str",
    "category": "str",
    "boolean": "bool",
    "timestamp": "Timestamp",
}


class OfType(Check):
    """The column holds values of a logical type; without `type`, of the one the schema declares.

    Attributes:
        type: the logical type; default the declared one.
    """

    rowwise = False

    kind: Literal["of_type"] = "of_type"
    column: str
    type: LogicalType | None = None

    @property
    def title(self) -> str:
        """What the check demands."""
        return f"{self.column} is of type {self.type}" if self.type else f"{self.column} is of its declared type"

    def expectation(self, schema: Schema) -> Any:
        """Return the expectation."""
        from great_expectations.expectations import ExpectColumnValuesToBeOfType

        return ExpectColumnValuesToBeOfType(
            column=self.column, type_=GX_TYPES[self.type or schema[self.column].type], severity=self.severity
        )
