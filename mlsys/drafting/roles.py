"""What each column does: names a row, says when it was, groups rows, or is no feature, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from mlsys import clock
from mlsys.drafting.declaring import Column
from mlsys.drafting.instants import as_day
from mlsys.drafting.questions import Answerer, OpenQuestion, in_a_row
from mlsys.drafting.sampling import Sample
from mlsys.errors import UsageError, near_match
from mlsys.flaws.identifiers import as_identifier
from mlsys.schema import SCORE
from mlsys.wording import counted

if TYPE_CHECKING:
    from mlsys.drafting.target import TargetFound

NO_TIME = "none"
_NAMING = re.compile(
    r"(^|[_\W])(id|ids|key|no|nr|num|number|uuid|guid|ref|reference|code|index|idx|rownames?|unnamed: 0|row)([_\W]|$)|"
    r"[a-z](ID|Id|Key|No)$|^(id|key)",
    re.IGNORECASE,
)
_ID = re.compile(r"(^|[_\W])(id|key|uuid|guid)([_\W]|$)|[a-z](ID|Id)$|id$", re.IGNORECASE)
_ROW_NUMBER = re.compile(r"(unnamed: 0|rownames?|index|idx|row|row_?(number|no|id))", re.IGNORECASE)
_PERSONAL = re.compile(r"birth|born|dob|geburt|naissance|nacimiento", re.IGNORECASE)
_EVENT = re.compile(
    r"(event|observed|created|placed|ordered|received|logged|recorded|request|transaction|order|trans|tran|entry|visit)?"
    r"[_ ]?(time|timestamp|date|datetime|day|at|ts|dt|on)([_ ]?(utc|hour|local))?",
    re.IGNORECASE,
)
_LEAST_GROUPS, _ROWS_PER_GROUP = 30, 1.5
_FIRST_DAY, _LAST_DAY = -25_567, 2_932_897  # 1900-01-01 and the end of the calendar, from 1970 on


@dataclass
class Roles:
    """What the columns do.

    Attributes:
        key: columns that name a row; `key_why` is for a comment, as the others are.
        time: column of the row's time, or None.
        group: column whose rows belong together, where that is what the split goes by.
        dropped: columns that no model may see, with the reason.
    """

    key: tuple[str, ...] = ()
    key_why: str = ""
    time: str | None = None
    time_why: str = ""
    group: str | None = None
    dropped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RolesWish:
    """What a person has said of the roles."""

    key: tuple[str, ...] = ()
    time: str | None = None


def time_of(
    columns: Mapping[str, Column], wish: RolesWish, sample: Sample, *, dated: bool, ask: Answerer
) -> tuple[str | None, str]:
    """Return the column that says when a row was, and why; None where there is none, or each file has its day.

    Raises:
        UsageError: the wished one holds no times, or it can't be told and nobody answers.
    """
    if wish.time == NO_TIME or (dated and wish.time is None):
        return None, ""
    if wish.time is not None:
        _require_time(columns, wish.time)
        return wish.time, ""
    usual = [name for name, column in columns.items() if column.type == "timestamp" and not _PERSONAL.search(name)]
    possible = [name for name in usual if _may_be_time(columns[name])]
    if len(possible) <= 1:
        return (possible[0], "the only column of times") if possible else (None, "")
    earliest = [name for name in possible if all(sample.precedes(name, other) for other in possible if other != name)]
    if len(earliest) == 1:
        return earliest[0], "no other time of a row lies before it"
    named = [name for name in possible if _EVENT.fullmatch(name)]
    if len(named) == 1:
        return named[0], "by its name"
    why = f"When a row happened can't be told: {in_a_row(possible)} could say it"
    choices = (*possible, NO_TIME)
    answer = ask(OpenQuestion("the table", "Which column says when a row happened?", why, choices, "--time"))
    return (None if answer == NO_TIME else answer), ""


def _may_be_time(column: Column) -> bool:
    profile = column.profile
    return column.n_distinct > 1 and profile.n_known >= 0.99 * profile.n_rows


def _require_time(columns: Mapping[str, Column], name: str) -> None:
    if name not in columns:
        raise UsageError(f"There is no column '{name}'. {near_match(name, columns)}", where="--time")
    column = columns[name]
    if column.type != "timestamp":
        example = (column.profile.examples or [""])[0]
        remedy = "Write ISO 8601 there, or name another column"
        if column.numeric:
            remedy = "Numbers that count seconds since 1970, or Excel's days, lie between 1990 and 2100"
        raise UsageError(f"Column '{name}' holds no times that can be read", where="--time", got=example, remedy=remedy)


def key_of(
    columns: Mapping[str, Column], target: str, time: str | None, wish: RolesWish, sample: Sample
) -> tuple[tuple[str, ...], str, str | None]:
    """Return the columns that name a row, why, and the column whose repeated values group rows.

    Raises:
        UsageError: a wished column is not there, or is the target.
    """
    for name in wish.key:
        if name not in columns:
            raise UsageError(f"There is no column '{name}'. {near_match(name, columns)}", where="--key")
        if name == target:
            raise UsageError("The target can't name a row", where="--key", got=name, remedy="Name another column")
    if wish.key:
        return _wished_key(columns, time, wish.key, sample)
    possible = [name for name, column in columns.items() if name not in (target, SCORE) and _may_be_key(column)]
    named = [name for name in possible if _NAMING.search(name)]
    counting = [name for name in possible if _counts_up(columns[name])]
    worded = [name for name in possible if columns[name].type == "category" and not columns[name].profile.n_blanks]
    found = next(
        iter(sorted(named, key=lambda name: _ROW_NUMBER.fullmatch(name) is not None) or counting or worded), None
    )
    group = _group_of(columns, target, found)
    if found is not None:
        why = "each value stands there once"
        if _ROW_NUMBER.fullmatch(found):
            why = "a row number? Better is a column that names a row for good"
        return (found,), why, group
    if group is not None and time is not None and sample.unique((group, time)):
        return (group, time), "each pair stands there once", group
    return (), "", group


def _wished_key(
    columns: Mapping[str, Column], time: str | None, wished: tuple[str, ...], sample: Sample
) -> tuple[tuple[str, ...], str, str | None]:
    unique = columns[wished[0]].profile.unique if len(wished) == 1 else sample.unique(wished)
    if unique:
        return wished, "", None
    group = wished[0]
    if time is not None and time not in wished and sample.unique((*wished, time)):
        return (*wished, time), f"{group} alone repeats: with the time it names a row", group
    return (), f"{in_a_row(wished)} names no row: its values repeat", group


def _may_be_key(column: Column) -> bool:
    profile = column.profile
    plain = column.type in ("integer", "category", "text") and not (column.free_text or column.json)
    return plain and profile.unique and profile.n_missing == 0 and profile.n_rows > 1


def _counts_up(column: Column) -> bool:
    if column.type != "integer" or column.low is None or column.high is None:
        return False
    return column.high - column.low + 1 == column.profile.n_rows


def _group_of(columns: Mapping[str, Column], target: str, key: str | None) -> str | None:
    """Return the column with the most different values that by its name and its repetitions names a group."""
    found = []
    for name, column in columns.items():
        n_known, n_distinct = column.profile.n_known, column.n_distinct
        repeats = n_distinct >= _LEAST_GROUPS and n_known >= _ROWS_PER_GROUP * n_distinct
        if name not in (target, key) and column.type in ("integer", "category") and _ID.search(name) and repeats:
            found.append((n_distinct, name))
    return max(found)[1] if found else None


def refused_as_features(columns: Mapping[str, Column], roles: Roles, target: TargetFound) -> dict[str, str]:
    """Return the columns that no model should see for what they are themselves, with the reason."""
    taken = {target.column.name, roles.time, roles.group, *roles.key}
    found = {}
    for name, column in columns.items():
        if name in taken or column.type == "timestamp":
            continue
        reason = _reason(column)
        if reason:
            found[name] = reason
    return found


def _reason(column: Column) -> str:
    profile = column.profile
    if not profile.n_known:
        return "missing in every row"
    if column.n_distinct == 1 and not profile.n_missing:
        return f"the same in every row: {profile.examples[0]!r}"
    if column.json:
        return "holds JSON: what a model should see of it needs columns of its own"
    if column.free_text:
        return "free text: whole sentences teach a model of tables nothing"
    identifier = column.type in ("category", "text") and as_identifier(
        column.name, n_distinct=column.n_distinct, n_known=profile.n_known
    )
    numbered = column.type == "integer" and bool(_NAMING.search(column.name)) and column.n_distinct > 20
    numbered = numbered and (profile.unique or bool(_ID.search(column.name)))
    if identifier or numbered or (_may_be_key(column) and _counts_up(column) and profile.n_rows >= _LEAST_GROUPS):
        return f"names things: {column.n_distinct:,} different values in {counted(profile.n_known, 'row')}"
    return ""


def outside(column: Column) -> int:
    """Return how many rows have a time that a run sets aside: before 1900, or more than a day ahead."""
    assert column.hypothesis is not None
    ahead = (clock.now().date() - as_day(0)).days + 1
    return sum(n for number, n in column.hypothesis.days.items() if not _FIRST_DAY <= number <= ahead)


def days(column: Column) -> dict[date, int]:
    """Return the rows of each UTC day that a run may look at: none before 1900, none of the future."""
    assert column.hypothesis is not None
    today = clock.now().date()
    found = {as_day(number): n for number, n in column.hypothesis.days.items() if _FIRST_DAY <= number < _LAST_DAY}
    return {day: n for day, n in sorted(found.items()) if day < today}
