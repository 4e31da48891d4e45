"""From profiles to declarations: what each column is, and what a comment should say about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from mlsys.drafting.hypotheses import PERHAPS_MISSING, Hypothesis
from mlsys.drafting.profiles import Profile, share_in_words
from mlsys.drafting.questions import Answerer, OpenQuestion
from mlsys.errors import UsageError
from mlsys.schema import ColumnSpec, LogicalType
from mlsys.sources.reading.number_marks import what_to_do
from mlsys.wording import counted

DateOrder = Literal["day", "month"]
_TOLERATED = 0.05  # share of values that may not fit a declaration that most of them fit
_POSTAL = re.compile(
    r"(^|[_\W])(zip|zipcode|zip_code|plz|postcode|postal|postal_code|cap|cp|postleitzahl)([_\W]|$)", re.I
)
_DAY = re.compile(r"date|day|datum|time|jour|fecha|epoch|(^|_)(dt|ts|at|on)($|_)", re.IGNORECASE)
# Five digits are much else, and `n_updates` is no date.
_EXCEL_DAY = re.compile(r"(?i:(^|[^a-z])(date|datum|fecha))|[a-z](Date|Datum|Fecha)")
_FEW = 10  # different whole numbers that may be codes
_MOST = 0.9  # share of the examples that make a column look like another type
_A_TIME_OF = 40  # characters; longer texts tell of one
_A_NUMBER = ColumnSpec(type="number")
_NUMBER_WITH_MORE = re.compile(
    r"[(<>~≤≥≈*+\-\u2212]*\s*[$€£¥]?\s*[+\-\u2212]?\d+([.,]\d+)?([eEdD][+-]?\d+)?\s*[)*%+\-\u2212$€£¥]*"
)
_LIKE_A_TIME = re.compile(r"(19|20)\d\d[-/.]\d\d?[-/.]\d\d?\s|\b\d\d?[-/. ][^\W\d_]{3,9}[-/. ,]+(19|20)?\d\d\b")
_WORDY, _LONG = 3.0, 80  # blanks in an average value, and characters of the longest, of a free text


@dataclass
class Column:
    """A column as the draft declares it.

    Attributes:
        spec: its declaration.
        notes: for the comment beside it; doubts: those of them that a person should look at.
        n_bad: rows whose value does not fit.
        low, high: smallest and largest value; microseconds since 1970 of a timestamp.
        free_text: sentences rather than names; `json`: values in braces or brackets.
    """

    profile: Profile
    spec: ColumnSpec
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    hypothesis: Hypothesis | None = None
    n_bad: int = 0
    free_text: bool = False
    json: bool = False

    @property
    def name(self) -> str:
        """The column's name."""
        return self.profile.name

    @property
    def type(self) -> LogicalType:
        """The logical type."""
        return self.spec.type

    @property
    def low(self) -> float | None:
        """Smallest value."""
        return None if self.hypothesis is None else self.hypothesis.low

    @property
    def high(self) -> float | None:
        """Largest value."""
        return None if self.hypothesis is None else self.hypothesis.high

    @property
    def n_distinct(self) -> int:
        """How many different values there are."""
        return self.profile.n_distinct

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.type in ("integer", "number")

    @property
    def local(self) -> bool:
        """Whether some of its times carry no offset."""
        if self.type != "timestamp" or self.hypothesis is None or self.hypothesis.column.timezone is None:
            return False
        return self.profile.n_instants < self.profile.n_known - self.hypothesis.n_bad


@dataclass
class Marks:
    """What one column shows about the others of a file, or a person says: the order of dates, the decimal mark, the
    column of the row's time.
    """

    ask: Answerer
    date_order: DateOrder | None = None
    decimal: str | None = None
    time: str | None = None

    def learn(self, profiles: Iterable[Profile]) -> None:
        """Take over what columns leave no doubt about."""
        for profile in profiles:
            fitting = [each for each in profile.hypotheses or [] if not each.n_bad]
            plain = any(each.column.decimal is None and each.column.thousands is None for each in fitting)
            if self.decimal is None and not plain and any(each.decisive and each.column.decimal for each in fitting):
                self.decimal = ","
            orders = {_order(each) for each in fitting} - {None}
            if self.date_order is None and len(orders) == 1 and not _is_dotted(fitting):
                self.date_order = orders.pop()


def declared(profile: Profile, marks: Marks) -> Column:
    """Return a column as it should be declared.

    Raises:
        UsageError: day and month, or the decimal mark, can't be told, and nobody answers.
    """
    if not profile.n_known:
        return Column(profile, ColumnSpec(type="category"))
    chosen = None if _is_code(profile) else _chosen(profile, marks)
    if chosen is None:
        return _of_words(profile)
    kind = chosen.column
    column = Column(profile, kind, hypothesis=chosen, n_bad=chosen.n_bad)
    extra = tuple(text for text in profile.nullish if text and text not in kind.nulls)
    if chosen.n_bad and _are_words_for_missing(chosen):
        extra += tuple(chosen.misfits)
        column.n_bad = 0
    updates: dict[str, Any] = {}
    if extra:
        # What stands there, and the empty text: the usual spellings that nobody used need no mention.
        used = tuple(text for text in profile.nullish if text and text in kind.nulls)
        updates["null_values"] = ("", *used, *extra)
    if kind.type == "timestamp" and (not column.local or kind.instant):
        updates["timezone"] = None
    column.spec = kind.model_copy(update=updates)
    _note(column)
    return column


def _note(column: Column) -> None:
    profile, chosen = column.profile, column.hypothesis
    if profile.n_missing:
        column.notes.append(share_in_words(profile.n_missing, profile.n_rows, "missing"))
    if column.n_bad and chosen is not None:
        examples = ", ".join(repr(text) for text in list(chosen.misfits)[:3])
        column.doubts.append(f"{counted(column.n_bad, 'value')} can't be read: {examples}")
    values = profile.values
    if column.type == "integer" and values is not None and 2 < len(values) <= _FEW:
        column.notes.append(f"{len(values)} different values: `category` if their order means nothing")
    sentinel = _sentinel(column)
    if sentinel is not None:
        column.doubts.append(f'{sentinel} looks like a code for missing: then `null_values: ["", "{sentinel}"]`')


def _sentinel(column: Column) -> str | None:
    """Return a number at the end of a column's range that is repeated, far from all others and written with nines."""
    values = column.profile.values
    if not column.numeric or column.low is None or column.high is None:
        return None
    known = values if values is not None else {}
    for text in ("-1", "-9", "-99", "-999", "-9999", "99", "999", "9999", "99999", "999999", "-999.0", "9999.0"):
        n, number = known.get(text, 0), float(text)
        if number not in (column.low, column.high) or n < max(2, 0.01 * column.profile.n_known):
            continue
        others = sorted(_floats(other for other in known if other != text))
        if len(others) < 3:
            continue
        spread = others[-1] - others[0]
        gap = others[0] - number if number == column.low else number - others[-1]
        if (number == -1 and others[0] >= 0 and len(others) > _FEW) or gap > 2 * spread > 0:
            return text
    return None


def _floats(texts: Iterable[str]) -> Iterable[float]:
    for text in texts:
        try:
            yield float(text)
        except ValueError:
            continue


def _of_words(profile: Profile) -> Column:
    """Return a column of text: names and codes are categories, sentences are not."""
    blanks = profile.n_blanks / profile.n_known
    json = profile.n_json > 0.9 * profile.n_known
    many = profile.n_distinct > max(50, 0.2 * profile.n_known)
    free = not json and many and (blanks >= _WORDY or profile.longest > _LONG)
    spec, notes, doubts = ColumnSpec(type="text" if json or free else "category"), list[str](), list[str]()
    missing = tuple(text for text in profile.nullish if text and text not in PERHAPS_MISSING)
    perhaps = [text for text in profile.nullish if text in PERHAPS_MISSING]
    if missing:
        spec = spec.model_copy(update={"null_values": ("", *missing)})
    n_perhaps = sum(profile.nullish[text] for text in perhaps)
    if profile.n_missing > n_perhaps:
        notes.append(share_in_words(profile.n_missing - n_perhaps, profile.n_rows, "missing"))
    if perhaps:
        shown = " and ".join(f"`{text}`" for text in perhaps)
        listed = ", ".join(f'"{text}"' for text in ("", *missing, *perhaps))
        doubts.append(
            f"{shown} {'is a value' if len(perhaps) == 1 else 'are values'} here; if missing is meant: "
            f"`null_values: [{listed}]`"
        )
    looks = _looks_like(profile)
    if looks:
        doubts.append(looks)
    if _are_too_long(profile):
        notes.append("whole numbers longer than an `integer`: kept as they are written")
    elif _is_code(profile) and profile.n_leading_zero:
        notes.append("zeros stand in front: a code, no number")
    elif _is_code(profile):
        notes.append("a code by its name, although its values are digits")
    return Column(profile, spec, notes, doubts, free_text=free, json=json)


def _looks_like(profile: Profile) -> str:
    """Return in words that texts look like numbers or times that can't be read, or nothing."""
    texts = profile.examples
    numbers = [text for text in texts if _NUMBER_WITH_MORE.fullmatch(text)]
    marked = next((text for text in numbers if not re.fullmatch(r"[0-9]+", text)), None)
    if marked is not None and len(numbers) >= _MOST * len(texts):
        odd = next((text for text in numbers if what_to_do(text, _A_NUMBER)), marked)
        hint = what_to_do(odd, _A_NUMBER) or "write plain numbers where the data are made"
        return f"values look like numbers, and not all can be read as such: {odd!r}: {hint}"
    if sum(len(text) < _A_TIME_OF and bool(_LIKE_A_TIME.search(text)) for text in texts) >= _MOST * len(texts):
        return f"values look like times that can't be read: {texts[0]!r}: write ISO 8601, or declare `format`"
    return ""


def _is_code(profile: Profile) -> bool:
    """Return whether digits name something: they keep their zeros, are too many, or the column is a postal code."""
    if _are_too_long(profile):
        return True
    numeric = any(each.type == "integer" and not each.n_bad for each in profile.hypotheses or [])
    return numeric and (profile.n_leading_zero > 0 or bool(_POSTAL.search(profile.name)))


def _are_too_long(profile: Profile) -> bool:
    """Return whether digits are more than an `integer` holds: as numbers they would lose their last ones."""
    digits = all(re.fullmatch(r"[0-9]{19,}", text) for text in profile.examples)
    exact = profile.is_text or profile.longest > 19  # a float is spelt with no more digits
    return digits and exact and not any(each.type == "integer" and not each.n_bad for each in profile.hypotheses or [])


def _chosen(profile: Profile, marks: Marks) -> Hypothesis | None:
    """Return the declaration that fits, or nearly; None where only text is left."""
    tried = [each for each in profile.hypotheses or [] if _may_be(each, profile, is_time=profile.name == marks.time)]
    if not tried:
        return None
    fewest = min(0 if _are_words_for_missing(each) else each.n_bad for each in tried)
    if fewest > _TOLERATED * profile.n_known:
        return None
    best = [each for each in tried if each.n_bad == fewest or (fewest == 0 and _are_words_for_missing(each))]
    times = [each for each in best if each.type == "timestamp"]
    if times:
        return _in_order(times, profile, marks)
    if any(each.type == "boolean" for each in best):
        return next(each for each in best if each.type == "boolean")
    return _with_marks(best, profile, marks)


def _may_be(hypothesis: Hypothesis, profile: Profile, *, is_time: bool) -> bool:
    if hypothesis.type == "integer":
        return not profile.n_points or hypothesis.column.thousands == "."
    numbers = any(each.type == "integer" for each in profile.hypotheses or [])
    if hypothesis.column.counted or (hypothesis.type == "timestamp" and hypothesis.column.format is None and numbers):
        named = _EXCEL_DAY if hypothesis.column.format == "excel_days" else _DAY
        return is_time or bool(named.search(profile.name))
    if hypothesis.column.format != "%Y%m%d":
        return True
    # Eight digits are a day only where all of them can be one.
    plausible = hypothesis.low is not None and hypothesis.low > -2_208_988_800_000_000  # 1900
    return plausible and not hypothesis.n_bad and (profile.n_distinct >= 20 or bool(_DAY.search(profile.name)))


def _are_words_for_missing(hypothesis: Hypothesis) -> bool:
    """Return whether all misfits are a few words without digits, as of people who wrote `unknown` for nothing."""
    misfits = hypothesis.misfits
    words = all(not any(map(str.isdigit, text)) for text in misfits)
    return bool(misfits) and len(misfits) <= 3 and sum(misfits.values()) == hypothesis.n_bad and words


def _in_order(times: list[Hypothesis], profile: Profile, marks: Marks) -> Hypothesis:
    """Return the format of dates; where day and month can't be told apart, as other columns or a person have it."""
    if {_order(each) for each in times} != {"day", "month"}:
        return times[0]
    if marks.date_order is None:
        example = profile.examples[0]
        why = f"'{example}' and all other values of column '{profile.name}' can be read with the day or the month first"
        options = "--dates day-first or --dates month-first"
        question = OpenQuestion(f"column {profile.name}", "Which stands first?", why, ("day", "month"), options)
        marks.date_order = "day" if marks.ask(question).startswith("day") else "month"
    return next(each for each in times if _order(each) == marks.date_order)


def _order(hypothesis: Hypothesis) -> DateOrder | None:
    format_ = hypothesis.column.format or ""
    return "day" if format_.startswith(("%d/%m", "%d-%m")) else "month" if format_.startswith(("%m/", "%m-")) else None


def _is_dotted(hypotheses: Iterable[Hypothesis]) -> bool:
    return any((each.column.format or "").startswith("%d.") for each in hypotheses)


def _with_marks(best: list[Hypothesis], profile: Profile, marks: Marks) -> Hypothesis:
    """Return the numbers with the simplest marks; `1,234` alone leaves open whether it is large or has decimals."""
    plain = [each for each in best if each.column.decimal is None and each.column.thousands is None]
    points = [each for each in best if each.column.thousands == "."]
    if plain and not (marks.decimal == "," and points and profile.n_points):
        return plain[0]
    decided = [each for each in best if each.decisive]
    if decided:
        return decided[0]
    as_decimal = [each for each in best if each.column.decimal == "," and each.column.thousands is None]
    as_thousands = [each for each in best if each.column.thousands == "," and each.column.decimal is None]
    if not (as_decimal and as_thousands):
        return (points if plain else best)[0]
    if marks.decimal is None:
        text = next((text for text in profile.examples if "," in text), profile.examples[0])
        why = f"'{text}' in column '{profile.name}' can be a number with decimals or one above a thousand"
        question = OpenQuestion(f"column {profile.name}", "Which mark has the decimals?", why, (",", "."), "--decimal")
        marks.decimal = marks.ask(question)
    return (as_decimal if marks.decimal == "," else as_thousands)[0]


def require_columns_known(names: Iterable[str], known: Iterable[str], option: str) -> None:
    """Refuse names that the table has not.

    Raises:
        UsageError: names the nearest column.
    """
    from mlsys.errors import near_match

    present = list(known)
    for name in names:
        if name not in present:
            raise UsageError(f"There is no column '{name}'. {near_match(name, present)}", where=option)
