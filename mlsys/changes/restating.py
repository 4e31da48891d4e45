"""Days of a source read again, because they were corrected there; and which decisions rested on what they held before.

Nothing of the past changes: runs name the versions of the partitions that they had, which stay, and can be replayed.
The next run reads the newest versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from mlsys import clock
from mlsys.errors import IntegrityError, UsageError
from mlsys.ledger import RunRow
from mlsys.records import Outcome
from mlsys.snapshot import snapshot
from mlsys.snapshot.joined import table_specs
from mlsys.snapshot.manifest import read_manifest
from mlsys.snapshot.snapshot import ReadAgain
from mlsys.spec import resolve
from mlsys.wording import counted
from mlsys.workspace import Workspace


@dataclass(frozen=True)
class RestatedDay:
    """A day that the source tells in another way now.

    Attributes:
        table: the pipeline, or `<pipeline>.<name>` of a table that it joins.
        version: of the partition that was stored now; None where the source has no row any more, and what was stored
            stays.
        n_rows_before: None where nothing was stored.
    """

    day: date
    table: str
    version: int | None
    n_rows_before: int | None
    n_rows: int


@dataclass(frozen=True)
class Rested:
    """A decision that rested on days as they were before.

    Attributes:
        days: those of the restated days that its run had read; empty where the list of what it read is gone and it may
            have read all of them.
        serves: whether its challenger is the champion now.
    """

    decision_key: str
    run_id: str
    day: date
    mode: str
    outcome: Outcome
    challenger: str | None
    days: tuple[date, ...]
    serves: bool


@dataclass(frozen=True)
class Restated:
    """What came of reading days again."""

    pipeline: str
    first: date
    last: date
    days: tuple[RestatedDay, ...]
    decisions: tuple[Rested, ...]
    sentence: str


def restate(work: Workspace, name: str, first: date, last: date) -> Restated:
    """Read the days from `first` to `last` again, and return what differs and which decisions rested on it.

    Raises:
        UsageError: no such pipeline, an empty range, a source without time, or days that are not over.
        DataError, TransientError: as the source. Nothing is written then.
    """
    spec = resolve(work.settings.spec_path(name)).spec
    if first > last:
        raise UsageError("The range ends before it begins", where="FROM..TO", got=f"{first}..{last}")
    if not spec.source.timed:
        raise UsageError(
            "A source without time is read whole each time: there are no days to read again", where=f"{name}: source"
        )
    newest = clock.last_day_before(clock.now())
    if last > newest:
        raise UsageError("The day is not over yet", where="FROM..TO", got=last, remedy=f"The last one is {newest}")
    found: list[RestatedDay] = []
    gone: dict[str, date] = {}
    new: set[date] = set()
    for each in (*table_specs(spec), spec):
        again = snapshot.read_again(each, first, last, catalog=work.ledger, store=work.store)
        found += list(_days(each.pipeline, again))
        gone |= {row.fingerprint: row.day for row, _ in again.changed if row is not None}
        if each is spec:
            new = {row.day for before, row in again.changed if before is None}
    decisions = tuple(_rested(work, name, gone, new))
    days = tuple(found)
    return Restated(name, first, last, days, decisions, _sentence(days, decisions))


def _days(table: str, again: ReadAgain) -> Iterator[RestatedDay]:
    for before, after in again.changed:
        yield RestatedDay(after.day, table, after.version, before.n_rows if before else None, after.n_rows)
    for row in again.vanished:
        yield RestatedDay(row.day, table, None, row.n_rows, 0)


def _rested(work: Workspace, name: str, gone: Mapping[str, date], new: set[date]) -> Iterator[Rested]:
    """Yield the decisions whose runs read partitions that are replaced now, or ended after days that had none."""
    if not gone and not new:
        return
    begun = {row.run_id: row for row in work.ledger.runs(name) if row.plan and row.snapshot}
    champion = work.ledger.champion(name)
    for decision in work.ledger.decisions(name):
        row = begun.get(decision.run_id)
        days = _read_of(work, row, gone, new) if row else None
        if row is None or row.plan is None or days is None:
            continue
        yield Rested(
            decision_key=decision.decision_key,
            run_id=decision.run_id,
            day=row.plan.day,
            mode=row.plan.mode,
            outcome=decision.outcome,
            challenger=decision.challenger,
            days=days,
            serves=champion is not None and champion.decision_key == decision.decision_key,
        )


def _read_of(work: Workspace, row: RunRow, gone: Mapping[str, date], new: set[date]) -> tuple[date, ...] | None:
    """Return the restated days that a run had read in another way; None for none, empty where that is not known."""
    assert row.snapshot is not None
    later = {day for day in new if clock.cutoff_of(day) <= row.snapshot.cutoff}
    try:
        listing = read_manifest(row.snapshot.manifest, work.store)
        joined = [read_manifest(table.manifest, work.store) for table in listing.joins]
    except IntegrityError:  # housekeeping removes the lists of old runs
        return () if _could_have(row.snapshot.cutoff, [*gone.values(), *new]) else None
    read = {
        gone[entry.fingerprint] for each in (listing, *joined) for entry in each.partitions if entry.fingerprint in gone
    }
    return tuple(sorted(read | later)) or None


def _could_have(cutoff: datetime, days: list[date]) -> bool:
    return any(clock.cutoff_of(day) <= cutoff for day in days)


def _sentence(days: tuple[RestatedDay, ...], decisions: tuple[Rested, ...]) -> str:
    if not days:
        return "The source tells these days as it did before: nothing is stored anew, and no decision is touched."
    differ = sum(each.version is not None for each in days)
    vanished = len(days) - differ
    lost = f"; of {counted(vanished, 'day')} it has no row any more, and what was stored stays" if vanished else ""
    rest = counted(len(decisions), "decision rests", "decisions rest")
    serving = next((each for each in decisions if each.serves), None)
    champion = f", that of the champion, {serving.challenger}, among them" if serving else ""
    return (
        f"{counted(differ, 'day is', 'days are')} told in another way and stored as new versions{lost}. "
        f"{rest} on what they held before{champion}; nothing of the past changes, and the next run reads what is new."
    )
