"""`mlsys pulse`: one look at all that should be at work, from outside of it, and a file that says when it was.

Nothing of what is looked at has to be alive for it: cron or a timer starts it, it reads files and databases, and what
does not answer is its finding. Whether the look itself still happens, the age of its file says.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from mlsys import clock
from mlsys.ledger import ChampionChange
from mlsys.settings import Settings
from mlsys.spec import Spec
from mlsys.store import canonical_json, write_atomically
from mlsys.upkeep.standing import PROBLEMS, Standing, standing
from mlsys.watchdog import machine
from mlsys.watchdog.acknowledged import acknowledged, with_acknowledgements
from mlsys.watchdog.airflow_database import AirflowState, airflow_signs, paused_sign, read_airflow
from mlsys.watchdog.answer_looks import monitors_sign, scores_sign
from mlsys.watchdog.data_looks import labels_sign, partitions_of, source_sign
from mlsys.watchdog.gauges import Facts, exposition, pipeline_facts
from mlsys.watchdog.kept import METRICS
from mlsys.watchdog.memory import Remembered, keep_memory, read_memory
from mlsys.watchdog.sign import Sign, guarded
from mlsys.wording import first_line
from mlsys.workspace import Workspace, open_workspace

STALE = timedelta(hours=1)  # after which nobody looks any more, where somebody did
_LAST = Path("watchdog") / "pulse.json"


@dataclass(frozen=True)
class Pulse:
    """What one look found.

    Attributes:
        at: when it began.
        seconds: that it took.
        signs: troubles first.
        metrics: the file with all gauges, in the text format of Prometheus.
    """

    at: datetime
    seconds: float
    signs: tuple[Sign, ...]
    metrics: Path

    @property
    def alarms(self) -> tuple[Sign, ...]:
        """The troubles that nobody has acknowledged."""
        return tuple(sign for sign in self.signs if sign.alarms)


@dataclass
class _Look:
    """What is gathered on the way."""

    settings: Settings
    at: datetime
    before: Remembered
    facts: list[Facts] = field(default_factory=list)
    written: list[datetime] = field(default_factory=list)  # by the clock of then
    others: list[datetime] = field(default_factory=list)  # the present by other clocks
    airflow: AirflowState | None = None
    seen: bool = False  # Airflow's database


def take(settings: Settings, *, at: datetime | None = None, copy: Path | None = None) -> Pulse:
    """Look at everything, write down that it was looked at and what was found, and return it.

    Args:
        settings: of the installation.
        at: the present, for tests.
        copy: a second file for the gauges: in the folder that node_exporter reads.

    Raises:
        StoreError: the home can't be written to; whoever asked has to be told by other means.
    """
    began, home = time.perf_counter(), settings.make_home()
    look = _Look(settings, at or clock.now(), read_memory(home))
    signs = list(_installation(look))
    keep_memory(home, machine.remembered(look.before, look.at).model_copy(update={"airflow": look.seen}))
    signs.append(machine.clock_sign(look.before, look.at, written=look.written, others=look.others))
    signs = with_acknowledgements(signs, acknowledged(home, at=look.at))
    signs.sort(key=lambda sign: (sign.ok, sign.acknowledged is not None, sign.pipeline, sign.cause))
    seconds = time.perf_counter() - began
    text = exposition(signs, look.facts, at=look.at, seconds=seconds, home=home)
    for path in (home / METRICS, *([copy] if copy else [])):
        write_atomically(path, text)
    write_atomically(home / _LAST, canonical_json({"at": look.at.isoformat(), "alarms": sum(s.alarms for s in signs)}))
    return Pulse(look.at, seconds, tuple(signs), home / METRICS)


def last_pulse(home: Path) -> datetime | None:
    """Return when it was looked last, or None when it never was; reads one small file."""
    import json

    path = home / _LAST
    return datetime.fromisoformat(json.loads(path.read_bytes())["at"]) if path.exists() else None


def _installation(look: _Look) -> Iterator[Sign]:
    home = look.settings.root
    yield from guarded("disk", "", lambda: machine.disk_sign(home))
    yield from guarded("notices", "", lambda: machine.notices_sign(home, look.at))
    yield from guarded("database", "", lambda: _inside(look))


def _inside(look: _Look) -> Iterator[Sign]:
    """Yield what ledger and databases say."""
    with open_workspace(look.settings) as work:
        yield Sign(cause="database", ok=True, sentence=f"The ledger answers ({work.databases.kind}).")
        yield from _airflow(work, look)
        names = {path.stem for path in look.settings.pipelines.glob("*.yaml")}
        for name in sorted({*names, *work.ledger.pipelines()}):
            yield from guarded("run", name, partial(_pipeline, work, name, look))


def _airflow(work: Workspace, look: _Look) -> Iterator[Sign]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        look.airflow = read_airflow(work.databases.airflow_url)
    except SQLAlchemyError as error:
        look.seen = look.before.airflow
        if look.before.airflow:  # without it there may be none: runs by the command line alone
            why = first_line(error)[:200]
            yield Sign(cause="scheduler", ok=False, sentence=f"Airflow's database can't be asked: {why}.")
        return
    look.seen = look.airflow is not None or look.before.airflow
    if look.airflow is not None:
        look.others += [newest for newest in look.airflow.alive.values() if newest > look.at]
        yield from airflow_signs(look.airflow, look.at)
    elif look.before.airflow:
        yield Sign(
            cause="scheduler", ok=False, sentence="Airflow's database is gone: no run starts. See `mlsys status`."
        )


def _pipeline(work: Workspace, name: str, look: _Look) -> Iterator[Sign]:
    stands = standing(work, name, at=look.at)
    champion, partitions = work.ledger.champion(name), partitions_of(work, name)
    look.facts += [pipeline_facts(work, stands, champion, partitions)]
    look.written += [row.at for row in (stands.request, stands.run, champion) if row is not None and row.at is not None]
    if stands.state == "retired":
        return
    if stands.spec is None:
        yield Sign(cause="spec", pipeline=name, ok=False, sentence=f"{stands.happened} {stands.todo}")
        return
    yield Sign(cause="spec", pipeline=name, ok=True, sentence="Its spec is valid.")
    told = f"{stands.happened} {stands.todo}".strip()
    yield Sign(cause="run", pipeline=name, ok=stands.state not in PROBLEMS, sentence=told)
    yield from _living(work, stands.spec, stands, champion, look)


def _living(
    work: Workspace, spec: Spec, stands: Standing, champion: ChampionChange | None, look: _Look
) -> Iterator[Sign]:
    """Yield what is to be looked at where runs start by themselves."""
    name, partitions = spec.pipeline, partitions_of(work, spec.pipeline)
    if spec.schedule.enabled:
        airflow = look.airflow
        if airflow is not None:
            yield from guarded("paused", name, lambda: paused_sign(airflow, spec))
        days = [part.day for part in partitions]
        yield from guarded("source", name, lambda: source_sign(spec, work.store, days, look.at))
        yield from guarded("labels", name, lambda: labels_sign(spec, partitions, look.at))
    if champion is not None:
        yield from guarded("scores", name, lambda: scores_sign(work, champion))
        newest = stands.newest_day
        yield from guarded("monitors", name, lambda: monitors_sign(work, spec, champion, newest, look.at))
