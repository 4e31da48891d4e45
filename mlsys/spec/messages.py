"""What pydantic finds, in words for whoever writes a spec: the rule, and for what is missing one line of YAML."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from mlsys.spec.text import KeyPath

_MAPPINGS = ("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type")
_WORDS = {
    "string_type": "must be a text",
    "string_sub_type": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of at most 64 bits",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "date_type": "must be a day, written YYYY-MM-DD",
    "none_required": "must be left out, or null",
    "tuple_type": "must be a list: `[a, b]`, or a line `- a` for each",
    "list_type": "must be a list: `[a, b]`, or a line `- a` for each",
    **dict.fromkeys(_MAPPINGS, "must be a mapping, a line `key: value` for each"),
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must look like `{pattern}`, a regular expression",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "extra_forbidden": "no such key here",
}
_TYPES = {"str": "a text", "int": "a number", "float": "a number", "bool": "true or false"}
# What must stand in a spec -> what it means, and one line of YAML. The first key of a path and the last one tell it.
REQUIRED = {
    "pipeline": ("the pipeline's name, the same as the file's", "pipeline: churn"),
    "source": ("where the rows come from", "source: {kind: files, path: data/*.csv, event_time: created_at}"),
    "schema": ("the columns that are read, with their types", "schema: {customer: text, age: integer, left: category}"),
    "target": ("what is predicted", 'target: {column: left, positive: "yes"}'),
    "split": (
        "how rows are divided into training, validation and holdout",
        "split: {kind: time, validation_days: 5, holdout_days: 7}",
    ),
    "models": ("the candidates", "models: [prior, logistic, xgboost]"),
    "gates": (
        "what a candidate must pass to become champion",
        "gates: [{kind: minimum, metric: roc_auc, at_least: 0.8}, better_than_champion]",
    ),
    "source.url": ("the database, as a URL of SQLAlchemy or MongoDB", 'url: "sqlite:///${MLSYS_HOME}/shop.db"'),
    "source.database": ("the database of MongoDB", "database: shop"),
    "source.collection": ("the collection of that database", "collection: orders"),
    "source.path": ("a pattern that the files match", "path: data/*.csv"),
    "schema.type": ("what the column holds", "type: integer"),
    "target.column": ("the column of the schema that is predicted", "column: left"),
    "target.action": ("the column of the action that was taken", "action: action"),
    "target.actions": ("the actions there are, in the order in which they are numbered", "actions: [call, mail]"),
    "target.customer": ("the column of whom a decision was about", "customer: customer_id"),
    "target.step": ("the column that numbers a customer's decisions", "step: contact"),
    "target.logged_by": ("the columns that those who decided looked at", "logged_by: [stage]"),
    "target.positive": ("the class that counts as positive, as a text", 'positive: "yes"'),
    "split.column": ("the column whose rows stay together", "column: customer"),
    "joins.name": ("what the table is called in messages", "name: usage"),
    "joins.source": ("where the table's rows come from", "source: {kind: files, path: usage/*.csv, event_time: at}"),
    "joins.schema": ("the table's columns, with their types", "schema: {customer: text, minutes: number}"),
    "joins.key": ("the column by which rows are joined", "key: customer"),
    "joins.window": ("how far back rows count", "window: 28d"),
    "joins.columns": ("what is taken of the rows found", "columns: {minutes: {take: sum, of: minutes}, visits: count}"),
    "joins.take": ("count, sum, mean, min, max, last or age", "take: sum"),
    "checks.column": ("the column that the rule is about", "column: age"),
    "checks.other": ("the column that it is compared with", "other: signed_up_at"),
    "checks.operator": ("how the columns compare", "operator: less_or_equal"),
    "checks.values": ("the values that may occur", 'values: ["yes", "no"]'),
    "checks.regex": ("what each value looks like", "regex: '^[A-Z]{2}[0-9]+$'"),
    "checks.max_age": ("how old the newest row may be", "max_age: 2d"),
    "models.of": ("the members of a blend", "of: [logistic, xgboost]"),
    "gates.column": ("the column whose values are the groups that fairness compares", "column: region"),
    "gates.metric": ("what is held to the limit", "metric: roc_auc"),
}


def in_own_words(item: Any, keys: KeyPath, *, union: Collection[str] = ()) -> str:
    """Return the sentence of one of pydantic's errors, without the value that it is about.

    Args:
        item: the error as `ValidationError.errors` gives it.
        keys: the key path that it stands at.
        union: types (`str`, `bool`) of which the value may have any and fits none.
    """
    kind, context = item["type"], item.get("ctx", {})
    if union:
        return f"must be {_or([_TYPES[name] for name in _TYPES if name in union])}"
    meaning, example = _required(keys)
    if kind == "missing":
        return "required, and not there" + (f": {meaning}. For example `{example}`" if example else "")
    if kind not in _WORDS:
        message: str = item["msg"]
        return message.removeprefix("Value error, ")
    return _WORDS[kind].format_map(context)


def example_of(item: Any, keys: KeyPath) -> str:
    """Return one line of YAML for a mapping that stands there as something else; empty where none is known."""
    return _required(keys)[1] if item["type"] in _MAPPINGS else ""


def _required(keys: KeyPath) -> tuple[str, str]:
    name = keys[-1] if keys else ""
    return REQUIRED.get(name if len(keys) == 1 else f"{keys[0]}.{name}" if keys else "", ("", ""))


def _or(words: list[str]) -> str:
    several = list(dict.fromkeys(words))
    return " or ".join((", ".join(several[:-1]), several[-1])) if len(several) > 1 else several[0]
