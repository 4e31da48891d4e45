"""Values as explanations keep them: short, for people."""

from __future__ import annotations

from typing import Any

from mlsys.schema import ColumnSpec

LONGEST = 40  # characters of a text


def short(value: float) -> float:
    """Return a number with six significant digits, which is more than anybody reads."""
    return float(f"{value:.6g}") + 0.0  # no minus zero


def value_of(value: Any, column: ColumnSpec) -> str | float | bool | None:
    """Return a raw value as the explanation keeps it: None where it is missing, a long text shortened."""
    if value is None or value != value:
        return None
    if column.type == "boolean":
        return bool(value)
    if column.type in ("integer", "number"):
        return short(float(value))
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
