"""The OpenAPI description: addresses of each pipeline, columns with types, limits and values, and its own examples."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mlsys.schema import ColumnSpec
from mlsys.server.answers import as_json
from mlsys.server.rows import allowed

if TYPE_CHECKING:
    from mlsys.server.served import ServedModel
    from mlsys.server.shelf import Shelf

_TYPES = {"integer": ["integer", "null"], "number": ["number", "null"], "boolean": ["boolean", "null"]}
_SHOWN = 10  # values of a category that are named
_EXAMPLES = 2
_INT64 = 2**63


def openapi(shelf: Shelf) -> dict[str, Any]:
    """Return the description of what a server answers now; a new champion may change it."""
    paths: dict[str, Any] = {
        "/health": {"get": _said("Whether the process lives, and what is not as it should be", "health")},
        "/ready": {"get": _said("Whether a verified model answers", "ready", others=("503",))},
        "/models": {"get": _said("The models that answer, and champions that can't be served", "models")},
        "/model/reload": {"post": _said("Look into the ledger now", "reload", others=("503",))},
    }
    schemas: dict[str, Any] = {"Problems": _PROBLEMS}
    for name, model in sorted(shelf.models.items()):
        schemas[f"{name}.row"] = row_schema(model)
        schemas[f"{name}.answer"] = _answer(model)
        paths |= _of(name, model)
    about = {"title": "mlsys", "version": version("mlsys"), "description": "Predictions of the champions."}
    return {"openapi": "3.1.0", "info": about, "paths": paths, "components": {"schemas": schemas}}


def row_schema(model: ServedModel) -> dict[str, Any]:
    """Return the JSON Schema of a row, made from the types that the model was trained with."""
    columns = {
        name: _column(column, model.known.columns.get(name, {}), [row[name] for row in model.known.examples])
        for name, column in model.champion.features.items()
    }
    return {"type": "object", "properties": columns, "required": list(columns)}


def _column(column: ColumnSpec, seen: Mapping[str, Any], examples: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": _TYPES.get(column.type, ["string", "null"]), "description": allowed(column)}
    if column.type == "integer":
        found |= {"minimum": -_INT64, "maximum": _INT64 - 1}
    if "lowest" in seen:
        found["description"] += f"; in training {seen['lowest']:g} to {seen['highest']:g}"
    if "values" in seen and column.type != "boolean":
        values = seen["values"]
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        found["description"] += f"; in training {', '.join(map(repr, values[:_SHOWN]))}{more}"
    there = list(dict.fromkeys(value for value in examples if value is not None))[:_SHOWN]
    return found | ({"examples": there} if there else {})


def _of(name: str, model: ServedModel) -> dict[str, Any]:
    """Return the addresses of a pipeline."""
    at, row = f"/pipelines/{name}", {"$ref": f"#/components/schemas/{name}.row"}
    listed = {"type": "array", "items": row, "minItems": 1}
    rows = {"type": "object", "properties": {"rows": listed}, "required": ["rows"]}
    examples = [dict(each) for each in model.known.examples[:_EXAMPLES]]
    one = {f"row {number}": {"value": each} for number, each in enumerate(examples, 1)}
    several = {"rows": {"value": {"rows": examples}}} if examples else {}
    others = ("404", "413", "415", "422", "503")
    answer = {"$ref": f"#/components/schemas/{name}.answer"}
    question = {"anyOf": [row, rows]} if "rows" not in model.champion.features else row
    asked = {
        f"{at}/predict": ("Answer a row, or a few", "predict", question, {**one, **several}, answer),
        f"{at}/predict/batch": ("Answer many rows", "batch", rows, several, answer),
        f"{at}/explain": (
            "Why a row is answered so, and what would change it",
            "explain",
            row,
            one,
            {"type": "object"},
        ),
    }
    found: dict[str, Any] = {}
    for path, (what, kind, schema, shown, reply) in asked.items():
        operation = _said(what, f"{kind}_{name}", others=others, reply=reply)
        body = {"required": True, "content": {"application/json": {"schema": schema, "examples": shown}}}
        found[path] = {"post": operation | {"requestBody": body, "tags": [name]}}
    found[f"{at}/model/info"] = {"get": _said("What is known of the model", f"info_{name}", others=("404", "503"))}
    return found


def _answer(model: ServedModel) -> dict[str, Any]:
    """Return the schema of a reply, with the reply to the first example."""
    text = {"type": "string"}
    found: dict[str, Any] = {
        "type": "object",
        "properties": {
            "pipeline": text,
            "version": text,
            "arm": text,
            "predictions": {"type": "array", "items": {"type": "object"}},
            "noticed": {"type": "object"},
        },
        "required": ["pipeline", "version", "arm", "predictions"],
    }
    if not model.known.examples:
        return found
    champion = model.champion
    said = as_json(champion, model.answers(model.known.examples[:1]))
    about = {"pipeline": champion.pipeline, "version": champion.version, "arm": "champion"}
    return found | {"examples": [{**about, "predictions": said}]}


_PROBLEMS = {
    "type": "object",
    "properties": {
        "problems": {
            "type": "array",
            "items": {"type": "object", "properties": {"problem": {"type": "string"}}, "required": ["problem"]},
        }
    },
    "required": ["problems"],
}
_WORDS = {
    "404": "No model answers for this pipeline",
    "413": "Too much for one request",
    "415": "The body is no JSON",
    "422": "The rows can't be read: column, value and what is allowed",
    "503": "No model can answer now",
}


def _said(what: str, operation: str, *, others: tuple[str, ...] = (), reply: Any = None) -> dict[str, Any]:
    """Return the description of an operation."""
    problems = {"application/json": {"schema": {"$ref": "#/components/schemas/Problems"}}}
    if operation == "ready":
        problems = {"application/json": {"schema": {"type": "object"}}}
    replies: dict[str, Any] = {
        "200": {"description": what, "content": {"application/json": {"schema": reply or {"type": "object"}}}}
    }
    replies |= {status: {"description": _WORDS[status], "content": problems} for status in others}
    return {"summary": what, "operationId": operation, "responses": replies}
