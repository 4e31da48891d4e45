"""What YAML made of a bare text where something else may have been meant: `NO`, `01234`, `12:30:00`, `1e-3`.

A field of one type takes what fits it. Where a value goes on as it stands (`AsWritten`: a query's parameters, the
positive class, listed values, limits), and where YAML counts in eights or sixties, the guess is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from mlsys.components import AsWritten
from mlsys.errors import SpecError
from mlsys.spec.text import Document, KeyPath, Written, spoken

_WHOLE = re.compile(r"-?(0|[1-9]\d*)")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)?\.\d+([eE][-+]?\d+)?")
_LOST_ZERO = re.compile(r"[^eE]*\.\d+0")  # 1.10 is no 1.1 where it is a version
LIKE_A_NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*|\.\d+)[eE][-+]?\d+|0o[0-7]+|[-+]?0[\d_]+")


def require_no_guess(model: BaseModel, document: Document) -> None:
    """Check that no value of a valid spec is a guess of YAML that may be wrong.

    Raises:
        SpecError: one is; it says how to write what was meant.
    """
    bare = {keys: written for keys, written in document.written.items() if written.plain}
    marked = dict(_marked(model, ()))
    validated: Any = None
    for keys, written in bare.items():
        mark = next((marked[keys[:depth]] for depth in range(len(keys), 0, -1) if keys[:depth] in marked), None)
        if mark is None and _miscounted(written):
            validated = validated or model.model_dump(by_alias=True)
            refused = _is_number(_at(validated, keys))
        else:
            refused = mark is not None and _doubtful(written, mark)
        if refused:
            remedy = _remedy(written, typed=mark is None)
            raise SpecError(f"YAML {guess_of(written)}", where=document.place(keys), remedy=remedy)


def hint(written: Written | None, *, wants_text: bool) -> str:
    """Return what to add to an error about a value that YAML may have guessed wrongly: what it made of it, and how
    to write it instead. Empty where the value is what stands there.
    """
    if written is None or not written.plain:
        return ""
    if isinstance(written.value, str):
        guessed = _number_in(written) is not None
    else:
        guessed = written.value is None or (wants_text and written.text == str(written.value)) or _altered(written)
    if not guessed:
        return ""
    said = f"; YAML {guess_of(written)}" if written.text != str(written.value) else ""
    return f"{said}. {_remedy(written)}"


def guess_of(written: Written) -> str:
    """Return in words what YAML made of a bare text."""
    return f"reads a bare {(written.text or '')[:60]} as {spoken(written.value)}"


def _altered(written: Written) -> bool:
    return (written.text or "").lower() != str(written.value).lower()


def _remedy(written: Written, *, typed: bool = False) -> str:
    number = _number_in(written)
    if typed:
        digits = (written.text or "").replace("_", "")
        return f"Write {int(digits)} or {written.value}" if digits.isdigit() else f"Write {written.value}"
    return f"Write {number} for the number, or quote it if it is a text" if number else "Quote it if it is a text"


def _number_in(written: Written) -> str | None:
    """Return the number that a text was probably meant as, as YAML wants it written, or None."""
    text = written.text or ""
    if not isinstance(written.value, str) or not LIKE_A_NUMBER.fullmatch(text):
        return None
    plain = text.replace("_", "")
    if plain.startswith("0o"):
        return str(int(plain[2:], 8))
    if "e" not in plain.lower():
        return str(int(plain))
    number = repr(float(plain))
    return number if "." in number else number.replace("e", ".0e")


def _miscounted(written: Written) -> bool:
    """Return whether YAML counted a number in eights (010) or in sixties (1:30)."""
    text = (written.text or "").replace("_", "")
    if not _is_number(written.value) or text[:2].lower() in ("0x", "0b"):
        return False
    return ":" in text or (text.lstrip("+-").isdigit() and int(text) != written.value)


def _doubtful(written: Written, mark: AsWritten) -> bool:
    text, value = written.text or "", written.value
    if isinstance(value, bool):
        return text.lower() not in ("true", "false")
    if isinstance(value, int):
        return not _WHOLE.fullmatch(text)
    if isinstance(value, float):
        return not _DECIMAL.fullmatch(text) or (not mark.typed and bool(_LOST_ZERO.fullmatch(text)))
    if isinstance(value, str):
        return _number_in(written) is not None
    return value is not None and not mark.typed  # a day or a time


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _marked(value: Any, keys: KeyPath) -> Iterator[tuple[KeyPath, AsWritten]]:
    """Yield the key paths of the fields that are marked `AsWritten`, however deep."""
    if isinstance(value, BaseModel):
        for name, alias, mark in _fields(type(value)):
            below = (*keys, alias)
            if mark is not None:
                yield below, mark
            else:
                yield from _marked(getattr(value, name), below)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _marked(item, (*keys, str(name)))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _marked(item, (*keys, str(index)))


@cache
def _fields(kind: type[BaseModel]) -> tuple[tuple[str, str, AsWritten | None], ...]:
    """Return name, name in the file and mark of each field: many specs are read, and there are few kinds of blocks."""
    return tuple(
        (name, field.alias or name, _mark_of((field.annotation, *field.metadata)))
        for name, field in kind.model_fields.items()
    )


def _mark_of(annotation: Any) -> AsWritten | None:
    if isinstance(annotation, AsWritten):
        return annotation
    if isinstance(annotation, tuple):
        parts: tuple[Any, ...] = annotation
    else:
        parts = (*get_args(annotation), *getattr(annotation, "__metadata__", ()))
    return next((mark for mark in map(_mark_of, parts) if mark is not None), None)


def _at(value: Any, keys: KeyPath) -> Any:
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list | tuple) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
