"""What scoring and monitoring hand on: prediction files by day, what each monitor saw, and the verdict of a window."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from mlsys.records.base import Record
from mlsys.records.evaluation import Comparison, MetricValue
from mlsys.records.run import Snapshot

# As a gate's state, but `alarm` in place of `fail`: the champion is not refused, somebody is told.
MonitorState = Literal["pass", "alarm", "inconclusive", "error"]
NOT_SCORED = Literal["no_champion", "no_data_for_day"]


class PredictionFile(Record):
    """The scores that one champion gave to the rows of one day.

    Attributes:
        champion: its candidate id; `version` is that of the file registry.
        cutoff: the champion's data cutoff, exclusive.
        unseen: the day lies at or after that cutoff, so that none of its rows was there to be learnt from.
        partition: fingerprint of the rows scored; other rows of the day are scored anew.
        predictions: SHA-256 of the Parquet file in the store, one row per row of the partition, in its order.
    """

    champion: str
    version: str
    cutoff: datetime
    unseen: bool
    partition: str
    predictions: str
    n_rows: int


class DayPredictions(Record):
    """All scores of a day: the newest file of each champion that scored it; `latest` names the last to do so."""

    pipeline: str
    day: date
    latest: str
    champions: dict[str, PredictionFile]


class ScoreReport(Record):
    """Result of `score`.

    Attributes:
        day: last day of data that was looked at, or None without a champion.
        n_days, n_rows: scored now; `n_unseen_rows` of them lie on days at or after the champion's cutoff.
        days, digests: the newest 60 of the days scored now, oldest first, and their prediction files.
        snapshot: the rows that may have scores, or None when nothing was looked at.
        reason: why nothing could be scored, or None; a day that has its scores already is no reason.
    """

    pipeline: str
    day: date | None = None
    champion: str | None = None
    version: str | None = None
    n_days: int = 0
    n_rows: int = 0
    n_unseen_rows: int = 0
    days: tuple[date, ...] = ()
    digests: tuple[str, ...] = ()
    snapshot: Snapshot | None = None
    reason: NOT_SCORED | None = None
    sentence: str


class ConfirmedGain(Record):
    """What a promotion gained, by the first days after it: rows that neither model, nor the decision, had seen.

    The gain that promoted a model was selected for being large, and is too large on average; this one was not.

    Attributes:
        champion, version: who was promoted; `previous`, `previous_version`: who served before.
        first_day, last_day: of the rows, UTC; n_rows: those with a known label.
        promised: the comparison of the decision by the primary metric, on its holdout; None of a person's promotion.
        confirmed: the same comparison on these rows.
        values: the champion's metrics on these rows, with their intervals.
        sentence: both gains in words.
    """

    champion: str
    version: str
    previous: str
    previous_version: str
    first_day: date
    last_day: date
    n_rows: int
    promised: Comparison | None = None
    confirmed: Comparison
    values: tuple[MetricValue, ...]
    sentence: str

    def value(self, metric: str) -> MetricValue | None:
        """Return the champion's value of a metric, or None when it was not computed."""
        return next((found for found in self.values if found.name == metric), None)


class MonitorPart(Record):
    """One of several things that a monitor looked at: a feature, say.

    Attributes:
        chance: probability that it would lie so far by itself, or None where that was not reckoned.
    """

    name: str
    observed: float
    limit: float
    chance: float | None = Field(default=None, exclude_if=lambda chance: chance is None)


class WatchedSlice(Record):
    """The rows that share a value, judged by themselves.

    Attributes:
        name: in words: `channel is web`.
        n_rows: labelled ones that it rests on.
        before, now: what the champion's answers were worth there, on the holdout, say, and what they are.
        observed, limit: what is judged by, and where the alarm begins; None where there are too few rows.
    """

    name: str
    state: MonitorState
    n_rows: int = 0
    before: float | None = None
    now: float | None = None
    observed: float | None = None
    limit: float | None = None


class CheckedEstimate(Record):
    """An estimate made for a window before its labels came, beside the value that they gave.

    Attributes:
        first_day, last_day: of the window, UTC.
        estimated, real: the metric with its 95 % interval; `real` on the rows that have a label.
        outside: they lie farther apart than both intervals together allow.
    """

    first_day: date
    last_day: date
    estimated: MetricValue
    real: MetricValue
    outside: bool


class MonitorResult(Record):
    """What one monitor saw.

    Attributes:
        name: what it watches, for people: `feature drift over 7d`.
        observed, limit: what was measured, and where the alarm begins; of several parts those of the worst one, of a
            slice where it is what alarms.
        unit: of both: `psi` for the population stability index, `ks` for a Kolmogorov-Smirnov distance, `chi2` for
            Cramer's V, `wasserstein` for that distance in standard deviations, `share` of columns, `leaning` for the
            part of it that went over to other columns, `evidence` for the logarithm of a likelihood ratio, or empty.
        sentence: the finding for people, complete.
        reason: stable code for machines (`drifted`, `too_few_rows`), None for a pass; an alarm about slices alone ends
            in `on_a_slice`.
        n_rows: current rows that it rests on.
        n_windows: how many windows without a common day it rests on; an alarm counts as so many.
        acknowledged: why an alarm is no news, from the spec; it then counts for nothing.
        parts: worst first; a report keeps five, all of them are in its details.
        estimate: what a metric is likely to be on these rows, with a 95 % interval; None where none is estimated.
        checked: estimates of windows before, that share no day, whose labels have come; newest first.
        slices: worst first, where some are looked at; a report keeps five, too.
    """

    monitor: str
    name: str
    state: MonitorState
    observed: float | None = None
    limit: float | None = None
    unit: Literal["", "psi", "ks", "chi2", "wasserstein", "share", "leaning", "evidence"] = ""
    sentence: str
    reason: str | None = None
    n_rows: int = 0
    n_windows: int = Field(default=1, exclude_if=lambda n: n == 1)
    acknowledged: str | None = Field(default=None, exclude_if=lambda reason: reason is None)
    parts: tuple[MonitorPart, ...] = ()
    estimate: MetricValue | None = Field(default=None, exclude_if=lambda estimate: estimate is None)
    checked: tuple[CheckedEstimate, ...] = Field(default=(), exclude_if=lambda checked: not checked)
    slices: tuple[WatchedSlice, ...] = Field(default=(), exclude_if=lambda slices: not slices)

    @property
    def alarmed_slices(self) -> tuple[str, ...]:
        """The names of the slices that an alarm is about; none where all rows alarm."""
        alone = self.reason is not None and self.reason.endswith("on_a_slice")
        return tuple(each.name for each in self.slices if each.state == "alarm") if alone else ()

    @property
    def counts_as(self) -> MonitorState:
        """The state, but `pass` for an alarm that is known."""
        return "pass" if self.state == "alarm" and self.acknowledged is not None else self.state


class MonitorReport(Record):
    """The verdict of all monitors on the newest window of a day.

    Attributes:
        day: last day of the window; its cutoff is the next midnight, UTC.
        champion: who was watched, with its version and data cutoff; None without a champion.
        state: `alarm` if one alarmed that is not acknowledged, else `error`, else `inconclusive`; else `pass`.
        reason: why nothing was looked at, or None.
        n_rows, n_labelled: rows of the widest window that the champion has not seen; those with a known label.
        n_alarmed, n_windows: of the newest `n_windows` windows of this champion that share no day, this one included,
            so many alarmed.
        asks_retraining: this window alarmed, so did enough of those before, and none was asked for lately.
        details: SHA-256 of the JSON list of all results with all their parts, or None when nothing was looked at.
        gain: what the champion's promotion gained, as soon as the days after it say so.
    """

    pipeline: str
    day: date | None
    champion: str | None = None
    version: str | None = None
    champion_cutoff: datetime | None = None
    state: MonitorState
    reason: NOT_SCORED | Literal["no_monitors"] | None = None
    sentence: str
    results: tuple[MonitorResult, ...] = ()
    n_rows: int = 0
    n_labelled: int = 0
    n_alarmed: int = 0
    n_windows: int = 0
    asks_retraining: bool = False
    details: str | None = None
    gain: ConfirmedGain | None = Field(default=None, exclude_if=lambda gain: gain is None)

    @property
    def wish(self) -> str:
        """Why a retraining is asked for: what alarmed, in its own words, then how often."""
        told = " ".join(result.sentence for result in self.results if result.counts_as == "alarm")
        return f"Monitors, data up to {self.day}: {told or self.sentence}" + (
            f" {self.n_alarmed} of the newest {self.n_windows} windows alarmed." if told else ""
        )
