"""Values of a spec for one run, written `key.path=value`: from `--set`, or from the variable `MLSYS_SET`.

What is wrong with one is said of it, never of the file that it changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import BaseModel

from mlsys.errors import SpecError, nearest
from mlsys.models import MODELS
from mlsys.spec.model import Spec
from mlsys.spec.text import Document, KeyPath, Written, fragment
from mlsys.wording import counted

_TEXTS = frozenset(name for name, field in Spec.model_fields.items() if field.annotation is str)


def apply(document: Document, text: str, *, origin: str = "--set") -> str:
    """Set what an override says in a document, and return its key path.

    Raises:
        SpecError: not of the form `key.path=value`, or no such place; names the key that was probably meant.
    """
    key, equals, raw = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise SpecError("An override is written key.path=value", where=origin, got=text)
    keys = tuple(key.split("."))
    _require_known(document, keys, origin)
    value, written = fragment(raw, origin=origin, at=keys)
    for known in [known for known in document.written if known[: len(keys)] == keys]:
        del document.written[known]
    document.written |= _put(document, keys, value, origin=origin) | written
    return key


def several(text: str) -> list[str]:
    """Return the overrides of a text that `;` separates; one within quotes or brackets is the value's own."""
    pieces, found = text.split(";"), []
    while pieces:
        ends = (n for n in range(1, len(pieces) + 1) if _is_closed(";".join(pieces[:n])))
        taken = next(ends, 1)  # what nothing closes is blamed alone
        found.append(";".join(pieces[:taken]).strip())
        pieces = pieces[taken:]
    return [part for part in found if part]


def _is_closed(override: str) -> bool:
    value = override.partition("=")[2].strip()
    if not value.startswith(("'", '"', "[", "{")):
        return True
    try:
        yaml.compose(value, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return False
    return True


def _require_known(document: Document, keys: KeyPath, origin: str) -> None:
    known = {*Spec.model_fields, *(field.alias for field in Spec.model_fields.values() if field.alias)}
    if keys[0] in known:
        return
    meant, names = _meant(document, keys, known), sorted(known)
    remedy = f"Did you mean `{meant}`? A key is written with its whole path" if meant else f"Known: {', '.join(names)}"
    raise SpecError("no such key here", where=f"{origin}: {keys[0]}", remedy=remedy)


def _put(document: Document, keys: KeyPath, value: Any, *, origin: str) -> dict[KeyPath, Written]:
    """Set a value at a key path, and return how the mappings on the way that were not there came to be."""
    made: dict[KeyPath, Written] = {}
    node: Any = document.mapping
    for depth, part in enumerate(keys, start=1):
        place: Any = part
        if isinstance(node, list):
            place = _position(node, keys, depth, origin)
        elif not isinstance(node, dict):
            above = ".".join(keys[: depth - 1])
            raise SpecError(f"No key `{'.'.join(keys)}`: `{above}` is a value, and no mapping", where=origin, got=node)
        elif part not in node:
            made[keys[:depth]] = Written(origin)
            node[part] = None
        before = node[place]
        node[place] = value if depth == len(keys) else _as_mapping(before, keys[:depth])
        if node[place] is not before and depth < len(keys):
            made[keys[:depth]] = Written(origin)
        node = node[place]
    return made


def _position(items: list[Any], keys: KeyPath, depth: int, origin: str) -> int:
    """Return the number of a list's item."""
    part, above = keys[depth - 1], ".".join(keys[: depth - 1])
    if part.isdecimal() and len(part) < 10 and int(part) < len(items):
        return int(part)
    remedy = f"`{above}` has {counted(len(items), 'item')}, counted from 0"
    named = [number for number, item in enumerate(items) if part in _names_of(item)]
    if named:
        meant = ".".join((above, str(named[0]), *keys[depth:]))
        remedy = f"Did you mean `{meant}`? {remedy}"
    raise SpecError(f"No key `{'.'.join(keys)}`", where=origin, remedy=remedy)


def _names_of(item: Any) -> tuple[Any, ...]:
    return (item.get("name"), item.get("kind")) if isinstance(item, dict) else (item,)


def _as_mapping(value: Any, keys: KeyPath) -> Any:
    # A short form (`- logistic`, `age: integer`) becomes the mapping it stands for, so that one of its keys can be set.
    if value is None:
        return {}
    if not isinstance(value, str) or keys[0] in _TEXTS:
        return value
    return {"type" if keys[0] == "schema" else "kind": value}


def _meant(document: Document, keys: KeyPath, known: set[str]) -> str | None:
    """Return the key path that was probably meant by one whose first key is none: `C` is `models.0.C`."""
    paths = list(dict.fromkeys(_paths(document)))
    by_last = {path.rpartition(".")[2]: path for path in reversed(paths)}
    if keys[-1] in by_last:
        return by_last[keys[-1]]
    top = nearest(keys[0], known)
    if top is not None:
        return ".".join((top, *keys[1:]))
    last = nearest(keys[-1], by_last)
    return by_last[last] if last is not None else None


def _paths(document: Document) -> Iterator[str]:
    """Yield key paths of values that a spec has or may have: of candidates, of blocks, and what is written."""
    models = document.mapping.get("models")
    for number, item in enumerate(models if isinstance(models, list) else ()):
        kinds = MODELS.all()
        kind = next((kinds[name] for name in _names_of(item) if name in kinds), None)
        yield from (f"models.{number}.{name}" for name in (kind.model_fields if kind else ()))
    for name, field in Spec.model_fields.items():
        block = field.annotation
        if isinstance(block, type) and issubclass(block, BaseModel):
            yield from (f"{field.alias or name}.{key}" for key in block.model_fields)
    yield from (".".join(keys) for keys, written in document.written.items() if written.text is not None)
