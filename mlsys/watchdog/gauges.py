"""The state of an installation as gauges for Prometheus: a table of their names, and the text that holds their values.

Times are instants, in seconds since 1970: how old something is, the asker's own clock says (`time() - ...`), also when
nothing is written any more.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from mlsys import clock
from mlsys.errors import MlsysError
from mlsys.events import get_logger
from mlsys.ledger import ChampionChange, Judgement
from mlsys.ledger.rows import Partition
from mlsys.monitoring.monitoring import latest
from mlsys.monitoring.versions import latest_versions
from mlsys.notification.outbox import Outbox
from mlsys.records import MetricValue, Outcome
from mlsys.records.monitoring import MonitorReport, MonitorResult, MonitorState
from mlsys.records.versions import VersionsReport
from mlsys.upkeep.health import allowed_age
from mlsys.upkeep.standing import WORST_FIRST, Standing
from mlsys.watchdog.sign import Sign
from mlsys.workspace import Workspace

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

log = get_logger(__name__)

_SLICES = 30  # of a monitor: so many values of a column are slices, and a spec may name several columns
_NAME = 120  # letters of a slice's name: a value may be a whole text
GaugeValue = tuple[str, tuple[str, ...], float]  # of a gauge, the values of its labels, and what it shows

# Name -> labels, and what it is.
GAUGES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "mlsys_pulse_timestamp_seconds": ((), "When the watchdog looked last."),
    "mlsys_pulse_duration_seconds": ((), "How long that look took."),
    "mlsys_trouble": (("cause", "pipeline"), "1 where the watchdog found a trouble, 0 where it found none."),
    "mlsys_trouble_acknowledged": (("cause", "pipeline"), "1 for a trouble that somebody lets be for a while."),
    "mlsys_disk_free_bytes": ((), "Free space where MLSYS_HOME lies."),
    "mlsys_notices_waiting": ((), "Notices that are not delivered yet."),
    "mlsys_notices_oldest_timestamp_seconds": ((), "When the oldest of them was written."),
    "mlsys_pipeline_state": (("pipeline", "state"), "1 for how a pipeline stands, as `mlsys list` says."),
    "mlsys_champion_info": (("pipeline", "version"), "1 for the version that serves by the ledger."),
    "mlsys_champion_since_timestamp_seconds": (("pipeline",), "Since when it serves."),
    "mlsys_champion_cutoff_timestamp_seconds": (("pipeline",), "End of the data that it knows."),
    "mlsys_data_cutoff_timestamp_seconds": (("pipeline",), "End of the newest day of data that a run has read."),
    "mlsys_data_allowed_age_seconds": (("pipeline",), "How old these may be by the gate `freshness`."),
    "mlsys_last_request_timestamp_seconds": (("pipeline",), "When a live run was asked for last."),
    "mlsys_last_decision": (("pipeline", "outcome"), "1 for the outcome of the newest decision."),
    "mlsys_last_decision_timestamp_seconds": (("pipeline",), "When that was made."),
    "mlsys_approval_waiting": (("pipeline",), "1 while a promotion waits for a person."),
    "mlsys_held": (("pipeline",), "1 while somebody lets the gates promote nothing."),
    "mlsys_held_since_timestamp_seconds": (("pipeline",), "Since when."),
    "mlsys_monitor_cutoff_timestamp_seconds": (("pipeline",), "End of the newest window that monitors looked at."),
    "mlsys_monitor_state": (("pipeline", "monitor", "state"), "1 for what a monitor said of that window."),
    "mlsys_monitor_observed": (("pipeline", "monitor"), "What it measured."),
    "mlsys_monitor_limit": (("pipeline", "monitor"), "Where its alarm begins."),
    "mlsys_monitor_slice_alarm": (
        ("pipeline", "monitor", "slice"),
        "1 for a slice that alarms, 0 for one that does not; the worst 30 of a monitor that are judged.",
    ),
    "mlsys_monitor_slice_value": (
        ("pipeline", "monitor", "slice", "of"),
        "What the champion's answers are worth on such a slice: `before`, as on its holdout, and `now`.",
    ),
    "mlsys_estimated_metric": (
        ("pipeline", "monitor", "bound"),
        "What a metric is likely to be on that window: value, lower and upper end of the 95 % interval.",
    ),
    "mlsys_checked_estimate": (
        ("pipeline", "monitor", "of"),
        "A metric of the newest window whose labels have come: `estimated` before, and `real`.",
    ),
    "mlsys_estimates_outside_ratio": (
        ("pipeline", "monitor"),
        "Share of such windows whose estimate was farther off than chance gives.",
    ),
    "mlsys_monitor_windows_alarmed": (("pipeline",), "How many of the windows that count have alarmed."),
    "mlsys_monitor_asks_retraining": (("pipeline",), "1 where the newest window asks for a retraining."),
    "mlsys_labelled_ratio": (("pipeline",), "Share of the window's rows whose label is known."),
    "mlsys_live_metric": (
        ("pipeline", "version", "metric", "bound"),
        "A version on labelled rows of the days on which it served: value, lower and upper end of the 95 % interval.",
    ),
    "mlsys_label_delay_seconds": (("pipeline", "quantile"), "In which time half, and 95 %, of the labels come."),
    "mlsys_label_newest_arrival_timestamp_seconds": (("pipeline",), "When the newest known label arrived."),
}


@dataclass(frozen=True)
class Facts:
    """What gauges show of a pipeline.

    Attributes:
        judgement: the newest one that could have promoted.
        report: of its monitors, about the newest window.
        newest_label: when it arrived; None where arrivals are not known.
        versions: the newest measurement of all versions, or None.
    """

    stands: Standing
    champion: ChampionChange | None
    judgement: Judgement | None
    report: MonitorReport | None
    newest_label: datetime | None
    versions: VersionsReport | None = None


def pipeline_facts(
    work: Workspace, stands: Standing, champion: ChampionChange | None, partitions: Sequence[Partition]
) -> Facts:
    """Return what gauges show of a pipeline; `partitions` are the newest version of each of its days."""
    judged = work.ledger.judgements(stands.pipeline, last=1, historical=False)
    arrivals = [part.newest_arrival for part in partitions if part.newest_arrival is not None]
    return Facts(
        stands=stands,
        champion=champion,
        judgement=judged[-1] if judged else None,
        report=_with_all_slices(work, latest(work.home, stands.pipeline)),
        newest_label=max(arrivals, default=None),
        versions=latest_versions(work.home, stands.pipeline),
    )


def _with_all_slices(work: Workspace, report: MonitorReport | None) -> MonitorReport | None:
    """Return a report, which keeps the worst five slices, with all that its details have."""
    if report is None or report.details is None or not any(result.slices for result in report.results):
        return report
    try:
        listed = work.store.read_json(report.details)
        found = tuple(MonitorResult.load_json(json.dumps(each).encode()) for each in listed)
    except MlsysError as error:  # cleaned away, say: those of the report are the worst
        log.warning("monitor_details_not_read", pipeline=report.pipeline, reason=str(error))
        return report
    return report.model_copy(update={"results": found})


def exposition(signs: Sequence[Sign], facts: Iterable[Facts], *, at: datetime, seconds: float, home: Path) -> bytes:
    """Return the gauges of one look in the text format of Prometheus; a gauge without a value is left out.

    Args:
        signs: what was found.
        facts: of each pipeline.
        at: when it was looked.
        seconds: that it took.
        home: MLSYS_HOME.
    """
    from prometheus_client import generate_latest

    values = [*_look(signs, at, seconds, home), *(value for each in facts for value in _pipeline(each))]
    return generate_latest(_Collected(list(_families(values))))


@dataclass(frozen=True)
class _Collected:
    """What `generate_latest` takes."""

    families: Sequence[GaugeMetricFamily]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self.families


def _families(values: Iterable[GaugeValue]) -> Iterator[GaugeMetricFamily]:
    from prometheus_client.core import GaugeMetricFamily

    found: dict[str, list[tuple[tuple[str, ...], float]]] = {}
    for name, labels, value in values:
        found.setdefault(name, []).append((labels, value))
    for name, (labels, what) in GAUGES.items():
        if name in found:
            family = GaugeMetricFamily(name, what, labels=labels)
            for given, value in found[name]:
                family.add_metric(given, value)
            yield family


def _look(signs: Sequence[Sign], at: datetime, seconds: float, home: Path) -> Iterator[GaugeValue]:
    yield "mlsys_pulse_timestamp_seconds", (), at.timestamp()
    yield "mlsys_pulse_duration_seconds", (), seconds
    worst: dict[tuple[str, str], Sign] = {}
    for sign in signs:  # one cause of a pipeline has one value
        known = worst.setdefault((sign.cause, sign.pipeline), sign)
        worst[sign.cause, sign.pipeline] = known if not known.ok else sign
    for key, sign in worst.items():
        yield "mlsys_trouble", key, float(not sign.ok)
        if not sign.ok:
            yield "mlsys_trouble_acknowledged", key, float(not sign.alarms)
    yield "mlsys_disk_free_bytes", (), float(shutil.disk_usage(home).free)
    waiting = Outbox(home).waiting()
    yield "mlsys_notices_waiting", (), float(len(waiting))
    if waiting:
        yield "mlsys_notices_oldest_timestamp_seconds", (), waiting[0][1].at.timestamp()


def _pipeline(facts: Facts) -> Iterator[GaugeValue]:
    stands, name = facts.stands, (facts.stands.pipeline,)
    yield from _one_of("mlsys_pipeline_state", name, WORST_FIRST, stands.state)
    yield "mlsys_approval_waiting", name, float(stands.state == "waits")
    yield "mlsys_held", name, float(stands.hold is not None)
    if stands.hold is not None and stands.hold.at is not None:
        yield "mlsys_held_since_timestamp_seconds", name, stands.hold.at.timestamp()
    if stands.request is not None and stands.request.at is not None:
        yield "mlsys_last_request_timestamp_seconds", name, stands.request.at.timestamp()
    if facts.judgement is not None:
        yield from _one_of("mlsys_last_decision", name, get_args(Outcome), facts.judgement.decision.outcome)
        yield "mlsys_last_decision_timestamp_seconds", name, facts.judgement.at.timestamp()
    if facts.newest_label is not None:
        yield "mlsys_label_newest_arrival_timestamp_seconds", name, facts.newest_label.timestamp()
    yield from _data(stands, name)
    if facts.champion is not None:
        yield "mlsys_champion_info", (*name, facts.champion.version), 1.0
        yield "mlsys_champion_cutoff_timestamp_seconds", name, facts.champion.cutoff.timestamp()
        if facts.champion.at is not None:
            yield "mlsys_champion_since_timestamp_seconds", name, facts.champion.at.timestamp()
    if facts.report is not None:
        yield from _monitors(facts.report, name)
    if facts.versions is not None:
        yield from _versions(facts.versions, name)


def _data(stands: Standing, name: tuple[str]) -> Iterator[GaugeValue]:
    if stands.newest_day is not None:
        yield "mlsys_data_cutoff_timestamp_seconds", name, _cutoff(stands.newest_day)
    allowed = allowed_age(stands.spec) if stands.spec is not None else None
    if allowed is not None:
        yield "mlsys_data_allowed_age_seconds", name, allowed.total_seconds()


def _monitors(report: MonitorReport, name: tuple[str]) -> Iterator[GaugeValue]:
    if report.day is not None:
        yield "mlsys_monitor_cutoff_timestamp_seconds", name, _cutoff(report.day)
    for result in report.results:
        watched = (*name, result.name)
        yield from _one_of("mlsys_monitor_state", watched, get_args(MonitorState), result.state)
        for gauge, value in (("observed", result.observed), ("limit", result.limit)):
            if value is not None:
                yield f"mlsys_monitor_{gauge}", watched, value
        yield from _slices(result, watched)
        yield from _estimates(result, watched)
    yield "mlsys_monitor_windows_alarmed", name, float(report.n_alarmed)
    yield "mlsys_monitor_asks_retraining", name, float(report.asks_retraining)
    if report.n_rows:
        yield "mlsys_labelled_ratio", name, report.n_labelled / report.n_rows


def _slices(result: MonitorResult, watched: tuple[str, ...]) -> Iterator[GaugeValue]:
    judged = [each for each in result.slices if each.state in ("alarm", "pass")]
    # Names that are alike once they are cut are one series: two of it, and Prometheus takes none of the page.
    worst = {each.name[:_NAME]: each for each in reversed(judged[:_SLICES])}
    for name, each in worst.items():
        yield "mlsys_monitor_slice_alarm", (*watched, name), float(each.state == "alarm")
        for of, value in (("before", each.before), ("now", each.now)):
            if value is not None:
                yield "mlsys_monitor_slice_value", (*watched, name, of), value


def _estimates(result: MonitorResult, watched: tuple[str, ...]) -> Iterator[GaugeValue]:
    if result.estimate is not None:
        yield from _bounded("mlsys_estimated_metric", watched, result.estimate)
    if result.checked:
        newest = result.checked[0]
        for of, value in (("estimated", newest.estimated.value), ("real", newest.real.value)):
            if value is not None:
                yield "mlsys_checked_estimate", (*watched, of), value
        outside = sum(check.outside for check in result.checked)
        yield "mlsys_estimates_outside_ratio", watched, outside / len(result.checked)


def _bounded(gauge: str, labels: tuple[str, ...], value: MetricValue) -> Iterator[GaugeValue]:
    for bound, shown in (("value", value.value), ("lower", value.lower), ("upper", value.upper)):
        if shown is not None:
            yield gauge, (*labels, bound), shown


def _versions(report: VersionsReport, name: tuple[str]) -> Iterator[GaugeValue]:
    for score in report.served:
        for value in score.values:
            yield from _bounded("mlsys_live_metric", (*name, score.version, value.name), value)
    if report.delay is not None:
        for quantile, time in (("0.5", report.delay.half), ("0.95", report.delay.most)):
            yield "mlsys_label_delay_seconds", (*name, quantile), time.total_seconds()


def _one_of(gauge: str, labels: tuple[str, ...], words: Iterable[str], present: str) -> Iterator[GaugeValue]:
    """Yield 1 for the present word and 0 for the others: a word that comes and goes is no new series each time."""
    for word in words:
        yield gauge, (*labels, word), float(word == present)


def _cutoff(day: date) -> float:
    return clock.cutoff_of(day).timestamp()
