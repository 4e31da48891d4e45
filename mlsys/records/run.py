"""Records of the steps before training: the plan, the snapshot, the checks, the split."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from mlsys.records.base import Bundle, Mode, Record, Severity, State
from mlsys.records.built_on import BuiltOn


class Plan(Record):
    """What a run is going to do, fixed by its first step; every later step gets it.

    Attributes:
        run_id: names the run everywhere; derived from the keys, so a repetition has the same.
        cutoff: exclusive end of the data the run sees, UTC.
        champion: id of the champion at the start, or None; runs about the past are not measured against it.
        approval: a person has the last word on a promotion.
        spec: SHA-256 of the resolved spec in the store.
        overrides: spec keys set for this run alone, as `path=value` texts.
        built_on: the champion at the start, for candidates that are made of it; None where the spec has none of them.
    """

    pipeline: str
    run_id: str
    request_id: str
    day: date
    day_source: str
    cutoff: datetime
    mode: Mode
    reason: str | None = None
    spec: str
    spec_fingerprint: str
    training_key: str
    seed: int
    champion: str | None = None
    approval: bool = False
    overrides: tuple[str, ...] = ()
    built_on: BuiltOn | None = Field(default=None, exclude_if=lambda value: value is None)


class Snapshot(Record):
    """The data of a run. `manifest` is the SHA-256 of the list of partitions in the store.

    Attributes:
        fingerprint: of the content, labels masked at the cutoff; the same rows give the same one.
        n_rows: rows in all partitions; n_labelled: those with a label known before the cutoff.
        newest_event: newest event time in it, or None for a source without time.
    """

    fingerprint: str
    manifest: str
    cutoff: datetime
    n_rows: int
    n_labelled: int
    n_partitions: int
    first_day: date
    last_day: date
    newest_event: datetime | None = None
    n_duplicate_keys: int = 0


class Arrivals(Record):
    """What a run was the first to read, which depends on the runs before it; `days` are the first 30."""

    n_partitions: int = 0
    n_rows: int = 0
    days: tuple[date, ...] = ()


class CheckResult(Record):
    """One check over the partitions it looked at.

    Attributes:
        name: what it says, for people: `url_length between 0 and 2000`.
        n_failed: rows that failed it, or None for a rule over whole tables.
        sentence: what was seen, in words.
    """

    name: str
    kind: str
    column: str | None = None
    severity: Severity
    state: State
    n_rows: int
    n_failed: int | None = None
    sentence: str
    examples: tuple[str, ...] = ()


class BadRows(Record):
    """Rows that could not be read or were set aside, among all rows that came; `of` says which: `newest day`, `all`."""

    n_bad: int
    n_rows: int
    of: Literal["newest day", "all"]

    @property
    def name(self) -> str:
        """Which rows are meant: `bad rows of the newest day`."""
        return "bad rows of the newest day" if self.of == "newest day" else "bad rows of all"


class CheckReport(Record):
    """Result of `validate`.

    Attributes:
        n_checks: rules of the spec; `n_own` are those that every run keeps beside them (the tolerated share, columns
            that look odd, rows that could not be read), None in records of earlier versions.
        quarantined_share: the worst share of bad rows, with its counts in `bad`; None there in earlier versions.
        results: worst first; at most 40 (all of them are in `details`).
        quarantine: SHA-256 of a JSON file `{partition fingerprint: [row offsets]}`, or None when no row failed.
        details: SHA-256 of JSON: all results, reasons per quarantined row, and what each column holds.
        n_rows, n_partitions: what the verdict covers; findings about partitions seen before are remembered.
        data_docs: path of the Data Docs index below MLSYS_HOME, or None.
    """

    state: State
    results: tuple[CheckResult, ...]
    n_checks: int
    n_own: int | None = None
    n_rows: int
    n_partitions: int
    n_quarantined: int
    quarantined_share: float
    bad: BadRows | None = None
    tolerated_share: float
    quarantine: str | None = None
    details: str
    data_docs: str | None = None

    @property
    def n_judged(self) -> int:
        """All results: of the spec's rules and of those that every run keeps."""
        return max(self.n_checks + (self.n_own or 0), len(self.results))


_SIDES = ("training", "validation", "holdout")


class SplitCounts(Record):
    """Rows of one side, and of each class in it; no class where labels are numbers."""

    n_rows: int
    classes: dict[str, int]


class Split(Record):
    """Which row stands on which side.

    Attributes:
        assignment: SHA-256 of a `.npy` file in the store: int8 `(n_rows,)` in the order of the snapshot's rows,
            0 left out, 1 training, 2 validation, 3 holdout.
        left_out: why rows stand on no side: `{"no label": 12, "gap": 30}`.
        sentence: the rule in words, with its dates.
    """

    kind: str
    assignment: str
    training: SplitCounts
    validation: SplitCounts
    holdout: SplitCounts
    left_out: dict[str, int]
    sentence: str

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes that rows of some side are of, by name in alphabetical order."""
        return tuple(sorted({name for side in _SIDES for name in getattr(self, side).classes}))

    def one_class(self, side: str) -> str | None:
        """Return in words that all rows of a side (`training`, `validation`, `holdout`) are of one class, or None."""
        counts: SplitCounts = getattr(self, side)
        if len(counts.classes) != 1:
            return None
        return f"All {counts.n_rows:,} {side} rows are of one class, '{next(iter(counts.classes))}'"


class Prepared(Bundle):
    """A run whose rows are checked and stand on their sides: all that training, judging and promoting rest on."""

    plan: Plan
    snapshot: Snapshot
    checks: CheckReport
    split: Split


class Start(Record):
    """Result of `take_snapshot`: go on with plan and snapshot, or skip with a reason.

    Attributes:
        reason: `unchanged`, `no_data_for_day` or `too_few_new_rows` for a skip.
        run_id: of the run that already answered, for `unchanged`.
    """

    go: bool
    request_id: str
    reason: str | None = None
    sentence: str
    run_id: str | None = None
    plan: Plan | None = None
    snapshot: Snapshot | None = None
    arrivals: Arrivals | None = None
