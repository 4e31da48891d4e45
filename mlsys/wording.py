"""Numbers and counts in sentences for people."""

from __future__ import annotations


def number(value: float, other: float | None = None) -> str:
    """Return a number for people: four decimals, or more where `other`, a different number, would look the same.

    A large number has fewer, as in `measured`, and from 1,000 on groups of three digits.

    >>> number(0.80004), number(0.80004, 0.8), number(874156774.679)
    ('0.8', '0.80004', '874,156,775')
    """
    for decimals in range(_decimals(value, 4), 17):
        text = _trimmed(value, decimals)
        if other is None or value == other or text != _trimmed(other, decimals):
            return text
    return repr(value)


def measured(value: float, decimals: int = 3) -> str:
    """Return a metric in a table: so many decimals below 100, one below 1,000, none from there on.

    >>> measured(0.80012), measured(431.27), measured(874156774.679)
    ('0.800', '431.3', '874,156,775')
    """
    return f"{value:,.{_decimals(value, decimals)}f}"


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `many` where there is not exactly one, by default `one` with an s.

    >>> counted(1, "partition"), counted(1200, "new row"), counted(2, "day of data", "days of data")
    ('1 partition', '1,200 new rows', '2 days of data')
    """
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def too_few(n: int, one: str) -> str:
    """Return that there are too few of something, with their count.

    >>> too_few(1, "day"), too_few(3, "day")
    ('1 day is too few', '3 days are too few')
    """
    return f"{counted(n, one)} {'is' if n == 1 else 'are'} too few"


def signed(value: float, other: float | None = None) -> str:
    """Return a difference for people, as `number` does, with its sign.

    >>> signed(0.0017), signed(-0.0004), signed(0.0)
    ('+0.0017', '-0.0004', '0')
    """
    text = number(value, other)
    return text if text.startswith("-") or text == "0" else f"+{text}"


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says; its name where it says nothing, as some libraries' errors do."""
    return next((line for line in str(error).strip().splitlines() if line), type(error).__name__)


def _decimals(value: float, most: int) -> int:
    """Return how many decimals of a number are worth reading."""
    return most if abs(value) < 100 else 1 if abs(value) < 1000 else 0


def _trimmed(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
