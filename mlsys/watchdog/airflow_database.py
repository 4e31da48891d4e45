"""Looks at Airflow from behind: its database says who is alive and what is paused, though no process of it answers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mlsys.durations import in_words
from mlsys.watchdog.sign import Sign
from mlsys.wording import counted

if TYPE_CHECKING:
    import sqlalchemy as sa

    from mlsys.spec import Spec

SILENT = timedelta(minutes=2)  # of a part that gives a sign of life every few seconds
URL = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"  # as Airflow itself reads it
_PARTS = {"SchedulerJob": "scheduler", "DagProcessorJob": "dag-processor", "TriggererJob": "triggerer"}
_WHY = {
    "scheduler": "no run starts",
    "dag-processor": "changed specs are not read",
    "triggerer": "deadlines and waiting tasks are not served",
}


@dataclass(frozen=True)
class AirflowState:
    """What Airflow's database says.

    Attributes:
        alive: newest sign of life of each part that ever ran; `ended` names those that ended by themselves.
        paused, known: ids of DAGs; a DAG whose file is gone is not known.
        unreadable: why each DAG file can't be read.
    """

    alive: dict[str, datetime] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    paused: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    unreadable: dict[str, str] = field(default_factory=dict)


def read_airflow(url: str) -> AirflowState | None:
    """Return what the database says, or None where there is no Airflow in it.

    Args:
        url: of the database, as SQLAlchemy writes it; the variable that Airflow reads goes before it.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: it does not answer.
    """
    import sqlalchemy as sa

    engine = sa.create_engine(os.environ.get(URL, url), poolclass=sa.NullPool)
    try:
        if not _exists(engine) or not sa.inspect(engine).has_table("job"):
            return None
        with engine.connect() as connection:
            alive, ended = _lives(connection)
            dags = sa.table("dag", *map(sa.column, ("dag_id", "is_paused", "is_stale")))
            known = [row for row in connection.execute(sa.select(dags)) if not row.is_stale]
            errors = sa.table("import_error", *map(sa.column, ("filename", "stacktrace")))
            unreadable = {str(row.filename): str(row.stacktrace) for row in connection.execute(sa.select(errors))}
    finally:
        engine.dispose()
    paused = frozenset(str(row.dag_id) for row in known if row.is_paused)
    return AirflowState(alive, ended, paused, frozenset(str(row.dag_id) for row in known), unreadable)


def _exists(engine: sa.Engine) -> bool:
    """Whether there is a database; to connect to a missing file of SQLite would make one."""
    from pathlib import Path

    return engine.dialect.name != "sqlite" or Path(str(engine.url.database)).exists()


def _lives(connection: sa.Connection) -> tuple[dict[str, datetime], frozenset[str]]:
    import sqlalchemy as sa

    when = sa.column("latest_heartbeat", sa.DateTime(timezone=True))
    kind: sa.ColumnClause[str] = sa.column("job_type", sa.String)
    jobs = sa.select(sa.table("job", kind, sa.column("state"), when)).where(kind.in_(_PARTS), when.is_not(None))
    alive: dict[str, datetime] = {}
    states: dict[str, str] = {}
    for row in connection.execute(jobs.order_by(when)):
        name, at = _PARTS[str(row.job_type)], row.latest_heartbeat
        alive[name], states[name] = at if at.tzinfo else at.replace(tzinfo=UTC), str(row.state)
    return alive, frozenset(name for name, state in states.items() if state != "running")


def airflow_signs(state: AirflowState, at: datetime) -> Iterator[Sign]:
    """Yield whether each part of Airflow is alive, and whether it can read its files; nothing of one that never ran."""
    silent = []
    for name, newest in state.alive.items():
        if at - newest > SILENT:
            how = "ended" if name in state.ended else "gave its last sign of life"
            silent.append(f"the {name} {how} {in_words(at - newest)} ago: {_WHY[name]}")
    if silent:
        sentence = f"Of Airflow {'; '.join(silent)}. Start what is missing: `mlsys up`."
        yield Sign(cause="scheduler", ok=False, sentence=sentence)
    elif state.alive:
        yield Sign(cause="scheduler", ok=True, sentence=f"Airflow is alive: {', '.join(sorted(state.alive))}.")
    if state.unreadable:
        file, trace = next(iter(sorted(state.unreadable.items())))
        why = (trace.strip().splitlines() or ["no reason given"])[-1]
        sentence = f"Airflow can't read {counted(len(state.unreadable), 'DAG file')}, such as {file}: {why}."
        yield Sign(cause="dag_files", ok=False, sentence=sentence)
    else:
        yield Sign(cause="dag_files", ok=True, sentence="Airflow can read every DAG file.")


def paused_sign(state: AirflowState, spec: Spec) -> Sign | None:
    """Return whether the DAGs of a pipeline start by themselves; None where Airflow never ran."""
    if not state.alive:
        return None
    wanted = _dags_of(spec)
    missing = sorted(wanted - state.known)
    paused = sorted(wanted & state.paused)
    if missing:
        sentence = f"Airflow does not know {_listed(missing)}: see its DAG files, and `mlsys check {spec.pipeline}`."
        return Sign(cause="paused", pipeline=spec.pipeline, ok=False, sentence=sentence)
    if paused:
        sentence = f"Paused: {_listed(paused)}. No run of it starts until somebody switches it on in Airflow."
        return Sign(cause="paused", pipeline=spec.pipeline, ok=False, sentence=sentence)
    return Sign(cause="paused", pipeline=spec.pipeline, ok=True, sentence="None of its DAGs is paused.")


def _dags_of(spec: Spec) -> set[str]:
    name = spec.pipeline
    made = {
        f"retrain_{name}": True,
        f"monitor_{name}": bool(spec.monitors.watch),
        f"score_{name}": spec.scoring.enabled,
    }
    return {dag for dag, there in made.items() if there}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
