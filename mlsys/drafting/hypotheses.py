"""What a column may be declared as: the declarations worth trying on its values, and how each of them fares."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlsys.drafting.instants import days_of
from mlsys.schema import ColumnSpec, LogicalType
from mlsys.sources.reading.counted_times import PLAIN_NUMBER, counting
from mlsys.sources.reading.number_marks import LOOKS, unit_of, without_unit
from mlsys.sources.reading.values import logical_values

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# Spellings of a missing value that people use; which of them mean one in a column is decided by its type.
SURELY_MISSING = ("", "NaN", "nan", "null", "NULL", "Null", "<NA>", "#N/A", "#NA", "(null)", "?", "-", "--", ".", "NaT")
PERHAPS_MISSING = ("NA", "N/A", "n/a", "na", "None", "none", "NONE", "missing", "Missing", "MISSING")
NULLISH = (*SURELY_MISSING, *PERHAPS_MISSING)
_TRIED_FIRST = 2_000  # values of the first batch on which a declaration must mostly fit to be tried further
_FITS = 0.8
_KEPT = 8  # misfits that are remembered
_PAIRS = (
    ("true", "false"),
    ("yes", "no"),
    ("y", "n"),
    ("t", "f"),
    ("on", "off"),
    ("oui", "non"),
    ("ja", "nein"),
    ("ja", "nej"),
    ("ja", "nee"),
    ("si", "no"),
    ("sí", "no"),
    ("sì", "no"),
    ("sim", "não"),
    ("tak", "nie"),
    ("да", "нет"),
    ("vrai", "faux"),
    ("wahr", "falsch"),
    ("verdadero", "falso"),
    ("是", "否"),
)
_BY_DEFAULT = (ColumnSpec(type="boolean").true_values, ColumnSpec(type="boolean").false_values)
_CLOCKS = (
    (r"", ""),
    (r"[ A]9?9:99", " %H:%M"),
    (r"[ A]9?9:99:99", " %H:%M:%S"),
    (r"[ A]9?9:99:99\.9+", " %H:%M:%S.%f"),
    (r"[ A]9?9:99 AA", " %I:%M %p"),
    (r"[ A]9?9:99:99 AA", " %I:%M:%S %p"),
)
# A date's shape (9 is a digit, A a letter) and the formats that it may have; two of one shape are told apart by values.
_DATES = (
    (r"9?9/9?9/9999", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"9?9-9?9-9999", ("%d-%m-%Y", "%m-%d-%Y")),
    (r"9?9\.9?9\.9999", ("%d.%m.%Y",)),
    (r"9?9/9?9/99", ("%d/%m/%y", "%m/%d/%y")),
    (r"9?9\.9?9\.99", ("%d.%m.%y",)),
    (r"9999/9?9/9?9", ("%Y/%m/%d",)),
    (r"9999\.9?9\.9?9", ("%Y.%m.%d",)),
    (r"9?9[- ]AAA[- ]9999", ("%d-%b-%Y", "%d %b %Y")),
    (r"9?9[- ]AAA[- ]99", ("%d-%b-%y", "%d %b %y")),
    (r"AAA 9?9,? 9999", ("%b %d, %Y", "%b %d %Y")),
    (r"99999999", ("%Y%m%d",)),
    (r"9999-9?9-9?9", ("%Y-%m-%d",)),
)


@dataclass
class Hypothesis:
    """A declaration, and the values that don't fit it.

    Attributes:
        n_bad: rows whose value does not fit; `misfits` are some of those values, with their rows.
        low, high: smallest and largest value, numbers or microseconds since 1970 (UTC).
        days: rows by UTC day since 1970, of a timestamp.
        whole: all numbers are whole; `marked`: one of them has a decimal or thousands mark.
        decisive: a value showed that these marks and no others are meant.
    """

    column: ColumnSpec
    n_bad: int = 0
    misfits: Counter[str] = field(default_factory=Counter)
    low: float | None = None
    high: float | None = None
    days: Counter[int] = field(default_factory=Counter)
    whole: bool = True
    decisive: bool = False

    @property
    def type(self) -> LogicalType:
        """The logical type."""
        return self.column.type

    def try_on(self, values: pa.Array, texts: pa.Array, counts: np.ndarray) -> None:
        """Take in different values, their spellings and the number of rows of each."""
        import pyarrow.compute as pc

        typed, bad = logical_values(values, self.column, "")
        if bad is not None:
            mask = bad.to_numpy(zero_copy_only=False)
            self.n_bad += int(counts[mask].sum())
            for text, n in zip(texts.filter(bad).to_pylist(), counts[mask].tolist(), strict=True):
                if text in self.misfits or len(self.misfits) < _KEPT:
                    self.misfits[text] += n
        if self.type == "timestamp":
            self.days += days_of(typed, counts)
        if self.type in ("integer", "number", "timestamp"):
            self._widen(typed)
        if self.type == "number" and self.whole:
            self.whole = pc.all(pc.equal(pc.floor(typed), typed)).as_py() is not False
        bare = texts if self.column.unit is None else without_unit(texts, self.column.unit)
        self.decisive = self.decisive or _decides(bare, self.column)

    def _widen(self, typed: pa.Array) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        ends = pc.min_max(typed.cast(pa.int64()) if self.type == "timestamp" else typed)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        if low is not None:
            self.low = low if self.low is None else min(self.low, low)
            self.high = high if self.high is None else max(self.high, high)


def hypotheses(values: pa.Array) -> list[Hypothesis]:
    """Return what a column with these different values, none of them missing, may be declared as, the best first."""
    import numpy as np
    import pyarrow as pa

    first = values.slice(0, _TRIED_FIRST)
    ones = np.ones(len(first), np.int64)
    kept = []
    is_text = pa.types.is_string(values.type)
    for column in _of_texts(values) if is_text else _of_typed(values):
        hypothesis = Hypothesis(column)
        hypothesis.try_on(first, first if is_text else first.cast(pa.string()), ones)
        if hypothesis.n_bad <= (1 - _FITS) * len(first):
            kept.append(Hypothesis(column))
    return kept


def _of_typed(values: pa.Array) -> Iterator[ColumnSpec]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_boolean(kind):
        yield ColumnSpec(type="boolean")
    elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        yield ColumnSpec(type="timestamp", timezone=None if getattr(kind, "tz", None) else "UTC")
    else:
        if not pa.types.is_decimal(kind):
            for column in _counted(pc.min(values).as_py(), pc.max(values).as_py()):
                # Seconds are what a source takes numbers for, and what it can ask a database for.
                yield ColumnSpec(type="timestamp") if column.format == "unix_seconds" else column
        yield ColumnSpec(type="integer")
        yield ColumnSpec(type="number")


def _of_texts(values: pa.Array) -> Iterator[ColumnSpec]:
    texts = values.slice(0, _TRIED_FIRST).to_pylist()
    pair = _pair(texts)
    if pair is not None:
        yield pair
    if not any(character.isdigit() for text in texts[:200] for character in text):
        return
    if all(PLAIN_NUMBER.fullmatch(text) for text in texts[:200]):
        numbers = [float(text) for text in texts if PLAIN_NUMBER.fullmatch(text)]
        yield from _counted(min(numbers), max(numbers))
    shapes = {re.sub(r"[^\W\d_]", "A", re.sub(r"[0-9]", "9", text)) for text in texts[:200]}
    yield from _times(shapes)
    unit = _unit(texts)
    if unit is None:
        yield from _numbers(values)
    else:
        for column in _numbers(without_unit(values, unit)):
            yield column.model_copy(update={"unit": unit})


def _counted(low: float, high: float) -> Iterator[ColumnSpec]:
    """Yield times that numbers from `low` to `high` may count, if the name says so too."""
    for format_ in counting(low, high):
        yield ColumnSpec(type="timestamp", format=format_, timezone="UTC" if format_ == "excel_days" else None)


def _unit(texts: list[str]) -> str | None:
    """Return the sign that most texts have before or after their number, such as `%` or `$`."""
    found = Counter(filter(None, (unit_of(text, words=False) for text in texts)))
    unit, n = found.most_common(1)[0] if found else (None, 0)
    return unit if n >= _FITS * len(texts) else None


def _numbers(values: pa.Array) -> Iterator[ColumnSpec]:
    yield ColumnSpec(type="integer")
    yield ColumnSpec(type="number")
    yield from _marked(values)


def _marked(values: pa.Array) -> Iterator[ColumnSpec]:
    """Yield numbers with the marks that occur in texts."""
    import pyarrow.compute as pc

    def occurs(pattern: str) -> bool:
        return pc.any(pc.match_substring_regex(values, pattern)).as_py() is True

    if occurs("[0-9],|,[0-9]"):
        yield ColumnSpec(type="integer", thousands=",")
        yield ColumnSpec(type="number", thousands=",")
        yield ColumnSpec(type="number", decimal=",")
    if occurs(r"[0-9]\.[0-9]{3}"):
        yield ColumnSpec(type="integer", decimal=",", thousands=".")
        yield ColumnSpec(type="number", decimal=",", thousands=".")
    for mark in (" ", "'"):
        if occurs(f"[0-9]{LOOKS[mark]}[0-9]{{3}}"):
            yield ColumnSpec(type="integer", thousands=mark)  # type: ignore[arg-type]
            yield ColumnSpec(type="number", thousands=mark)  # type: ignore[arg-type]
            yield ColumnSpec(type="number", decimal=",", thousands=mark)  # type: ignore[arg-type]


def _pair(texts: list[str]) -> ColumnSpec | None:
    """Return a boolean where the values are the two words of a known pair, in whatever capitals."""
    lowered = {text.lower() for text in texts}
    for true, false in _PAIRS:
        if lowered == {true, false}:
            spelt_true = tuple(sorted(text for text in texts if text.lower() == true))
            spelt_false = tuple(sorted(text for text in texts if text.lower() == false))
            if set(spelt_true) <= set(_BY_DEFAULT[0]) and set(spelt_false) <= set(_BY_DEFAULT[1]):
                return ColumnSpec(type="boolean")
            return ColumnSpec(type="boolean", true_values=spelt_true, false_values=spelt_false)
    return None


def _times(shapes: set[str]) -> Iterator[ColumnSpec]:
    if any(re.match(r"9999-99-99([A ]99:99.*)?$", shape) for shape in shapes):
        yield ColumnSpec(type="timestamp", timezone="UTC")
    for clock, clock_format in _CLOCKS:
        for date_shape, formats in _DATES:
            alike = [shape for shape in shapes if re.fullmatch(date_shape + clock, shape)]
            for date_format in formats if alike else ():
                middle = "T" if re.search("9A9", alike[0]) else " "
                yield ColumnSpec(
                    type="timestamp", format=date_format + clock_format.replace(" ", middle, 1), timezone="UTC"
                )


def _decides(texts: pa.Array, column: ColumnSpec) -> bool:
    """Return whether a value can be read with these marks alone: `12,5` and `0,125` are no thousands."""
    import pyarrow.compute as pc

    pattern = {
        (",", None): r",([0-9]{0,2}|[0-9]{4,})$|^[-+]?0?,",
        (None, ","): r",[0-9]{3},|,[0-9]{3}\.",
        (",", "."): r"\.[0-9]{3}[.,]",
    }.get((column.decimal, column.thousands))
    return pattern is not None and pc.any(pc.match_substring_regex(texts, pattern)).as_py() is True
