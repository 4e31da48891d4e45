"""From a table to the text of a spec: read once, decide, write, and validate what was written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from mlsys.drafting.declaring import Column, DateOrder, Marks, declared
from mlsys.drafting.given import FilesGiven, Given
from mlsys.drafting.places import given
from mlsys.drafting.profiles import ReadTable, read_once
from mlsys.drafting.questions import Answerer, refuse
from mlsys.drafting.roles import NO_TIME, Roles, RolesWish, days, key_of, outside, refused_as_features, time_of
from mlsys.drafting.sampling import Sample
from mlsys.drafting.sides import Sides, sides
from mlsys.drafting.target import TargetFound, TargetWish, target_of
from mlsys.drafting.yaml_text import writable
from mlsys.errors import DataError, UsageError
from mlsys.schema import OWN_COLUMNS
from mlsys.spec import Spec
from mlsys.spec.resolve import validated
from mlsys.spec.text import parsed
from mlsys.wording import counted


@dataclass(frozen=True)
class Wishes:
    """What a person says beforehand; the rest is seen, asked or refused.

    Attributes:
        place: path, pattern or URL of the table; `table` its name in a database.
        date_order: what stands first in dates like 03/04/2026; decimal: the mark of decimals.
    """

    place: str
    table: str | None = None
    target: TargetWish = field(default_factory=TargetWish)
    roles: RolesWish = field(default_factory=RolesWish)
    date_order: DateOrder | None = None
    decimal: str | None = None


@dataclass
class Draft:
    """What was decided about a table.

    Attributes:
        left_out: columns that `schema` can't hold, with the reason.
        rows_by_day: of a timed source.
        spread: standard deviation of a target that is a number, in the sample.
    """

    name: str
    origin: Given
    table: ReadTable
    columns: dict[str, Column]
    target: TargetFound
    roles: Roles
    sides: Sides
    left_out: dict[str, str]
    rows_by_day: dict[date, int]
    spread: float = 0.0

    @property
    def features(self) -> list[str]:
        """Columns that models see."""
        taken = {self.target.column.name, self.roles.group, *self.roles.key, *self.roles.dropped}
        return [name for name, column in self.columns.items() if name not in taken and column.type != "timestamp"]

    @property
    def remarks(self) -> list[str]:
        """What a person should look at: lines that are lost, then what is doubtful, by column."""
        found = [f"{name}: {doubt}" for name, column in self.columns.items() for doubt in column.doubts]
        n_broken = self.origin.broken()
        if n_broken:
            lines = counted(n_broken, "line or row", "lines or rows")
            found.insert(0, f"{lines} can't be read; the first: {self.origin.broken_example}")
        return found

    @property
    def n_unplaced(self) -> int:
        """Lines and rows that a run sets aside without knowing their day, and counts as bad ones of the newest."""
        if self.roles.time is None:
            return self.origin.broken()
        times = self.columns[self.roles.time]
        return self.origin.broken() + times.profile.n_missing + outside(times)

    @property
    def n_bad(self) -> int:
        """Values and lines that a run would set aside."""
        return self.n_unplaced + sum(column.n_bad for column in self.columns.values())

    @property
    def timed(self) -> bool:
        """Whether rows have a day."""
        return self.roles.time is not None or self.origin.dated


def draft(name: str, wishes: Wishes, ask: Answerer = refuse) -> Draft:
    """Return what a spec for the table should say.

    Raises:
        UsageError: something can't be told, and nobody answers; names the option.
        DataError: the table can't be read, or no model can be made of it.
    """
    return draft_of(name, given(wishes.place, table=wishes.table, ask=ask), wishes, ask)


def draft_of(name: str, origin: Given, wishes: Wishes, ask: Answerer) -> Draft:
    """Return what `draft` does, of something that is open already."""
    if wishes.roles.time not in (None, NO_TIME):
        origin.dated = False  # a source has one giver of days, and this one was asked for
    left_out = dict(origin.left_out) | _unusable(origin.names())
    _require_present(wishes, left_out)
    table = _read(origin, [each for each in origin.names() if each not in left_out])
    _require_rows(origin, table.n_rows)
    left_out |= {
        each: f"its values are of type {profile.unreadable}, which no column can hold"
        for each, profile in table.profiles.items()
        if profile.unreadable
    }
    _require_present(wishes, left_out)
    columns = _declared(origin, table, left_out, wishes, ask)
    target = target_of(columns, wishes.target, origin.spoken, ask)
    columns[target.column.name] = target.column
    return _decided(name, origin, table, columns, target, left_out=left_out, wish=wishes.roles, ask=ask)


def _decided(
    name: str,
    origin: Given,
    table: ReadTable,
    columns: dict[str, Column],
    target: TargetFound,
    *,
    left_out: dict[str, str],
    wish: RolesWish,
    ask: Answerer,
) -> Draft:
    sample = Sample(table.sample, columns, whole=table.n_rows <= table.sample.num_rows)
    roles = Roles()
    roles.time, roles.time_why = time_of(columns, wish, sample, dated=origin.dated, ask=ask)
    roles.key, roles.key_why, roles.group = key_of(columns, target.column.name, roles.time, wish, sample)
    roles.dropped = refused_as_features(columns, roles, target)
    by_day = days(columns[roles.time]) if roles.time else origin.days()
    labelled = _labelled(by_day, roles, sample, target)
    divided = sides(roles, target, labelled, max(by_day, default=None))
    if divided.rule["kind"][0] != "group" and roles.group is not None and roles.group not in roles.key:
        group = columns[roles.group]
        roles.dropped[roles.group] = (
            f"names things: {group.n_distinct:,} different values, which would be learnt by heart"
        )
    if divided.rule["kind"][0] != "group":
        roles.group = None
    spread = 0.0 if target.counts else sample.spread(target.column.name)
    found = Draft(name, origin, table, columns, target, roles, divided, left_out, by_day, spread)
    roles.dropped |= sample.leaks(target, found.features)
    for each, note in sample.tell_by_missing(target, found.features).items():
        columns[each].doubts.append(note)
    if not found.features:
        rule = "No column is left that a model could learn from"
        reasons = "; ".join(f"{each}: {why}" for each, why in list({**roles.dropped, **left_out}.items())[:5])
        raise DataError(rule, where=origin.spoken, remedy=f"Left out are {reasons}" if reasons else "Give more columns")
    return found


def _read(origin: Given, names: Sequence[str]) -> ReadTable:
    """Read a table, in another encoding or without quotation marks where it can't be read as it looked at first."""
    if not names:
        raise DataError("The table has no column that can be read", where=origin.spoken)
    if not isinstance(origin, FilesGiven):
        return read_once(names, origin.batches(names))
    attempts = origin.in_other_encodings()
    while True:
        try:
            table = read_once(names, origin.batches(names))
        except DataError as error:
            if "quotation mark is never closed" in error.rule and origin.without_quotes() is not None:
                continue
            if "encoding" not in error.rule or next(attempts, None) is None:
                raise
        else:
            return _with_fewer_broken_lines(origin, names, table)


def _require_rows(origin: Given, n_rows: int) -> None:
    """Refuse a table of no rows, or of which most lines are none."""
    n_broken = origin.broken()
    if n_broken > n_rows:
        raise DataError(
            f"{n_broken:,} of {n_broken + n_rows:,} lines are no rows. The first: {origin.broken_example}",
            where=origin.spoken,
            remedy="Mend the file: the names of all columns stand in its first line, and each line has as many fields",
        )
    if not n_rows:
        raise DataError("The table has no rows", where=origin.spoken, remedy="Give one that has")


def _with_fewer_broken_lines(origin: FilesGiven, names: Sequence[str], table: ReadTable) -> ReadTable:
    n_broken, example = origin.broken(), origin.broken_example
    if not n_broken or origin.without_quotes() is None:
        return table
    with suppress(DataError):
        other = read_once(names, origin.batches(names))
        if origin.broken() < n_broken:
            return other
    origin.with_quotes(n_broken, example)
    return table


def _unusable(names: Sequence[str]) -> dict[str, str]:
    found = dict.fromkeys(OWN_COLUMNS, "mlsys keeps a column of its own by this name: rename it where it is made")
    found |= {"": "it has no name"}
    found |= {name: "its name has a NUL, which no spec can hold" for name in names if not writable(name)}
    return {name: why for name, why in found.items() if name in names}


def _require_present(wishes: Wishes, left_out: dict[str, str]) -> None:
    named = {"--target": wishes.target.column, "--time": wishes.roles.time}
    for option, name in [*named.items(), *(("--key", name) for name in wishes.roles.key)]:
        if name in left_out:
            remedy = f"Name another one, or leave {option} out"
            raise UsageError(f"Column '{name}' can't be read: {left_out[name]}", where=option, remedy=remedy)


def _declared(
    origin: Given, table: ReadTable, left_out: dict[str, str], wishes: Wishes, ask: Answerer
) -> dict[str, Column]:
    marks = Marks(ask, wishes.date_order, wishes.decimal, wishes.roles.time)
    profiles = [profile for name, profile in table.profiles.items() if name not in left_out]
    marks.learn(profiles)
    if marks.decimal is None and origin.block().get("separator", ("", ""))[0] == ",":
        marks.decimal = "."  # a file whose commas separate has another mark for decimals
    return {profile.name: declared(profile, marks) for profile in profiles}


def _labelled(by_day: dict[date, int], roles: Roles, sample: Sample, target: TargetFound) -> dict[date, float]:
    """Return about how many rows of each day have a label."""
    import pyarrow.compute as pc

    share = target.n_labelled / max(1, target.column.profile.n_rows)
    if roles.time is None or share == 1:
        return {day: n * share for day, n in by_day.items()}
    times = sample.values(roles.time).cast("date32")
    with_label = sample.values(target.column.name).is_valid()
    seen, labelled = (pc.value_counts(each.drop_null()).to_pylist() for each in (times, times.filter(with_label)))
    of_day = {item["values"]: item["counts"] for item in labelled}
    shares = {item["values"]: of_day.get(item["values"], 0) / item["counts"] for item in seen}
    return {day: n * shares.get(day, share) for day, n in by_day.items() if n * shares.get(day, share) > 0}


def spec_of(path: Path, text: str) -> Spec:
    """Return the spec of a drafted text, which must be one.

    Raises:
        SpecError: it is none.
    """
    return validated(parsed(path, text))
