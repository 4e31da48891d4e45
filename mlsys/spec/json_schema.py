"""The spec as a JSON Schema, for editors: every key with its type and limits, every kind of component, what each means.

It is made from the models, so it says what is checked. An editor's YAML knows neither short forms nor bare days;
`mlsys check` has the last word.
"""

from __future__ import annotations

import inspect
import json
import re
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from mlsys.components import Component, Table
from mlsys.durations import duration_text
from mlsys.spec.model import Spec

_ATTRIBUTES = re.compile(r"^Attributes:\n", re.MULTILINE)
_ATTRIBUTE = re.compile(r"^    (\w[\w, ]*): (.*(?:\n {8,}.*)*)", re.MULTILINE)


def spec_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec, with the components that are installed."""
    schema = Spec.model_json_schema(by_alias=True, schema_generator=_Generator, mode="validation")
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "A pipeline of mlsys"}
    return head | schema


def as_text() -> str:
    """Return the schema as the file that comes along holds it."""
    return json.dumps(spec_schema(), indent=1, ensure_ascii=False) + "\n"


class _Generator(GenerateJsonSchema):
    """Shows the members of a table where pydantic sees their contract alone, and docstrings as descriptions."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Return the union of a table's members where a field holds one of them."""
        table = getattr(schema["function"]["function"], "__self__", None)
        if not isinstance(table, Table):
            return super().function_before_schema(schema)
        members = table.all()
        bare = [name for name, member in members.items() if not _required(member)]
        mappings = [self.generate_inner(member.__pydantic_core_schema__) for member in members.values()]
        return {"anyOf": [*([{"enum": sorted(bare)}] if bare else []), *mappings]}

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return a model's schema, its docstring taken apart into descriptions."""
        found, model = super().model_schema(schema), schema["cls"]
        found.pop("title", None)
        said, meanings = docstring_of(model)
        if said:
            found["description"] = said
        for name, field in model.model_fields.items():
            value = found["properties"][field.alias or name]
            value.pop("title", None)
            if name in meanings and "$ref" not in value:
                value["description"] = meanings[name]
        if issubclass(model, Component):  # a mapping without it is no component, whatever the model's default
            found["required"] = ["kind", *(name for name in found.get("required", ()) if name != "kind")]
        return found

    def encode_default(self, dft: Any) -> Any:
        """Return a default as a person would write it."""
        if isinstance(dft, timedelta):
            return duration_text(dft)
        return dft.model_dump(mode="json", by_alias=True) if isinstance(dft, BaseModel) else super().encode_default(dft)


def _required(model: type[BaseModel]) -> bool:
    try:
        model.model_validate({})
    except ValueError:
        return True
    return False


def docstring_of(model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """Return what a model's docstring says of it, and of each attribute; the attributes of its bases too."""
    meanings: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is BaseModel or not issubclass(base, BaseModel) or not base.__doc__:
            continue
        _, *rest = _ATTRIBUTES.split(inspect.cleandoc(base.__doc__))
        for names, meaning in _ATTRIBUTE.findall(rest[0] if rest else ""):
            meanings |= {name.strip(): " ".join(meaning.split()) for name in names.split(",")}
    own = inspect.cleandoc(model.__doc__ or "") if "__doc__" in model.__dict__ else ""
    return " ".join(_ATTRIBUTES.split(own)[0].split()), meanings
