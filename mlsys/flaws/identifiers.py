"""Columns of text that name a row rather than describe it: most values occur once, so that a model learns nothing."""

from __future__ import annotations

_SHARE, _LEAST_ROWS = 0.5, 100


def as_identifier(name: str, *, n_distinct: int, n_known: int) -> str | None:
    """Return in words that a column looks like an identifier, or None; `n_known` counts rows that have a value."""
    if n_known < _LEAST_ROWS or n_distinct <= _SHARE * n_known:
        return None
    return (
        f"Column '{name}' has {n_distinct:,} different values in {n_known:,} rows, as an identifier has: "
        "a model learns little from it; list it under `drop`"
    )
