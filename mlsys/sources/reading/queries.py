"""A query as a part of another one: what ends it goes, comments end with their line, and only known names are bound.

Databases differ in what a backslash, `#` and `--` mean, and colons stand in literals: the text is read as its
database reads it, as far as literals and comments go.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Literal

Kind = Literal["literal", "comment", "end", "code"]

_ANY = r"""
    (?P<comment>   {comment} | /\*.*?(?:\*/|\Z) )
  | (?P<literal>   {literal} | "(?:[^"]|"")*(?:"|\Z) | `[^`]*(?:`|\Z) | (?<!\w)\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z) )
  | (?P<end>       ; )
  | (?P<code>      \w+ | . )
"""
_QUOTES = r"'(?:[^']|'')*(?:'|\Z)"
_BACKSLASHES = r"'(?:[^'\\]|''|\\.)*(?:'|\Z)"
_DASHES = r"--[^\n]*"
_FLAGS = re.VERBOSE | re.DOTALL
_STANDARD = re.compile(_ANY.format(comment=_DASHES, literal=rf"(?<!\w)[eE]{_BACKSLASHES} | {_QUOTES}"), _FLAGS)
_MYSQL = re.compile(
    _ANY.format(comment=r"--(?=\s|\Z)[^\n]* | \#[^\n]*", literal=rf'{_BACKSLASHES} | "(?:[^"\\]|""|\\.)*(?:"|\Z)'),
    _FLAGS,
)
_NAME = re.compile(r"(?<![:\w$\\]):(?P<name>[\w$]+)(?![:\w$])")  # what SQLAlchemy takes for a parameter


def subquery(query: str, dialect: str) -> str:
    """Return a query in brackets, without the semicolon, blanks and comments at its end."""
    parts = list(_parts(query, dialect))
    while parts and (parts[-1][0] in ("comment", "end") or not parts[-1][1].strip()):
        parts.pop()
    # The bracket stands on a line of its own: a comment in the last line must not take it along.
    return f"({''.join(text for _, text in parts).strip()}\n)"


def bound(query: str, names: Container[str], dialect: str) -> str:
    r"""Return a query for SQLAlchemy's `text`, in which `:name` is bound if it is one of `names` and no literal's part.

    Other colons get a backslash, which `text` removes; one that has it already keeps it.
    """

    def kept(kind: Kind, text: str) -> str:
        known = kind == "code"
        return _NAME.sub(lambda match: match[0] if known and match["name"] in names else "\\" + match[0], text)

    return "".join(kept(kind, text) for kind, text in _joined(query, dialect))


def unbound(query: str, names: Container[str], dialect: str) -> list[str]:
    """Return what looks like a parameter and is none of `names`: a slip, or a part of the database's own syntax."""
    code = (text for kind, text in _joined(query, dialect) if kind == "code")
    return [match["name"] for text in code for match in _NAME.finditer(text) if match["name"] not in names]


def _joined(query: str, dialect: str) -> Iterator[tuple[Kind, str]]:
    """Yield the parts with code that stands together as one part: a parameter is a colon and a name."""
    code = ""
    for kind, text in _parts(query, dialect):
        if kind in ("code", "end"):
            code += text
            continue
        yield "code", code
        yield kind, text
        code = ""
    yield "code", code


def _parts(query: str, dialect: str) -> Iterator[tuple[Kind, str]]:
    tokens = _MYSQL if dialect in ("mysql", "mariadb") else _STANDARD
    for match in tokens.finditer(query):
        kind = "literal" if match.lastgroup == "tag" else match.lastgroup
        yield kind, match[0]  # type: ignore[misc]
