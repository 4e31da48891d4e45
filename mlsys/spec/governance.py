"""Who answers for a model, what it is for, and what may change about it without a person."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mlsys.components import Frozen, OneOrMore, Within, not_given

Leaf = bool | int | float | str | None
_Use = Annotated[str, Within(5000, "An intended use has at most 5,000 characters")]
_Limit = Annotated[str, Within(1000, "A limit has at most 1,000 characters")]


class Allowed(Frozen):
    """How far a key of the spec may change; without any of the three to any value.

    Attributes:
        at_least, at_most: of a number.
        one_of: the values that are allowed.
    """

    at_least: float | None = Field(default=None, exclude_if=not_given)
    at_most: float | None = Field(default=None, exclude_if=not_given)
    one_of: tuple[Leaf, ...] | None = Field(default=None, exclude_if=not_given)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"`at_least` {self.at_least:g} lies above `at_most` {self.at_most:g}")
        return self

    def refusal(self, value: object) -> str | None:
        """Return what is allowed instead of a value, in words, or None where it is allowed."""
        if self.one_of is not None and value not in self.one_of:
            return f"one of {', '.join(map(str, self.one_of))}"
        if self.at_least is None and self.at_most is None:
            return None
        low, high = self.at_least, self.at_most
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and (low is None or value >= low) and (high is None or value <= high):  # type: ignore[operator]
            return None
        return f"{low:g} to {high:g}" if low is not None and high is not None else (
            f"at least {low:g}" if low is not None else f"at most {high:g}"
        )  # fmt: skip


class Envelope(Frozen):
    """What may change without a person; what lies outside waits for one, however well it does.

    What is compared with is the spec of the version that serves. New data are always inside. Changes of the
    description, tags, schedule, notices, monitors, scoring, serving, explanations and registries are none; a candidate
    that is left out is none.

    Attributes:
        may_change: key paths of the spec that may change, and how far; candidates go by their names, as in
            `models.xgboost.max_depth`, and `*` stands for one part of a path.
        may_win: names of the candidates that may win; all of the spec where it is empty.
        floors: by metric, what the challenger must at least reach on the holdout; for a metric of which less is better,
            what it may at most have.
        max_change_of_positives: how far the share of holdout rows that are said to be positive may move away from the
            champion's, such as 0.05; two classes alone.
    """

    may_change: dict[str, Allowed] = Field(default_factory=dict)
    may_win: Annotated[tuple[str, ...], OneOrMore()] = ()
    floors: dict[str, float] = Field(default_factory=dict)
    max_change_of_positives: float | None = Field(default=None, ge=0, le=1, exclude_if=not_given)


class Governance(Frozen):
    """Who answers for a model (`owner` says it), what it is for, and what may change without a person.

    Attributes:
        tier: how much depends on the model.
        intended_use: what its answers are for, for people.
        limits: what it must not be used for, and where it is known to be weak.
        envelope: what may change without a person; without it nobody is asked, unless `approval` says so.
    """

    tier: Literal["low", "medium", "high"] | None = Field(default=None, exclude_if=not_given)
    intended_use: _Use = ""
    limits: Annotated[tuple[_Limit, ...], OneOrMore()] = ()
    envelope: Envelope | None = Field(default=None, exclude_if=not_given)
