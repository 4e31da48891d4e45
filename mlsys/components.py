"""Typed components and the tables that name them.

A component is a frozen, strictly typed record with one method of work. A table is the visible list of
all components of one kind: adding one means one file and one table entry. A package from outside adds one
by an entry point of the table's group (`mlsys.models`, `mlsys.gates`, ...).
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, SerializeAsAny

from mlsys.errors import near_match


class Frozen(BaseModel):
    """Base of everything read from YAML: strict types, unknown keys refused, never mutated."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Component(Frozen):
    """One choice of a kind of thing; subclasses declare `kind: Literal["name"] = "name"`."""

    kind: str


C = TypeVar("C", bound=Component)


class Table(Generic[C]):
    """The components of one kind, by name.

    Args:
        noun: what one of them is called in messages ("model").
        group: entry point group of components from outside ("mlsys.models").
        base: their contract.
        members: the built-in components.
        hints: names people try that are no near match (`{"rf": "random_forest"}`); never accepted, only hinted.
    """

    def __init__(
        self,
        noun: str,
        group: str,
        base: type[C],
        members: list[type[C]],
        hints: dict[str, str] | None = None,
    ) -> None:
        self.noun = noun
        self.group = group
        self.base = base
        self._members = {_kind(member): member for member in members}
        self._hints = hints or {}

    def __iter__(self) -> Iterator[type[C]]:
        return iter(self._members.values())

    def names(self) -> list[str]:
        """Return the built-in names, sorted."""
        return sorted(self._members)

    def find(self, name: str) -> type[C]:
        """Return the component class of a name.

        Raises:
            ValueError: no such name, with the nearest one (pydantic turns it into an error with a key path).
        """
        if name in self._members:
            return self._members[name]
        for entry in entry_points(group=self.group, name=name):
            return entry.load()  # type: ignore[no-any-return]
        raise ValueError(f"No {self.noun} named '{name}'. {near_match(name, self._members, self._hints)}")

    def parse(self, value: object) -> C:
        """Return a component from itself, its name, or a mapping with `kind`.

        Raises:
            ValueError: unknown kind or no kind at all.
            pydantic.ValidationError: a wrong field of the component.
        """
        if isinstance(value, self.base):
            return value
        if isinstance(value, str):
            value = {"kind": value}
        if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
            raise ValueError(f"A {self.noun} is a name or a mapping with `kind`. Known: {', '.join(self.names())}")
        return self.find(value["kind"]).model_validate(value)

    def field(self) -> Any:
        """Return the annotation of a spec field that holds one of these.

        `SerializeAsAny` keeps the subclass's own fields when the spec is dumped; without it they vanish silently.
        """
        from typing import Annotated

        return Annotated[SerializeAsAny[self.base], BeforeValidator(self.parse)]  # type: ignore[name-defined, misc]


def _kind(member: type[Component]) -> str:
    kind = member.model_fields["kind"].default
    if not isinstance(kind, str):
        raise TypeError(f"{member.__name__} must declare `kind: Literal[...]` with a default")
    return kind
