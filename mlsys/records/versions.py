"""How good each version is on rows that it had not seen, once their labels are known, and how long labels take."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from mlsys.records.base import Record
from mlsys.records.evaluation import MetricValue


class LabelDelay(Record):
    """How long after a row its label arrives, measured on rows of which many have none yet.

    Attributes:
        n_rows, n_labelled: that it rests on.
        half, most: in which half, and 95 %, of the labels that ever come have come.
        ever: share of the rows that get a label at all, as far as the oldest rows show.
        known: share of the rows labelled after so many days, `(days, share)`.
        declared: what the spec says: `label.delay`.
        sentence: in words.
    """

    n_rows: int
    n_labelled: int
    half: timedelta
    most: timedelta
    ever: float
    known: tuple[tuple[int, float], ...]
    declared: timedelta
    sentence: str


class SliceScore(Record):
    """A version on the rows with one value of a column."""

    name: str
    n_rows: int
    values: tuple[MetricValue, ...]


class VersionScore(Record):
    """One version on days that it had not seen.

    Attributes:
        champion: its candidate id; `serves` if it is the present champion.
        first_day, last_day: of the rows, UTC; None where there are none.
        n_rows, n_labelled: rows whose labels are due, and those that have one: what the values rest on.
        n_immature: rows of days too young for all labels to be there; they don't count.
        values: all metrics of the learning task, with their 95 % intervals.
        slices: the worst first.
        reason: why there are no values, or None.
    """

    champion: str
    version: str
    serves: bool
    first_day: date | None = None
    last_day: date | None = None
    n_rows: int = 0
    n_labelled: int = 0
    n_immature: int = 0
    values: tuple[MetricValue, ...] = ()
    slices: tuple[SliceScore, ...] = ()
    reason: str | None = None

    @property
    def label(self) -> str:
        """What it is called beside others."""
        return self.version

    @property
    def uncounted(self) -> str:
        """What did not count, in words; empty where all did."""
        return f"{self.n_immature:,} too young" if self.n_immature else ""

    def value(self, metric: str) -> MetricValue | None:
        """Return the value of a metric, or None when it was not computed."""
        return next((found for found in self.values if found.name == metric), None)


class ArmScore(VersionScore):
    """What a version answered live in one role: rows are answers, each key with its newest one.

    Attributes:
        arm: `champion`; `challenger` for a share of the keys beside it; `shadow`, whose answers went out to nobody.
        n_keyless: answers without the row's key, by which labels are joined; they don't count.
    """

    arm: Literal["champion", "challenger", "shadow"]
    n_keyless: int = 0

    @property
    def label(self) -> str:
        """The version and its role."""
        return f"{self.version}, {self.arm}"

    @property
    def uncounted(self) -> str:
        """What did not count, in words; empty where all did."""
        keyless = f"{self.n_keyless:,} without a key" if self.n_keyless else ""
        return ", ".join(filter(None, [super().uncounted, keyless]))


class VersionsReport(Record):
    """The newest champions, each as good as its days have shown by now: labels that came late or were corrected count.

    Attributes:
        day: last day of data that was looked at; `first_day` the first one.
        mature: last day whose labels are due; later ones are immature.
        primary: the metric that chooses.
        delay: how long labels take, or None where the source does not say when they arrived.
        served: each version on the days on which it served, newest first.
        same_days: each version on the days since the newest one's cutoff, scored again by those that did not serve.
        since: the first of these days.
        arms: what was answered live on these days, by version and role.
        sentence: in words.
    """

    pipeline: str
    day: date
    first_day: date
    mature: date
    primary: str
    delay: LabelDelay | None = None
    served: tuple[VersionScore, ...] = ()
    same_days: tuple[VersionScore, ...] = ()
    since: date | None = None
    arms: tuple[ArmScore, ...] = ()
    sentence: str
