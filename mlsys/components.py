"""Typed components and the tables that name them.

A component is a frozen, strictly typed record with one method of work. A table is the visible list of
all components of one kind: adding one means one file and one table entry. A package from outside adds one
by an entry point of the table's group (`mlsys.models`, `mlsys.gates`, ...).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, PydanticKnownError, core_schema

from mlsys.errors import near_match, nearest, shortened

STORED = "stored"  # in the context of a validation: this spec was valid when a run stored it


class Frozen(BaseModel):
    """Base of everything read from YAML: strict types, unknown keys refused, numbers finite, never mutated."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        # Before anything else: a misspelt key explains why another one is missing.
        if not isinstance(value, Mapping):
            return value
        known = {field.alias or name for name, field in cls.model_fields.items()}
        unknown = [str(key) for key in value if key not in known and key not in cls.model_fields]
        if unknown:
            wrong: list[InitErrorDetails] = [
                {"type": misspelt("no such key here", key, known), "loc": (key,), "input": value} for key in unknown
            ]
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return value


def not_given(value: object) -> bool:
    """Return whether a key has no value; one that came later is then left out, so that older fingerprints hold."""
    return value is None


def misspelt(
    rule: str, name: str, known: Iterable[str], hints: dict[str, str] | None = None, *, where: str = ""
) -> PydanticCustomError:
    """Return the error of a name that is not among the known ones; it says which one was probably meant.

    Args:
        rule: what was wrong, as a sentence without a full stop.
        name: the name as it was written.
        known: the names that would do.
        hints: names people try that are no near match.
        where: key path of the name, where the error is raised further out.
    """
    names = list(known)
    return PydanticCustomError(
        "misspelt",
        "{message}",
        {
            "message": f"{rule}. {near_match(name, names, hints)}",
            "name": name,
            "meant": nearest(name, names, hints) or "",
            "where": where,
        },
    )


@dataclass(frozen=True)
class AsWritten:
    """Marks a field whose value goes on as the spec has it: YAML's guesses about it are refused (`NO`, `01234`).

    Attributes:
        typed: the declared type of a column stands beside it, so that a bare day is a day and 1.50 is 1.5.
    """

    typed: bool = False


@dataclass(frozen=True)
class Within:
    """Marks a text that Airflow, MLflow, files and addresses have to take.

    A spec that a run has stored may hold another one, from before there was the rule.

    Attributes:
        longest: characters.
        pattern: what all of it looks like.
        says: the rule, as a sentence without a full stop.
    """

    longest: int
    says: str
    pattern: str | None = None

    def _fits(self, value: str, info: ValidationInfo) -> str:
        stored = isinstance(info.context, Mapping) and info.context.get(STORED)
        fits = len(value) <= self.longest and (self.pattern is None or re.fullmatch(self.pattern, value))
        if not stored and not fits:
            raise ValueError(f"{self.says}, not {shortened(value)}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._fits, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        pattern = {} if self.pattern is None else {"pattern": f"^{self.pattern}$"}
        return {**handler(schema), "maxLength": self.longest, **pattern}


class OneOrMore:
    """Marks a tuple of texts that a spec may write as one text."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: (value,) if isinstance(value, str) else value, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        several = handler(schema)
        return {"anyOf": [several["items"], several]}


class Component(Frozen):
    """One choice of a kind of thing; subclasses declare `kind: Literal["name"] = "name"`.

    Attributes:
        libraries: modules that it imports and that not every installation has, each with the extra that brings it.
    """

    libraries: ClassVar[Mapping[str, str]] = {}
    kind: str


def components_in(value: object) -> Iterator[Component]:
    """Yield the components that a spec or a part of it holds, those inside others too."""
    if isinstance(value, Component):
        yield value
    if isinstance(value, BaseModel):
        value = tuple(dict(value).values())
    for inner in value if isinstance(value, tuple) else ():
        yield from components_in(inner)


C = TypeVar("C", bound=Frozen)


class Table(Generic[C]):
    """The components of one kind, by name.

    Args:
        noun: what one of them is called in messages ("model").
        group: entry point group of components from outside ("mlsys.models").
        base: their contract.
        members: the built-in components.
        hints: names people try that are no near match (`{"rf": "random_forest"}`); never accepted, only hinted.
        key: the field that names the component.
        default: the component that is meant where a mapping has no such key.
        former: components that another one has replaced; only specs that a run has stored may name them.
    """

    def __init__(
        self,
        noun: str,
        group: str,
        base: type[C],
        members: list[type[C]],
        hints: dict[str, str] | None = None,
        *,
        key: str = "kind",
        default: str | None = None,
        former: Sequence[type[C]] = (),
    ) -> None:
        self.noun = noun
        self.group = group
        self.base = base
        self.key = key
        self.default = default
        self._members = {_name(member, key): member for member in members}
        self._former = {_name(member, key): member for member in former}
        self._hints = hints or {}

    def __iter__(self) -> Iterator[type[C]]:
        return iter(self._members.values())

    @property
    def _place(self) -> str:
        """Where a wrong name stands, below the key of the field: said where the field holds more than the component."""
        return self.key if self.default is not None else ""

    def names(self) -> list[str]:
        """Return the built-in names, sorted."""
        return sorted(self._members)

    def built_in(self) -> dict[str, type[C]]:
        """Return the built-in components by name, in the table's order."""
        return dict(self._members)

    def find(self, name: str) -> type[C]:
        """Return the component class of a name.

        Raises:
            ValueError: no such name, with the nearest one (pydantic turns it into an error with a key path).
        """
        if name in self._members:
            return self._members[name]
        entries = list(entry_points(group=self.group, name=name))
        if entries:
            return self._loaded(entries)
        raise misspelt(f"No {self.noun} named {shortened(name)}", name, self._members, self._hints, where=self._place)

    def all(self) -> dict[str, type[C]]:
        """Return the components by name, the built-in ones first, then those of other packages that can be used."""
        return self._members | self.outside()[0]

    def outside(self) -> tuple[dict[str, type[C]], list[str]]:
        """Return the components of other packages by name, and of those that can't be used why not."""
        entries: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=self.group):
            entries.setdefault(entry.name, []).append(entry)
        found, faults = {}, []
        for name, named in entries.items():
            try:
                found[name] = self._loaded(named)
            except ValueError as error:
                faults.append(str(error))
        return found, faults

    def _loaded(self, entries: Sequence[EntryPoint]) -> type[C]:
        """Return the one component that entry points of a name mean."""
        entry = entries[0]
        said = f"The {self.noun} '{entry.name}' of another package ({', '.join(each.value for each in entries)})"
        if entry.name in self._members:
            raise ValueError(f"{said} has the name of a built-in one, which is used. Give it another name there")
        if len(entries) > 1:
            raise ValueError(f"{said} is there {len(entries)} times. Uninstall all but one of these packages")
        try:
            found = entry.load()
        except Exception as error:  # another package's code may raise anything
            raise ValueError(f"{said} can't be loaded: {type(error).__name__}: {error}") from error
        if not (isinstance(found, type) and issubclass(found, self.base)):
            raise ValueError(f"{said} is no {self.base.__name__}: subclass {self.base.__module__}.{self.base.__name__}")
        field = found.model_fields.get(self.key)
        if field is None or field.default != entry.name:
            raise ValueError(f'{said} must declare `{self.key}: Literal["{entry.name}"] = "{entry.name}"`')
        return found

    def parse(self, value: object, context: object = None) -> C:
        """Return a component from itself, its name, or a mapping with `kind`.

        Raises:
            ValueError: unknown kind or no kind at all; no mapping, where components are told apart by a default.
            pydantic.ValidationError: a wrong field of the component.
        """
        if isinstance(value, self.base):
            return value
        if self.default is not None:
            if not isinstance(value, dict):
                raise PydanticKnownError("dict_type")
            value = {self.key: self.default, **value}
        if isinstance(value, str):
            value = {self.key: value}
        if not isinstance(value, dict) or not isinstance(value.get(self.key), str):
            known = ", ".join(self.names())
            raise ValueError(f"A {self.noun} is a name or a mapping with `{self.key}`. Known: {known}")
        stored = isinstance(context, Mapping) and bool(context.get(STORED))
        former = self._former.get(value[self.key]) if stored else None
        return (former or self.find(value[self.key])).model_validate(value, context=context)

    def stored(self, dumped: Mapping[str, Any]) -> C:
        """Return a component from what a record kept of it, in which JSON has lists where the component has tuples.

        Raises:
            ValueError, pydantic.ValidationError: as `parse`.
        """
        return self.parse(tuples(dict(dumped)), {STORED: True})

    def read(self, value: object, info: ValidationInfo) -> C:
        """Return what `parse` does, as the validator of a field."""
        return self.parse(value, info.context)

    def field(self) -> Any:
        """Return the annotation of a spec field that holds one of these.

        `SerializeAsAny` keeps the subclass's own fields when the spec is dumped; without it they vanish silently.
        """
        return Annotated[SerializeAsAny[self.base], BeforeValidator(self.read)]  # type: ignore[name-defined, misc]


def _name(member: type[Frozen], key: str) -> str:
    name = member.model_fields[key].default
    if not isinstance(name, str):
        raise TypeError(f"{member.__name__} must declare `{key}: Literal[...]` with a default")
    return name


def tuples(value: Any) -> Any:
    """Return nested data with every list as a tuple."""
    # Strict Python mode takes tuples where YAML has lists; JSON mode would fail inside the tables' hooks.
    if isinstance(value, dict):
        return {key: tuples(item) for key, item in value.items()}
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value
