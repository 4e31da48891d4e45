"""YAML with comments: values as PyYAML reads them back, one line each, comments in a column of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from mlsys.spec.guesses import LIKE_A_NUMBER

_COMMENT_AT = 30  # column of a comment, where the value is shorter
_LONGEST = 120  # of a line with its comment; a longer comment goes above
_WIDTH = 10**9


@dataclass(frozen=True)
class Flow:
    """A value that is written in one line: `{kind: between, column: age, min: 0}`."""

    value: Any

    def __str__(self) -> str:
        return in_flow(self.value)


@dataclass(frozen=True)
class Text:
    """A text that is written in quotation marks although YAML needs none."""

    value: str


def writable(text: str) -> bool:
    """Return whether a spec can hold a text."""
    return "\0" not in text


def in_flow(value: Any) -> str:
    """Return a value in YAML's flow style, as `safe_load` reads it back.

    >>> in_flow({"values": ["yes", "a: b", 1], "c on": None})
    "{values: ['yes', 'a: b', 1], c on: null}"
    """
    if isinstance(value, Flow):
        return in_flow(value.value)
    if isinstance(value, Text):
        return _scalar(value.value, quoted=True)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {in_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(in_flow(item) for item in value) + "]"
    return _scalar(value)


def key(name: str) -> str:
    """Return a key, quoted where YAML would take it for something else (`on`, `no`, `1.5`)."""
    return _scalar(name)


def _scalar(value: Any, *, quoted: bool = False) -> str:
    is_text = isinstance(value, str)
    # A bare 1e3 is a text to YAML, and a doubtful one to a spec.
    quoted = quoted or (is_text and len(value) == 1 and not value.isalnum())
    style = '"' if quoted or (is_text and (not value.isprintable() or LIKE_A_NUMBER.fullmatch(value))) else None
    # In a flow collection: what needs quotes there needs them.
    text = yaml.safe_dump(
        [value], default_flow_style=True, allow_unicode=True, width=_WIDTH, default_style=style
    ).strip()
    return text[1:-1]


def line(text: str, comment: str = "", indent: int = 0) -> list[str]:
    """Return a line with its comment, which stands above it where both are too long for one line."""
    body = " " * indent + text
    comment = " ".join(comment.split())
    if not comment:
        return [body]
    beside = f"{body.ljust(_COMMENT_AT - 2)}  # {comment}"
    if len(beside) <= _LONGEST:
        return [beside]
    return [*(" " * indent + f"# {part}" for part in _wrapped(comment, _LONGEST - 2 - indent)), body]


def block(name: str, items: Iterable[tuple[str, str]], comment: str = "") -> list[str]:
    """Return a key with lines below it, each with its comment; nothing where there are none."""
    lines = [part for text, note in items for part in line(text, note, indent=2)]
    return [*line(f"{name}:", comment), *lines] if lines else []


def nice(value: float, *, up: bool) -> int | float:
    """Return a number with two significant digits beyond `value`; a whole one where that loses nothing.

    Infinity, as of a sum beyond float64, comes back as it is.
    """
    if value == 0 or math.isinf(value):
        return value
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    rounded = (math.ceil if up else math.floor)(round(value / step, 9)) * step
    if abs(rounded) >= 10 or float(rounded).is_integer():
        return round(rounded)
    return float(f"{rounded:.2g}")


def _wrapped(text: str, width: int) -> list[str]:
    lines, rest = [], text.split(" ")
    while rest:
        part = [rest.pop(0)]
        while rest and len(" ".join(part)) + len(rest[0]) < width:
            part.append(rest.pop(0))
        lines.append(" ".join(part))
    return lines
