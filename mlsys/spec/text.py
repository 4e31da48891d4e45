"""The text of a spec, strict YAML: its values, and where and how each was written.

Whatever a file holds, reading it gives a document or a SpecError with file and line.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mlsys.errors import SpecError, shortened

KeyPath = tuple[str, ...]

_LONGEST = 1 << 20  # bytes of a file
_DEEPEST = 32
_MOST = 50_000  # values, those of anchors counted as often as they are named
_SCALARS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")}
_TEXTS = {f"tag:yaml.org,2002:{name}" for name in ("value", "merge")}  # a bare `=` or `<<` is a text
_COLLECTIONS = {yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, yaml.resolver.BaseResolver.DEFAULT_SEQUENCE_TAG}
_SHORT = 1 << 16  # characters
_NESTING = ("[", "{", "- ", "? ")
_MOST_NESTED = 1000
_Fast: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a build without libyaml has none
_MARK = "\ufeff"  # byte order mark: what editors on Windows begin a file with
_TOO_BIG = "A whole number has at most 64 bits"
# What safe YAML raises for texts that look like a value and are none: 2026-02-30, !!bool maybe, \UFFFFFFFF.
_PARSERS = (ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Written:
    """Where and how a value was written.

    Attributes:
        origin: file and line, or `--set`, or `MLSYS_SET`.
        text: the value as it stands there, without quotes; None for a mapping or a list.
        plain: it has no quotes, so that YAML guessed what it is.
        value: what YAML made of it.
        token, key: first character and the one after the last, of the value and of its key; None outside the file.
    """

    origin: str
    text: str | None = None
    plain: bool = False
    value: Any = None
    token: tuple[int, int] | None = None
    key: tuple[int, int] | None = None


@dataclass
class Document:
    """A spec as it was written.

    Attributes:
        mapping: its values; overrides are applied to it.
        written: how each value was written, by its key path.
    """

    path: Path
    text: str
    mapping: dict[str, Any]
    written: dict[KeyPath, Written] = field(default_factory=dict)

    def place(self, keys: KeyPath | str = ()) -> str:
        """Return `phishing.yaml:41: models.0.tol`; a key that is missing stands where its parent does."""
        keys = tuple(keys.split(".")) if isinstance(keys, str) else keys
        above = (keys[:depth] for depth in range(len(keys), -1, -1))
        origin = next((self.written[part].origin for part in above if part in self.written), str(self.path))
        return f"{origin}: {shortened_path(keys)}" if keys else origin


def shortened_path(keys: KeyPath) -> str:
    """Return a key path with dots, its long keys cut."""
    return ".".join(key if len(key) <= 120 else key[:117] + "..." for key in keys)


def read(path: Path) -> Document:
    """Return the document that a spec file holds.

    Raises:
        SpecError: not readable, not YAML, or no mapping.
    """
    return parsed(path, characters(path))


def parsed(path: Path, text: str) -> Document:
    """Return the document of a text that stands, or could stand, in the file `path`.

    Raises:
        SpecError: as `read`.
    """
    reader = _Reader(text, origin=str(path), lines=True)
    value = reader.value()
    if not isinstance(value, dict):
        raise SpecError("A spec is a mapping of keys", where=f"{path}:1", got=value)
    return Document(path, text, value, reader.written)


def fragment(text: str, *, origin: str, at: KeyPath) -> tuple[Any, dict[KeyPath, Written]]:
    """Return the value of a text that stands for the one at a key path, and how it was written.

    Raises:
        SpecError: not YAML.
    """
    reader = _Reader(text, origin=origin, lines=False, at=at)
    return reader.value(), reader.written


def characters(path: Path) -> str:
    """Return the text of a spec file.

    Raises:
        SpecError: not readable, too long, or no UTF-8.
    """
    try:
        if path.exists() and not path.is_file():
            raise SpecError("A spec is a file, and this is none", where=str(path))
        data = path.read_bytes()
    except FileNotFoundError:
        raise SpecError(
            "There is no such spec", where=str(path), remedy="See `mlsys check` for the known ones"
        ) from None
    except OSError as error:
        raise SpecError(f"The spec can't be read: {error.strerror or error}", where=str(path)) from error
    if len(data) > _LONGEST:
        raise SpecError(f"A spec has at most {_LONGEST:,} bytes, and this file has {len(data):,}", where=str(path))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        rule = f"The spec can't be read: byte {error.start + 1} is no UTF-8"
        raise SpecError(rule, where=f"{path}:{line}", remedy="Save it as UTF-8") from error


class _Reader:
    """One reading of a YAML text: values, and how they were written."""

    def __init__(self, text: str, *, origin: str, lines: bool, at: KeyPath = ()) -> None:
        self.written: dict[KeyPath, Written] = {}
        self._text = text.removeprefix(_MARK)
        self._offset = len(text) - len(self._text)  # parsers differ in whether they count it
        self._origin = origin
        self._lines = lines
        self._at = at
        self._loader: yaml.SafeLoader | None = None

    def value(self) -> Any:
        """Return the one value of the text.

        Raises:
            SpecError: not YAML, or more than plain values, lists and mappings.
        """
        try:
            node = self._node()
        except yaml.YAMLError as error:
            raise self._not_yaml(error) from error
        except RecursionError as error:
            line = getattr(self._loader, "line", 0)
            raise SpecError("Not valid YAML: it is nested too deeply", where=self._place(line)) from error
        except _PARSERS as error:
            line = getattr(self._loader, "line", 0)
            raise SpecError(f"Not valid YAML: {shortened(str(error))}", where=self._place(line)) from error
        return None if node is None else self._built(node, self._at, None, ())

    def _node(self) -> yaml.Node | None:
        """Return the text's node by libyaml, in a sixth of the time; Airflow reads all specs every half minute.

        It ends the process on some ten thousand brackets in a row, and places some errors elsewhere: texts with many
        brackets, and those that it does not take, are left to the parser in Python.
        """
        if len(self._text) < _SHORT and sum(map(self._text.count, _NESTING)) < _MOST_NESTED:
            with suppress(yaml.YAMLError, *_PARSERS):
                self._loader = _Fast(self._text)
                return self._loader.get_single_node()
        self._loader = yaml.SafeLoader(self._text)
        return self._loader.get_single_node()

    def _span(self, node: yaml.Node) -> tuple[int, int]:
        return node.start_mark.index + self._offset, node.end_mark.index + self._offset

    def _not_yaml(self, error: yaml.YAMLError) -> SpecError:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line if mark else self._text.count("\n", 0, getattr(error, "position", 0) or 0)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        return SpecError(f"Not valid YAML: {problem}", where=self._place(line))

    def _place(self, line: int, keys: KeyPath = ()) -> str:
        origin = f"{self._origin}:{line + 1}" if self._lines else self._origin
        return f"{origin}: {shortened_path(keys)}" if keys else origin

    def _built(self, node: yaml.Node, keys: KeyPath, key: yaml.Node | None, above: tuple[yaml.Node, ...]) -> Any:
        line = (key or node).start_mark.line
        if len(self.written) >= _MOST:
            raise SpecError(f"A spec holds at most {_MOST:,} values", where=self._place(line, keys[:1]))
        if node in above or len(above) >= _DEEPEST:
            rule = "An anchor holds itself" if node in above else f"A spec is at most {_DEEPEST} levels deep"
            raise SpecError(rule, where=self._place(line, keys[:4]))
        origin, key_span = self._place(line), self._span(key) if self._lines and key else None
        if isinstance(node, yaml.ScalarNode):
            value, token = self._scalar(node, keys), self._span(node) if self._lines else None
            self.written[keys] = Written(origin, node.value, not node.style, value, token, key_span)
            return value
        if node.tag not in _COLLECTIONS:
            raise SpecError(f"Not valid YAML: a spec has no values of type {node.tag}", where=self._place(line, keys))
        self.written[keys] = Written(origin, key=key_span)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, keys, (*above, node))
        items = enumerate(node.value)
        return [self._built(item, (*keys, str(index)), None, (*above, node)) for index, item in items]

    def _mapping(self, node: yaml.MappingNode, keys: KeyPath, above: tuple[yaml.Node, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node.start_mark.line, keys)
            if not isinstance(key_node, yaml.ScalarNode):
                rule, remedy = "A key is a text, not a list or a mapping", "Quote a text that begins with { or ["
                raise SpecError(rule, where=place, remedy=remedy)
            if key_node.tag in _TEXTS and key_node.value == "<<":
                raise SpecError("A spec takes no `<<`", where=place, remedy="Write the keys out")
            name = self._scalar(key_node, keys)
            if not isinstance(name, str):
                rule = f"A key is a text, and YAML reads a bare {key_node.value} as {spoken(name)}"
                raise SpecError(rule, where=place, remedy="Quote it")
            if name in found:
                raise SpecError(f"Not valid YAML: key `{name[:100]}` stands twice", where=place)
            found[name] = self._built(value_node, (*keys, name), key_node, above)
        return found

    def _scalar(self, node: yaml.ScalarNode, keys: KeyPath) -> Any:
        place = self._place(node.start_mark.line, keys)
        if node.tag in _TEXTS:
            return node.value
        if node.tag not in _SCALARS:
            raise SpecError(f"Not valid YAML: a spec has no values of type {node.tag}", where=place)
        try:
            value = self._loader.construct_object(node)  # type: ignore[union-attr]
        except (yaml.YAMLError, *_PARSERS) as error:
            what = node.tag.rpartition(":")[2]
            if what == "int" and len(node.value) > 64:
                raise SpecError(_TOO_BIG, where=place, got=node.value) from error
            rule = f"Not valid YAML: {shortened(node.value)} looks like a value of type {what} and is none"
            raise SpecError(rule, where=place, remedy="Correct it, or quote it if it is a text") from error
        problem = _unstorable(value)
        if problem:
            raise SpecError(problem, where=place, got=node.value)
        return value


def _unstorable(value: Any) -> str | None:
    """Return why no later step could take a value; files, databases and JSON have these limits."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return _TOO_BIG
    if isinstance(value, float) and not math.isfinite(value):
        return "A number is finite"
    if isinstance(value, str) and ("\0" in value or any("\ud800" <= character <= "\udfff" for character in value)):
        return "A text has no NUL and no half of a surrogate pair"
    return None


def spoken(value: object) -> str:
    """Return what YAML made of a bare text, in words: `false`, `the number 668`, `the day 2026-03-09`."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "a text" if isinstance(value, str) else f"the time {value}"
