"""What a plan says of a changed spec, as records."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from mlsys.records import GateResult, Outcome, Record
from mlsys.spec.parts import KeyUse


class KeyChange(Record):
    """A key of the spec that has changed.

    Attributes:
        key: its path; candidates go by their names, as in `models.forest.max_depth`.
        before, after: its values; None also for a key that is not given there.
    """

    key: str
    before: Any = None
    after: Any = None
    category: KeyUse


class CandidateOutlook(Record):
    """What becomes of a candidate's fit.

    Attributes:
        action: `adopted` byte for byte by a run on the rows of the last one; `fitted` again; or `left out`.
        seconds: what its fit took last, or None where none is known.
    """

    name: str
    action: Literal["adopted", "fitted", "left out"]
    seconds: float | None = None


class StoredRows(Record):
    """Partitions that are stored: `thrown` away by the change, for what reads them is not the spec of then."""

    n_days: int
    n_rows: int
    n_bytes: int


class GatesSaid(Record):
    """What gates said of a run's candidates."""

    outcome: Outcome
    reason: str
    sentence: str
    challenger: str | None
    gates: tuple[GateResult, ...]


class Earned(Record):
    """What the changed spec would have earned over that of the last run, by one metric; positive is better.

    Attributes:
        lower, upper: 95 % interval by blocks of days; None with a `reason` where there are too few of them.
        next_lower, next_upper: in which the difference over as many days to come lies 95 times in 100, if they are
            days like these.
    """

    metric: str
    difference: float | None
    lower: float | None = None
    upper: float | None = None
    next_lower: float | None = None
    next_upper: float | None = None
    reason: str | None = None

    @property
    def verdict(self) -> Literal["better", "worse", "not separated"]:
        """Which of the two is better beyond chance."""
        if self.lower is not None and self.lower > 0:
            return "better"
        return "worse" if self.upper is not None and self.upper < 0 else "not separated"


class DailyPair(Record):
    """A day that both specs were judged on: its rows, the metric of each, and the days of the models that served."""

    day: date
    n_rows: int
    before: float | None
    after: float | None
    before_model: date
    after_model: date


class WalkedPair(Record):
    """Both specs retrained nightly behind their own gates, on the same days and rows.

    Attributes:
        metric: the primary metric of the spec of the last run, by which both are measured.
        promotions: days whose model was promoted, `before` and `after` the change.
        daily: the days that both have a model for.
        left_out: days that could not be compared, by the reason.
        refused: days whose run failed, of either spec, by the reason.
    """

    first: date
    last: date
    metric: str
    higher: bool
    earned: Earned
    promotions_before: tuple[date, ...]
    promotions_after: tuple[date, ...]
    daily: tuple[DailyPair, ...]
    n_rows: int
    left_out: dict[str, str] = Field(default_factory=dict)
    sentence: str


class SpecPlan(Record):
    """What a changed spec would do, beside that of the last live run.

    Attributes:
        run_id: the last live run that decided; day: its last day of data.
        category: the dearest of the changes'.
        sentences: what is reused and what is thrown away, one for each category of change.
        candidates: in the new spec's order, those that are left out last.
        stored: what has to be read again; None where nothing is.
        seconds: what the run of then took in all.
        then, now: what the gates said, and what they say now: the changed ones of the same candidates, or those of a
            `dry_run` in which the changed candidates were fitted; None where candidates would have to be fitted.
        waits: in words, why a promotion would wait for a person; None where it would not.
        refused: why a run would refuse to start.
        walked: with a backfill, what both specs would have done.
        exit_code: 0, or 3 refused, 4 the changed gates decide `error`, 6 worse beyond chance.
    """

    pipeline: str
    run_id: str
    day: date
    spec_fingerprint: str
    changes: tuple[KeyChange, ...]
    category: KeyUse
    sentences: tuple[str, ...]
    candidates: tuple[CandidateOutlook, ...]
    stored: StoredRows | None = None
    seconds: float | None = None
    then: GatesSaid | None = None
    now: GatesSaid | None = None
    dry_run: str | None = None
    waits: str | None = None
    refused: str | None = None
    walked: WalkedPair | None = None
    exit_code: int = 0
