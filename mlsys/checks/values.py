"""Rules about each value of one column. A missing value breaks `not_null` alone."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from mlsys.checks.base import Check
from mlsys.checks.bounds import Bound, compiled, in_words, misfit, require_limits
from mlsys.components import AsWritten
from mlsys.schema import LogicalType, Schema

_FITTING: dict[LogicalType, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "text": (str,),
    "category": (str,),
    "boolean": (bool,),
}


class NotNull(Check):
    """The column has a value in every row."""

    kind: Literal["not_null"] = "not_null"
    column: str

    @property
    def title(self) -> str:
        """What the check demands."""
        return f"{self.column} is never missing"

    @property
    def never_missing(self) -> tuple[str, ...]:
        """Columns of which the check wants a value in every row."""
        return (self.column,)

    def expectation(self, schema: Schema) -> Any:  # noqa: ARG002
        """Return the expectation."""
        from great_expectations.expectations import ExpectColumnValuesToNotBeNull

        return ExpectColumnValuesToNotBeNull(column=self.column, severity=self.severity)


class Between(Check):
    """Numbers or times lie between two limits, which belong to the range unless `strict_min` or `strict_max`.

    Attributes:
        strict_min, strict_max: whether the limit itself is out of the range.
        min, max: numbers, or times in ISO 8601 (UTC without an offset); at least one of them.
    """

    kind: Literal["between"] = "between"
    column: str
    min: Bound | None = None
    max: Bound | None = None
    strict_min: bool = False
    strict_max: bool = False

    @model_validator(mode="after")
    def _limited(self) -> Self:
        require_limits(self.kind, ("min", self.min), ("max", self.max))
        return self

    @property
    def title(self) -> str:
        """What the check demands."""
        words = in_words(self.min, self.max, strict_low=self.strict_min, strict_high=self.strict_max)
        return f"{self.column} {words}"

    def type_misfit(self, schema: Schema) -> str | None:
        """Return why the limits don't suit the column's type."""
        return misfit(self.column, schema, (self.min, self.max))

    def expectation(self, schema: Schema) -> Any:  # noqa: ARG002
        """Return the expectation."""
        from great_expectations.expectations import ExpectColumnValuesToBeBetween

        return ExpectColumnValuesToBeBetween(
            column=self.column,
            min_value=compiled(self.min),
            max_value=compiled(self.max),
            strict_min=self.strict_min,
            strict_max=self.strict_max,
            severity=self.severity,
        )


class InSet(Check):
    """Every value is one of `values`; their spelling counts.

    Attributes:
        values: all that may occur.
    """

    kind: Literal["in_set"] = "in_set"
    column: str
    values: tuple[Annotated[bool | int | float | str, AsWritten(typed=True)], ...] = Field(min_length=1)

    @property
    def title(self) -> str:
        """What the check demands."""
        shown = ", ".join(str(value) for value in self.values[:6])
        return f"{self.column} is one of {shown}" + (", ..." if len(self.values) > 6 else "")

    def type_misfit(self, schema: Schema) -> str | None:
        """Return why a value can't stand in the column."""
        logical = schema[self.column].type
        # bool is an int to Python, but True is no integer to anyone who writes a spec.
        wrong = [value for value in self.values if type(value) not in _FITTING.get(logical, ())]
        if not wrong:
            return None
        hint = "quote text in YAML, where bare yes and no are booleans and 1 is a number"
        return f"the {logical} column {self.column} can't hold the listed value {wrong[0]!r}; {hint}"

    def expectation(self, schema: Schema) -> Any:  # noqa: ARG002
        """Return the expectation."""
        from great_expectations.expectations import ExpectColumnValuesToBeInSet

        return ExpectColumnValuesToBeInSet(column=self.column, value_set=list(self.values), severity=self.severity)


class Matches(Check):
    """Every text begins with a match of the regular expression `regex`; end it with `$` for the whole text.

    Attributes:
        regex: the expression, in the syntax of Python.
    """

    kind: Literal["matches"] = "matches"
    column: str
    regex: str

    @field_validator("regex")
    @classmethod
    def _valid(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"Not a regular expression: {error}") from None
        return value

    @property
    def title(self) -> str:
        """What the check demands."""
        return f"{self.column} matches {self.regex}"

    def type_misfit(self, schema: Schema) -> str | None:
        """Return why the column has no characters."""
        return _no_text(self.kind, self.column, schema)

    def expectation(self, schema: Schema) -> Any:  # noqa: ARG002
        """Return the expectation."""
        from great_expectations.expectations import ExpectColumnValuesToMatchRegex

        return ExpectColumnValuesToMatchRegex(column=self.column, regex=self.regex, severity=self.severity)


class Length(Check):
    """Every text has between `min` and `max` characters.

    Attributes:
        min: fewest characters; None = no limit.
        max: most characters; None = no limit.
    """

    kind: Literal["length"] = "length"
    column: str
    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _limited(self) -> Self:
        require_limits(self.kind, ("min", self.min), ("max", self.max))
        return self

    @property
    def title(self) -> str:
        """What the check demands."""
        return f"{self.column} has {in_words(self.min, self.max)} characters"

    def type_misfit(self, schema: Schema) -> str | None:
        """Return why the column has no characters."""
        return _no_text(self.kind, self.column, schema)

    def expectation(self, schema: Schema) -> Any:  # noqa: ARG002
        """Return the expectation."""
        from great_expectations.expectations import ExpectColumnValueLengthsToBeBetween

        return ExpectColumnValueLengthsToBeBetween(
            column=self.column, min_value=self.min, max_value=self.max, severity=self.severity
        )


def _no_text(kind: str, column: str, schema: Schema) -> str | None:
    logical = schema[column].type
    if logical in ("text", "category"):
        return None
    return f"`{kind}` looks at text, but {column} is of type {logical}; `between` compares numbers and times"
