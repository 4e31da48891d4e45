"""The text of a spec: strict YAML, and overrides written `key.path=value`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mlsys.errors import SpecError


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice; the later one would win in silence."""


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same by libyaml, in a tenth of the time; DAG files read all specs every half minute.

    It ends the process on some ten thousand brackets in a row, so only texts shorter than that are left to it.
    """


def _unique_keys(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key `{key}` stands twice", key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep)


_SHORT = 16_384  # characters
for _loader in (_StrictLoader, _FastLoader):
    _loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_keys)


def mapping_of(path: Path) -> dict[str, Any]:
    """Return the mapping that a spec file holds.

    Raises:
        SpecError: not readable, not YAML, or no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
        value = yaml.load(text, Loader=_FastLoader if len(text) < _SHORT else _StrictLoader)  # noqa: S506 - both safe
    except FileNotFoundError:
        raise SpecError(
            "There is no such spec", where=str(path), remedy="See `mlsys check` for the known ones"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"The spec can't be read: {error}", where=str(path)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise SpecError(f"Not valid YAML: {problem}", where=f"{path}{line}") from error
    if not isinstance(value, dict):
        raise SpecError("A spec is a mapping of keys", where=str(path), got=value)
    return value


def tuples(value: Any) -> Any:
    """Return nested data with every list as a tuple."""
    # Strict Python mode takes tuples where YAML has lists; JSON mode would fail inside the tables' hooks.
    if isinstance(value, dict):
        return {key: tuples(item) for key, item in value.items()}
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def apply(mapping: dict[str, Any], text: str, path: Path) -> str:
    """Set what an override `key.path=value` says in `mapping`, and return its key path.

    Raises:
        SpecError: not of that form, or no such place.
    """
    key, equals, raw = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise SpecError("An override is written key.path=value", where="--set", got=text)
    try:
        value = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise SpecError(f"The value is not YAML: {error}", where=f"--set {key}", got=raw) from None
    node: Any = mapping
    parts = key.split(".")
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        try:
            if isinstance(node, list):
                index = int(part)
                node[index] = value if last else _as_mapping(node[index])
                node = node[index]
            elif isinstance(node, dict):
                node[part] = value if last else _as_mapping(node.get(part, {}))
                node = node[part]
            else:
                raise ValueError(f"`{'.'.join(parts[:depth])}` is a value, not a mapping")
        except (ValueError, IndexError) as error:
            raise SpecError(f"No key `{key}`: {error}", where=f"--set ({path.name})", got=text) from None
    return key


def _as_mapping(value: Any) -> Any:
    # A bare component name (`- logistic`) becomes a mapping, so that one of its fields can be set.
    return {"kind": value} if isinstance(value, str) else value
