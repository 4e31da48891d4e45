"""Misspelt names in a spec's text, replaced by what was probably meant; comments and all else stay as they are."""

from __future__ import annotations

import difflib
from pathlib import Path

import yaml
from pydantic import ValidationError

from mlsys.components import tuples
from mlsys.errors import SpecError
from mlsys.spec.model import Spec
from mlsys.spec.problems import SpecProblem, problems
from mlsys.spec.text import Document, KeyPath, Written, parsed, read

_MOST = 50


def mended(path: Path) -> str:
    """Return the text of a spec with each misspelt name replaced that an error knows a near match for.

    Raises:
        SpecError: not readable, or not YAML.
    """
    document = read(path)
    for _ in range(_MOST):
        try:
            Spec.model_validate(tuples(document.mapping))
        except ValidationError as error:
            texts = (replaced(document, problem) for problem in problems(error, document) if problem.meant)
            text = next((text for text in texts if text is not None), None)
            if text is None:
                break
            document = parsed(path, text)
        else:
            break
    return document.text


def renamed(path: Path, name: str, meant: str) -> str:
    """Return the text of a spec with a name that the data don't have replaced where the spec says what it reads.

    Raises:
        SpecError: not readable, or not YAML.
    """
    document = read(path)
    said = [keys for keys in document.written if keys[:1] in (("source",), ("schema",), ("target",))]
    texts = (replaced(document, SpecProblem(keys, "", name, meant)) for keys in said)
    return next((text for text in texts if text is not None), document.text)


def replaced(document: Document, problem: SpecProblem) -> str | None:
    """Return a document's text with one name replaced, or None where the name can't be told from others."""
    found = _token(document, problem.keys, problem.name)
    if found is None:
        return None
    start, end = found
    mark = document.text[start] if document.text[start] in "'\"" else ""
    quoted = yaml.safe_dump(problem.meant, default_style=mark or "'", width=10**6).strip()
    for token in ([] if mark else [problem.meant]) + [quoted]:
        text = document.text[:start] + token + document.text[end:]
        if _differs_by(document, text, problem):
            return text
    return None


def diff(path: Path, before: str) -> str:
    """Return how what the file holds differs from a text before it, as a unified diff."""
    return unified(path, before, read(path).text)


def unified(path: Path, before: str, after: str) -> str:
    """Return how two texts of a file differ, as a unified diff; empty where they don't."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    lines = difflib.unified_diff(old, new, str(path), str(path), n=1)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _token(document: Document, keys: KeyPath, name: str) -> tuple[int, int] | None:
    """Return where the name stands: as the value there, as its `kind`, as an item below or above it, or as the key."""
    written = document.written
    below = [each for each in written if each[:-1] == keys]
    for place in (keys, (*keys, "kind"), *below, keys[:-1]):
        value = written.get(place)
        if value is not None and value.text == name and value.token is not None:
            return value.token
    key = written.get(keys)
    return key.key if key is not None and keys[-1] == name else None


def _differs_by(document: Document, text: str, problem: SpecProblem) -> bool:
    """Return whether the new text holds the same values, but for this name."""
    try:
        after = parsed(document.path, text).written
    except SpecError:  # the meant key stands there already
        return False
    before = [_plain(keys, value) for keys, value in document.written.items()]
    now = [_plain(keys, value) for keys, value in after.items()]
    changed = [(old, new) for old, new in zip(before, now, strict=False) if old != new]
    names = {part for _, new in changed for part in (*new[0], new[1])}
    return len(before) == len(now) and bool(changed) and problem.meant in names


def _plain(keys: KeyPath, written: Written) -> tuple[KeyPath, str | None]:
    return keys, written.text
