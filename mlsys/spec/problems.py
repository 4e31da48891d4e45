"""What is wrong with a spec, in words for people: the file, the line, the key path, the rule and the value."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mlsys.errors import SpecError, nearest, shortened
from mlsys.spec.guesses import hint
from mlsys.spec.messages import example_of, in_own_words
from mlsys.spec.text import Document, KeyPath, shortened_path

_SHOWN = 5
_LONGEST = 800  # characters of one problem
_TYPES = ("str", "int", "float", "bool")  # what a union's branches are called
_QUOTED = re.compile(r"'([^']*)'")
_SAYS_ALL = ("missing", "value_error", "misspelt")  # these messages hold the value already


@dataclass(frozen=True)
class SpecProblem:
    """One thing that is wrong.

    Attributes:
        name, meant: a misspelt name, and the one that was probably meant; empty where that is not what is wrong.
    """

    keys: KeyPath
    sentence: str
    name: str = ""
    meant: str = ""


def refusal(error: ValidationError, document: Document) -> SpecError:
    """Return what pydantic found as one error that names file and lines."""
    found = list(problems(error, document))
    sentences = [found[0].sentence, *(f"{_line(document, each)}{each.sentence}" for each in found[1:_SHOWN])]
    more = f" (and {len(found) - _SHOWN} more)" if len(found) > _SHOWN else ""
    return SpecError("; ".join(sentences) + more, where=document.place(found[0].keys))


def problems(error: ValidationError, document: Document | None = None) -> Iterator[SpecProblem]:
    """Yield what pydantic found, each place once."""
    seen: set[KeyPath] = set()
    found = error.errors(include_url=False)
    unions: dict[KeyPath, set[str]] = defaultdict(set)
    for item in found:
        if _branch(item):  # a value that fits no type of a union is reported once per type
            unions[_keys(item)[:-1]].add(_branch(item))
    for item in found:
        keys = _keys(item)[:-1] if _branch(item) else _keys(item)
        if _branch(item) and keys in seen:
            continue
        seen.add(keys)
        yield SpecProblem(keys, _sentence(item, document, keys, union=unions[keys]), *_meant(item))


def _branch(item: Any) -> str:
    """Return the type that an error is about, where it is one of a union's; else an empty text."""
    last = str(item["loc"][-1]) if item["loc"] else ""
    return last if item["type"].endswith("_type") and last in _TYPES else ""


def _keys(item: Any) -> KeyPath:
    """Return where an error stands; what the parts of a spec promise each other says so in its context."""
    loc = tuple(str(part) for part in item["loc"] if not str(part).startswith("function-") and part != "[key]")
    where = item.get("ctx", {}).get("where")
    return (*loc, *where.split(".")) if where else loc


def _meant(item: Any) -> tuple[str, str]:
    """Return a misspelt name and the one that was probably meant, or two empty texts."""
    context, value = item.get("ctx", {}), item["input"]
    if item["type"] == "literal_error" and isinstance(value, str):
        return value, nearest(value, _QUOTED.findall(context.get("expected", ""))) or ""
    return context.get("name", ""), context.get("meant", "")


def in_words(problem: SpecProblem) -> str:
    """Return a problem with its key path, where there is no file."""
    return f"{shortened_path(problem.keys)}: {problem.sentence}" if problem.keys else problem.sentence


def _line(document: Document, problem: SpecProblem) -> str:
    return f"{document.place(problem.keys)}: " if problem.keys else ""


def _sentence(item: Any, document: Document | None, keys: KeyPath, *, union: Collection[str]) -> str:
    message = in_own_words(item, keys, union=union)
    for text in (item["input"], item.get("ctx", {}).get("name")):
        if isinstance(text, str) and len(text) > 120:
            message = message.replace(repr(text)[1:-1], shortened(text)[1:]).replace(text, shortened(text)[1:])
    if len(message) > _LONGEST:
        message = message[: _LONGEST - 3] + "..."
    if item["type"] not in _SAYS_ALL:
        message += f", got {shortened(item['input'])}"
    if item["type"] == "literal_error" and _meant(item)[1]:
        message += f" (did you mean '{_meant(item)[1]}'?)"
    example = example_of(item, keys)
    written = document.written.get(keys) if document else None
    hinted = hint(written, wants_text=bool(union) or item["type"] == "string_type")
    return message + hinted + (f". For example `{example}`" if example else "")
