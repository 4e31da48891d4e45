"""docs/spec-reference.md, from the models that check a spec: every key, its type, its default and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt
from made_pages import MADE, sentence, table
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from mlsys.components import Component, OneOrMore, Table, Within
from mlsys.durations import duration_text
from mlsys.metrics import METRICS
from mlsys.spec.json_schema import docstring_of
from mlsys.spec.model import Spec

PAGE = "docs/spec-reference.md"
_INTRODUCTION = """# Spec reference

{made}
Every key of `include/pipelines/<name>.yaml`. [Specs](specs.md) says how a spec is written, checked and changed for one
run; [phishing.yaml](../include/pipelines/phishing.yaml) is one with reasons; `mlsys schema` prints the same as a JSON
Schema for editors.

A key without a default is **required**; *none* is a default, too. *Truth value*: `true` or `false`. *Duration*: a whole
number and a unit, `90s`, `30m`, `36h`, `3d`. *Day*: `2026-01-31`, UTC. `N` is a place in a list, as errors and `--set`
count it: from 0. Where a component is asked for (a source, a model, a gate ...), it is a mapping with its name as
`kind`, or the name alone if none of its keys is required: `gates: [data_quality]` is `gates: [{{kind: data_quality}}]`.
Components of other packages have keys of their own.
"""
_PLAIN: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "truth value",
    timedelta: "duration",
    date: "day",
    NoneType: "none",
    Any: "value",
}
_LIMITS = {Ge: ("ge", "≥"), Gt: ("gt", ">"), Le: ("le", "≤"), Lt: ("lt", "<")}
_HEADER = ("Key", "Type", "Default", "Meaning")


def page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION.format(made=MADE.format("the models of a spec")), _section("At the top", "", Spec)]
    return "\n".join([*parts, *_below(Spec, "", _tables(Spec)), _metrics()])


def _tables(model: type[BaseModel]) -> dict[int, str]:
    """Return the key under which the components of each table are said: of several, the one nearest the top."""
    deepest_first = sorted(_places(model, ""), key=lambda place: -place[1].count("."))
    return dict(deepest_first)


def _places(model: type[BaseModel], prefix: str) -> Iterator[tuple[int, str]]:
    """Yield each table with a key that takes its components, in their order."""
    for name, field in model.model_fields.items():
        path, found, block = f"{prefix}{field.alias or name}", _table_of(field), _model_of(field)
        if found is not None:
            yield id(found), path
        elif block is not None:
            yield from _places(block, f"{path}.")


def _below(model: type[BaseModel], prefix: str, said: dict[int, str]) -> Iterator[str]:
    """Yield the sections of a model's blocks and components; what was `said` under another key is not said again."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        found, block = _table_of(field), _model_of(field)
        kind = get_origin(field.annotation)
        place = path + (".N" if kind is tuple else ".COLUMN" if kind is dict else "")
        known = said.setdefault(id(found or block), path) if found or block else path
        if known != path:
            yield f"## `{path}`\n\nAs [`{known}`](#{known.replace('.', '')}).\n"
        elif found is not None:
            yield _components(place, found, said)
        elif block is not None:
            yield _section(f"`{path}`", place, block)
            yield from _below(block, f"{place}.", said)


def keys(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield path, type, default and meaning of each key of a model.

    Raises:
        ValueError: nothing says what a key means.
    """
    _, meanings = docstring_of(model)
    for name, field in model.model_fields.items():
        key = field.alias or name
        if issubclass(model, Component) and name == "kind":
            continue
        inner = _model_of(field)
        meaning = meanings.get(name) or (docstring_of(inner)[0] if inner is not None else "")
        if not meaning:
            raise ValueError(f"{model.__module__}.{model.__name__} says nowhere what `{name}` means (Attributes:)")
        path = f"`{prefix}.{key}`" if prefix else f"`{key}`"
        yield path, _type(field.annotation, field.metadata), _default(field), sentence(meaning)


def _section(title: str, prefix: str, model: type[BaseModel], *, level: int = 2) -> str:
    said = docstring_of(model)[0]
    rows = list(keys(model, prefix))
    return f"{'#' * level} {title}\n\n{said}\n\n" + (table(_HEADER, rows) if rows else "No keys.\n")


def _components(key: str, found: Table[Any], said: dict[int, str]) -> str:
    """Return a section for each member of a table, and one for each block in them that was not `said`."""
    parts = [f"## `{key.removesuffix('.N')}`\n\nA {found.noun}: {_or([f'`{name}`' for name in found.names()])}.\n"]
    members = {member.model_fields[found.key].default: member for member in found}
    for kind, member in members.items():
        parts.append(_section(f"{sentence(found.noun)} `{kind}`", key, member, level=3))
        for name, field in member.model_fields.items():
            block, path = _model_of(field), f"{key}.{field.alias or name}"
            if block is not None and id(block) not in said:
                said[id(block)] = path
                place = f"{path}.COLUMN" if get_origin(field.annotation) is dict else path
                parts.append(_section(f"`{path}`", place, block, level=3))
    return "\n".join(parts)


def _metrics() -> str:
    """Return a section on what `metrics.primary`, gates and monitors may name."""
    rows = [
        (
            f"`{m.model_fields['kind'].default}`",
            ", ".join(f"`{task}`" for task in m.tasks),
            m.direction,
            docstring_of(m)[0],
        )
        for m in METRICS
    ]
    return "## Metrics by name\n\n" + table(("Metric", "Of the task", "Better", "What it is"), rows)


def _table_of(field: FieldInfo) -> Table[Any] | None:
    """Return the table that a field, or each item of it, is chosen from."""
    inner = [item for argument in get_args(field.annotation) for item in get_args(argument)]
    return _chosen_from((*field.metadata, *inner))


def _chosen_from(marks: Any) -> Table[Any] | None:
    owners = (getattr(mark.func, "__self__", None) for mark in marks if isinstance(mark, BeforeValidator))
    return next((owner for owner in owners if isinstance(owner, Table)), None)


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the block that a field holds, or of which it is a mapping; not a component."""
    candidates = (field.annotation, *get_args(field.annotation))
    models = [each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)]
    return next((model for model in models if not issubclass(model, Component)), None)


def _type(annotation: Any, marks: Any = ()) -> str:
    """Return a type in words, with its limits."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0], arguments[1:])
    if origin is Literal:
        return _or([f"`{_item(value)}`" for value in arguments])
    if origin in (Union, UnionType):
        return _or([_type(each, marks) for each in arguments if each is not NoneType])
    if origin is tuple:
        one = _type(arguments[0])
        return f"{one}, or a list of such" if any(isinstance(m, OneOrMore) for m in marks) else f"list, each {one}"
    if origin is dict:
        return f"mapping of {_type(arguments[0])} to {_type(arguments[1])}"
    chosen = _chosen_from(marks)
    if chosen is not None:
        return f"a {chosen.noun}"
    if issubclass(annotation, BaseModel):
        return "a column" if annotation.__name__ == "ColumnSpec" else "a block of keys"
    return _PLAIN[annotation] + _limits(marks)


def _limits(marks: Any) -> str:
    signs = [f"{sign} {getattr(m, name):,}" for m in marks for kind, (name, sign) in _LIMITS.items() if type(m) is kind]
    longest = [f"at most {mark.longest:,} characters" for mark in marks if isinstance(mark, Within)]
    return f", {', '.join((*signs, *longest))}" if signs or longest else ""


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    default = field.get_default(call_default_factory=True)
    return "its keys' own" if isinstance(default, BaseModel) and _model_of(field) is not None else _written(default)


def _written(value: Any) -> str:
    """Return a default as a person would write it in YAML."""
    if value is None:
        return "none"
    if isinstance(value, timedelta):
        return f"`{duration_text(value)}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(_item(each) for each in value)}]`"
    return f"`{_item(value)}`"


def _item(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000, allow_unicode=True).splitlines()[0]
