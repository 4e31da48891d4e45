"""Rows and labels that stop are told at the first look that could know; habits such as weekends are none."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from threading import Event
from typing import Literal

import numpy as np
import pytest
from given.shop import edit_spec, make_shop

from mlsys.ledger.rows import Partition
from mlsys.sources.base import ReadRequest
from mlsys.sources.sql import SqlSource
from mlsys.spec import Spec, load_spec
from mlsys.store import Store
from mlsys.watchdog.data_looks import labels_sign, source_sign, usual_gap

FIRST = date(2026, 1, 5)  # a Monday
DAY = timedelta(days=1)


class Told(SqlSource):
    """A source whose newest row is told, or that hangs."""

    kind: Literal["sql"] = "sql"
    at: datetime | None = None
    hangs: bool = False

    def newest(self, request: ReadRequest) -> datetime | None:
        """Return it."""
        if self.hangs:
            Event().wait(30)
        return self.at


@pytest.fixture
def spec(tmp_path: Path, store: Store) -> Spec:
    make_shop(tmp_path, tmp_path / "pipelines", days=1)
    edit_spec(tmp_path / "pipelines", ingest={"settle": "2h"}, label={"delay": "3d"})
    return load_spec(tmp_path / "pipelines" / "shop.yaml")


def with_newest(spec: Spec, at: datetime | None, *, hangs: bool = False) -> Spec:
    told = Told(url="sqlite:///x.db", table="x", event_time="t", timezone="UTC", at=at, hangs=hangs)
    return spec.model_copy(update={"source": told})


def at(day: date, hour: int = 0) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def days_with_data(kind: str, n: int) -> list[date]:
    days = [FIRST + index * DAY for index in range(n)]
    if kind == "every day":
        return days
    return [day for day in days if day.weekday() < 5] if kind == "working days" else days[::7]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["every day", "working days", "once a week"])
def test_a_year_of_habits_is_quiet_and_a_freeze_is_told_at_the_next_day_due(
    kind: str, spec: Spec, store: Store
) -> None:
    days = days_with_data(kind, 400)
    wrong, hours = [], range(0, 24, 6)
    for present in (FIRST + index * DAY for index in range(70, 400)):
        for hour in hours:
            known = [day for day in days if day < present]  # delivered at midnight, a whole day at once
            now = at(present, hour)
            if not source_sign(with_newest(spec, at(known[-1], 23)), store, known, now).ok:
                wrong.append(now)
    assert wrong == []
    # From then on nothing is delivered; the first look after the next day that was due (and has settled) tells.
    last = days[-1]
    due = last + usual_gap(days) * DAY
    frozen = with_newest(spec, at(last, 23))
    assert source_sign(frozen, store, days, at(due + DAY, 1)).ok  # not settled yet
    found = source_sign(frozen, store, days, at(due + DAY, 2))
    assert "The source is frozen" in found.sentence


def test_a_source_that_hangs_is_told_in_time(spec: Spec, store: Store) -> None:
    found = source_sign(with_newest(spec, None, hangs=True), store, [], at(FIRST), seconds=0.05)
    assert "did not answer in 0.05 s" in found.sentence


def test_an_empty_source_is_told(spec: Spec, store: Store) -> None:
    assert "no row up to now" in source_sign(with_newest(spec, None), store, [], at(FIRST)).sentence


def partitions(labelled: Iterable[float], *, arrival: timedelta | None = None, read: datetime) -> list[Partition]:
    found = []
    for index, share in enumerate(labelled):
        day = FIRST + index * DAY
        fields = {"version": 1, "layout": "l", "fingerprint": "f", "segment": "s", "offset": 0, "read_at": read}
        arrived = min(at(day) + arrival, read) if arrival is not None and share else None
        found.append(Partition(day=day, n_rows=200, n_labelled=int(200 * share), newest_arrival=arrived, **fields))
    return found


@pytest.mark.slow
def test_labels_that_thin_out_with_age_alone_are_quiet(spec: Spec) -> None:
    """Whatever share is labelled as a rule, its noise is no trouble: 0 of 300 histories, of 30 to 90 % labelled."""
    rng = np.random.default_rng(5)
    now = at(FIRST + 30 * DAY, 3)
    alarms = 0
    for _ in range(300):
        share = rng.uniform(0.3, 0.9)
        shares = rng.binomial(200, share, 27) / 200
        shares = [*shares, 0.1, 0.05, 0.0]  # days younger than `label.delay`
        found = labels_sign(spec, partitions(shares, read=now), now)
        assert found is not None
        alarms += not found.ok
    assert alarms == 0


def test_labels_that_stop_are_told_by_the_newest_day_that_is_due(spec: Spec) -> None:
    now = at(FIRST + 30 * DAY, 3)
    shares = [0.6] * 26 + [0.1] + [0.0] * 3
    found = labels_sign(spec, partitions(shares, read=now), now)
    assert found is not None
    assert f"10 % of the rows of {FIRST + 26 * DAY} have one, where 60 % are usual" in found.sentence


def test_arrivals_that_stop_are_told_a_day_after_the_longest_silence(spec: Spec) -> None:
    spec = spec.model_copy(update={"label": spec.label.model_copy(update={"delay": timedelta(0)})})
    arrivals = partitions([1.0] * 20, arrival=timedelta(hours=30), read=at(FIRST + 40 * DAY))
    last = max(part.newest_arrival for part in arrivals if part.newest_arrival)
    for later, ok in ((timedelta(hours=47), True), (timedelta(hours=49), False)):
        read = [part.model_copy(update={"read_at": last + later}) for part in arrivals]
        found = labels_sign(spec, read, last + later)
        assert found is not None
        assert found.ok is ok


def test_a_few_days_say_nothing(spec: Spec) -> None:
    now = at(FIRST + 30 * DAY)
    assert labels_sign(spec, partitions([1.0, 0.0, 0.0], read=now), now) is None
    assert usual_gap([FIRST]) == 2
