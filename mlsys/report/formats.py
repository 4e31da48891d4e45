"""How the report card writes numbers, times and keys: filters of its templates.

A missing value is always `–`, never an empty cell; minus signs are real ones, so that columns of figures align.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from mlsys.durations import in_words
from mlsys.wording import measured

MISSING = "–"
_PERCENT = "\u00a0%"  # never alone on the next line


def metric(value: float | None) -> str:
    """Return a metric with three decimals, one of a large number with fewer."""
    return MISSING if value is None else _minus(measured(value))


def signed(value: float | None) -> str:
    """Return a difference with its sign and four decimals, one of large numbers with fewer."""
    return MISSING if value is None else _minus(f"{'+' * (value >= 0)}{measured(value, 4)}")


def figure(value: float | None) -> str:
    """Return a quantity of unknown unit: whole numbers in groups of three, others with four significant digits."""
    if value is None:
        return MISSING
    if float(value).is_integer() and abs(value) < 1e15:
        return _minus(f"{int(value):,}")
    return _minus(f"{value:,.{2 if abs(value) < 100_000 else 0}f}" if abs(value) >= 1000 else f"{value:.4g}")


def pushed(value: float) -> str:
    """Return what is added to an answer, with its sign and four significant digits."""
    return f"{'+' * (value >= 0)}{figure(value)}"


def share(value: float | None) -> str:
    """Return a share of one as a percentage; a small one keeps two significant digits."""
    if value is None:
        return MISSING
    percent = value * 100
    return f"{percent:.2g}{_PERCENT}" if 0 < percent < 1 else f"{percent:.1f}{_PERCENT}"


def quantity(value: float | None, unit: str = "", *, difference: bool = False) -> str:
    """Return a gate's figure with its unit: a share as a percentage (a difference of two in points), hours in words."""
    if value is None or not unit:
        return figure(value)
    if unit == "difference":  # of a metric; the difference of two has no sign of its own
        return figure(round(value, 4)) if difference else signed(value)
    if unit == "share":
        return f"{figure(round(value * 100, 2))}\u00a0points" if difference else share(value)
    return _minus("-" * (value < 0)) + in_words(timedelta(hours=value))


def seconds(value: float) -> str:
    """Return a duration in the unit that a person would use."""
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(n_bytes: int | None) -> str:
    """Return a file size in decimal units."""
    if n_bytes is None:
        return MISSING
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= scale:
            return f"{n_bytes / scale:.1f} {unit}"
    return f"{n_bytes} bytes"


def instant(value: datetime | None) -> str:
    """Return an instant in UTC, to the second only where it has seconds."""
    if value is None:
        return MISSING
    at = value.astimezone(UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S UTC" if at.second else "%Y-%m-%d %H:%M UTC")


def day(value: date) -> str:
    """Return a day with its weekday, in English whatever the locale."""
    return f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[value.weekday()]} {value.isoformat()}"


def leaf(value: Any) -> str:
    """Return a value of a spec as YAML would show it, with a password inside a URL masked."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict) and not value:
        return "[]" if isinstance(value, list) else "{}"
    return _masked(str(value))


def relative(path: str) -> str:
    """Return a link from a report (two folders below MLSYS_HOME) to a path below MLSYS_HOME."""
    return "../../" + quote(path)


def interval(lower: float, upper: float) -> str:
    """Return two bounds of a metric; a dash between them would run into a minus sign."""
    return f"{metric(lower)}{'–' if min(lower, upper) >= 0 else ' to '}{metric(upper)}"


def prose(text: str) -> Markup:
    """Return a sentence with what stands in backticks set as code; all is escaped, a password in a URL masked."""
    parts = _masked(text).replace(" %", _PERCENT).split("`")
    if len(parts) % 2 == 0:
        return escape(_with_minus("`".join(parts)))
    quoted = (
        Markup("<code>{}</code>").format(part) if i % 2 else escape(_with_minus(part)) for i, part in enumerate(parts)
    )
    return Markup().join(quoted)


def _with_minus(text: str) -> str:
    # Not inside dates, ranges, names or options: there it is a hyphen.
    return re.sub(r"(?<![\w.\-])-(?=\.?\d)", "−", text)


def _masked(text: str) -> str:
    return re.sub(r"(://[^:/@\s]*):[^@/\s]+@", r"\1:***@", text)


def _minus(text: str) -> str:
    return text.replace("-", "−")


FILTERS = {
    function.__name__: function
    for function in (
        metric,
        interval,
        signed,
        figure,
        pushed,
        share,
        quantity,
        seconds,
        size,
        instant,
        day,
        leaf,
        relative,
        prose,
    )
}
