"""One look finds exactly what was broken, and says so although nothing of what it looks at is alive."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from given.shop import day, edit_spec
from watchdog.conftest import MORNING, UP, change, looked, troubles

from mlsys import clock
from mlsys.monitoring.monitoring import monitor, read_report
from mlsys.monitoring.scoring import predictions_of
from mlsys.notification.outbox import Channel, Notice, Outbox
from mlsys.settings import Settings
from mlsys.snapshot.segments import write_segment
from mlsys.watchdog import machine, pulse
from mlsys.watchdog.sign import CAUSES
from mlsys.workspace import open_workspace

pytestmark = pytest.mark.slow
HOUR = timedelta(hours=1)


def test_what_is_well_is_looked_at_and_in_no_trouble(settings: Settings) -> None:
    found = looked(settings)
    assert {sign.name: sign.sentence for sign in found if not sign.ok} == {}
    assert {sign.cause for sign in found} == set(CAUSES)


def _clock_set_back(home: Path, patched: pytest.MonkeyPatch) -> None:
    pulse.take(Settings())
    patched.setattr(clock, "since_boot", lambda: ("first", UP + HOUR))  # an hour went by, and the clock stood


def _disk_full(home: Path, patched: pytest.MonkeyPatch) -> None:
    patched.setattr(machine, "LOW_DISK", 1 << 62)


def _mail_server_down(home: Path, patched: pytest.MonkeyPatch) -> None:
    told = Notice(key="k", event="promoted", pipeline="shop", sentence="It serves.", at=MORNING - HOUR)
    Outbox(home).put(told, [Channel(kind="email", to="a@example.org")])


def _scheduler_killed(home: Path, patched: pytest.MonkeyPatch) -> None:
    at = f"{MORNING - HOUR:%Y-%m-%d %H:%M:%S.%f}"
    change(home / "airflow" / "airflow.db", f"UPDATE job SET latest_heartbeat = '{at}' WHERE job_type = 'SchedulerJob'")


def _dag_file_broken(home: Path, patched: pytest.MonkeyPatch) -> None:
    change(
        home / "airflow" / "airflow.db", "INSERT INTO import_error VALUES ('retrain.py', 'Traceback\nNo such module')"
    )


def _dag_paused(home: Path, patched: pytest.MonkeyPatch) -> None:
    change(home / "airflow" / "airflow.db", "UPDATE dag SET is_paused = 1 WHERE dag_id = 'retrain_shop'")


def _spec_broken(home: Path, patched: pytest.MonkeyPatch) -> None:
    edit_spec(home / "pipelines", gates=["no_such_gate"])


def _source_frozen(home: Path, patched: pytest.MonkeyPatch) -> None:
    change(home / "shop.db", f"DELETE FROM orders WHERE date(placed_at) > '{day(11)}'")


def _source_gone(home: Path, patched: pytest.MonkeyPatch) -> None:
    (home / "shop.db").unlink()


def _monitors_silent(home: Path, patched: pytest.MonkeyPatch) -> None:
    report = read_report(home, "shop", day(12))
    assert report is not None
    folder = home / "monitoring" / "shop"
    (folder / f"{day(12)}.json").unlink()
    (folder / f"{day(9)}.json").write_bytes(json.dumps({**report.dump(), "day": str(day(9))}).encode())


def _labels_dry(home: Path, patched: pytest.MonkeyPatch) -> None:
    change(home / "shop.db", f"UPDATE orders SET returned = NULL WHERE date(placed_at) >= '{day(11)}'")
    with open_workspace() as work:
        monitor(work, "shop")  # reads it


def _scores_constant(home: Path, patched: pytest.MonkeyPatch) -> None:
    known = predictions_of(home, "shop", day(12))
    assert known is not None
    with open_workspace() as work:
        file = known.champions[known.latest]
        table = pq.read_table(work.store.path(file.predictions))
        same = pa.repeat(pa.scalar(0.5), table.num_rows)
        table = table.set_column(table.schema.get_field_index("y_score"), "y_score", same)
        changed = file.model_copy(update={"predictions": write_segment([table], work.store)})
    entry = known.model_copy(update={"champions": {known.latest: changed}})
    (home / "predictions" / "shop" / f"{day(12)}.json").write_text(entry.model_dump_json())


BROKEN: dict[str, tuple[Callable[[Path, pytest.MonkeyPatch], None], str, str]] = {
    "clock": (_clock_set_back, "clock", "set back by 1 hour"),
    "disk": (_disk_full, "disk", "Free some"),
    "mail server": (_mail_server_down, "notices", "1 notice can't be delivered, the oldest for 1 hour by email"),
    "scheduler": (_scheduler_killed, "scheduler", "the scheduler gave its last sign of life 1 hour ago: no run starts"),
    "DAG file": (_dag_file_broken, "dag_files", "such as retrain.py: No such module"),
    "paused": (_dag_paused, "paused shop", "Paused: `retrain_shop`"),
    "spec": (_spec_broken, "spec shop", "no_such_gate"),
    "source": (_source_frozen, "source shop", f"The source is frozen: its newest complete day is {day(11)}"),
    "no source": (_source_gone, "source shop", "shop.db"),
    "labels": (_labels_dry, "labels shop", f"Labels have run dry: 0% of the rows of {day(11)} have one, where 100%"),
    "scores": (
        _scores_constant,
        "scores shop",
        f"80 rows of {day(12)} have 1 different one, as many of {day(11)} have",
    ),
    "monitors": (_monitors_silent, "monitors shop", f"The monitors looked at {day(9)} last"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_exactly_what_is_broken_is_told(
    what: str, settings: Settings, well: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it, name, sentence = BROKEN[what]
    break_it(well, monkeypatch)
    found = troubles(settings)
    assert list(found) == [name]
    assert sentence in found[name]


def test_a_ledger_that_does_not_answer_is_told_with_the_rest_and_the_gauges(settings: Settings, well: Path) -> None:
    (well / "mlsys.db").write_bytes(b"no database")
    found = troubles(settings)
    assert list(found) == ["database"]
    assert 'mlsys_trouble{cause="database",pipeline=""} 1.0' in (well / pulse.METRICS).read_text()


def test_airflow_s_database_that_vanishes_is_told_once_it_was_seen(settings: Settings, well: Path) -> None:
    (well / "airflow" / "airflow.db").unlink()
    assert troubles(settings) == {}  # a home without Airflow: `mlsys run` by cron, say


def test_and_after_it_was_seen_it_is(settings: Settings, well: Path) -> None:
    assert troubles(settings) == {}
    (well / "airflow" / "airflow.db").unlink()
    for _ in range(2):
        assert "Airflow's database is gone" in troubles(settings)["scheduler"]


def test_the_look_itself_is_written_down_and_a_copy_of_the_gauges(settings: Settings, well: Path) -> None:
    assert pulse.last_pulse(well) is None
    found = pulse.take(settings, copy=well / "textfile" / "mlsys.prom")
    assert pulse.last_pulse(well) == found.at == MORNING
    assert (well / "textfile" / "mlsys.prom").read_bytes() == found.metrics.read_bytes()


def test_a_disabled_schedule_is_nobody_s_trouble(settings: Settings, well: Path, monkeypatch) -> None:
    edit_spec(well / "pipelines", schedule={"enabled": False})
    _source_frozen(well, monkeypatch)
    _dag_paused(well, monkeypatch)
    assert troubles(settings) == {}
