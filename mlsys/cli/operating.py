"""`mlsys up`, `down`, `status`, `doctor`, `reconcile` and `clean`: the installation itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import click

from mlsys.cli.facts import json_option, say_json, say_to_person
from mlsys.cli.terminal import say, show_table
from mlsys.errors import MlsysError, RunError

if TYPE_CHECKING:
    from mlsys.orchestration.api.client import AirflowApi
    from mlsys.orchestration.stack.stack import ComponentStatus
    from mlsys.settings import Settings
    from mlsys.upkeep.diagnosis import Diagnosis
    from mlsys.workspace import Workspace


@click.command()
@json_option
def up(as_json: bool) -> None:
    """Start the embedded stack: Postgres, Airflow, the MLflow UI and the server, all on this machine alone."""
    from mlsys.cli.logs import set_up
    from mlsys.orchestration.stack import stack
    from mlsys.settings import load_settings

    settings = load_settings()
    set_up(settings.log_format, "WARNING")
    found = stack.up(settings, progress=say_to_person if as_json else say)
    failed = _heal()
    if as_json:
        say_json(found)
    else:
        say(f"\nAirflow  {found.airflow}   login {found.login} / {found.password}")
        say(f"Models   {found.models}\nMLflow   {found.mlflow}")
        if found.server:
            say(f"Server   {found.server}")
        say("Stop it with: mlsys down")
    _refuse(failed)


@click.command()
@json_option
def down(as_json: bool) -> None:
    """Stop the embedded stack; data stays."""
    from mlsys.orchestration.stack import stack
    from mlsys.settings import load_settings

    stopped = stack.down(load_settings(), progress=say_to_person if as_json else say)
    if as_json:
        say_json({"stopped": stopped})


@click.command()
@json_option
def status(as_json: bool) -> int:
    """Show what of the embedded stack runs, since when and where; exit code 4 when a part is missing."""
    from mlsys.orchestration.stack import stack
    from mlsys.settings import load_settings

    found = stack.status(load_settings())
    missing = [part for part in found if part.state != "running"] if stack.is_up(found) else []
    if as_json:
        say_json(found)
        return 4 if missing else 0
    _show(found)
    if not stack.is_up(found):
        say("\nThe stack is not up. Start it with: mlsys up")
    for component in missing:
        say(f"\n{component.name} {component.state}; its log: {component.log}")
    if missing:
        say("Start what is missing with: mlsys up")
    return 4 if missing else 0


@click.command()
@click.argument("name", required=False)
@click.option("--look", is_flag=True, help="Only name what differs; exit code 4 where anything does.")
@json_option
def reconcile(name: str | None, look: bool, as_json: bool) -> int:
    """Find where MLflow, the file registry, the store and Airflow differ from the ledger, and mend them from it.

    All pipelines without NAME. A model file that the store lost is taken back from a registry that has the same bytes.
    Airflow is looked at where the stack of this home runs: its DAGs start on events of the champion's asset.
    """
    from mlsys.workspace import open_workspace

    found: list[_Mended] = []
    with open_workspace() as work, _airflow(work.settings) as api:
        known = work.ledger.pipelines()
        if name is not None and name not in known:
            work.settings.spec_path(name)  # a pipeline without runs has nothing to mend, another name is a mistake
        for each in [name] if name else known:
            found.append(_mended(work, each, api, look=look))
            if not as_json:
                _show_mended(found[-1], verb="differs" if look else "mended")
    if as_json:
        say_json(found)
    elif not found:
        say("No pipeline has run yet: there is nothing to write.")
    _refuse([f"{one.pipeline}: {one.error}" for one in found if one.error])
    return 4 if look and any(one.mended for one in found) else 0


@dataclass(frozen=True)
class _Mended:
    """What differed of a pipeline and was mended, with why the rest could not be."""

    pipeline: str
    mended: Sequence[str] = ()
    error: str | None = None


@contextmanager
def _airflow(settings: Settings) -> Iterator[AirflowApi | None]:
    """Give a client of the stack's Airflow; None where the stack of this home does not run."""
    from mlsys.orchestration.stack import stack

    parts = {part.name: part.state for part in stack.status(settings)}
    if parts.get("api-server") != "running":
        yield None
        return
    with stack.connect(settings) as api:
        yield api


def _mended(work: Workspace, name: str, api: AirflowApi | None, *, look: bool) -> _Mended:
    """Look at all that shows a pipeline's models, and mend it unless it is only looked at."""
    from mlsys.orchestration.api import champion_events
    from mlsys.promotion import reconcile as reconciliation

    found: list[str] = []
    try:
        found += (reconciliation.differences if look else reconciliation.mend)(work, name)
        event = (champion_events.difference if look else champion_events.mend)(work, name, api) if api else None
        found += [event] if event else []
    except MlsysError as error:  # what belongs to the other pipelines is to be mended all the same
        return _Mended(name, found, error=str(error))
    return _Mended(name, found)


def _show_mended(found: _Mended, *, verb: str) -> None:
    for sentence in found.mended:
        say(f"{verb}: {sentence}")
    if not found.mended and not found.error:
        say(f"{found.pipeline}: the registries say what the ledger says")


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Look for what could go wrong: disk, stack, database, sources, newest runs, gates, stored models, registries.

    Exit code 4 when anything is a problem; so are a champion below its own minimum and data that are too old.
    """
    from mlsys.cli.logs import set_up
    from mlsys.settings import load_settings
    from mlsys.upkeep.doctor import examine

    settings = load_settings()
    set_up(settings.log_format, "ERROR")  # the drill's made-up demotion is logged as a real one
    found = []
    for finding in chain(_stack(settings), _watchdog(settings), examine(settings)):
        found.append(finding)
        if not as_json:  # said as it is found: some things take a while
            say(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.subject}: {finding.sentence}")
    if as_json:
        say_json(found)
    return 0 if all(finding.ok for finding in found) else 4


def _stack(settings: Settings) -> Iterator[Diagnosis]:
    """Yield what is wrong with a stack that somebody has started; one that nobody uses is no problem."""
    from mlsys.orchestration.stack import stack
    from mlsys.upkeep.diagnosis import Diagnosis

    parts = stack.status(settings)
    if stack.is_up(parts):
        for part in parts:
            more = "" if part.state == "running" else f"; its log: {part.log}. Start it with: mlsys up"
            yield Diagnosis(f"stack {part.name}", part.state == "running", f"{part.state}{more}")
        if all(part.state == "running" for part in parts):  # else what is dead explains the rest
            yield from _retrainings(settings)


def _watchdog(settings: Settings) -> Iterator[Diagnosis]:
    """Yield whether the watchdog still looks; one that nobody has set up is no problem."""
    from mlsys import clock
    from mlsys.durations import in_words
    from mlsys.upkeep.diagnosis import Diagnosis
    from mlsys.watchdog.pulse import STALE, last_pulse

    at = last_pulse(settings.root)
    if at is not None:
        age = clock.now() - at
        remedy = "" if age <= STALE else "; see whether cron or the timer still starts `mlsys pulse`"
        yield Diagnosis("watchdog", age <= STALE, f"looked {in_words(age)} ago{remedy}")


def _retrainings(settings: Settings) -> Iterator[Diagnosis]:
    """Yield why retrainings do not start although everything runs: paused DAGs, files that Airflow can't read."""
    from mlsys.orchestration.stack import stack
    from mlsys.upkeep.diagnosis import Diagnosis

    try:
        with stack.connect(settings) as api:
            paused, unreadable = api.paused("retrain_"), api.import_errors()
    except MlsysError as error:
        yield Diagnosis("dags", ok=False, sentence=str(error))
        return
    for dag_id in paused:
        yield Diagnosis(f"dag {dag_id}", ok=False, sentence="paused: no run starts until somebody switches it on")
    for file, trace in unreadable.items():
        why = (trace.strip().splitlines() or ["no reason given"])[-1]
        yield Diagnosis(f"dag file {file}", ok=False, sentence=f"can't be read: {why}")
    if not paused and not unreadable:
        yield Diagnosis("dags", ok=True, sentence="no retraining is paused, and every DAG file can be read")


_DAYS = click.IntRange(1, 36_500)


@click.command()
@click.option("--apply", "really", is_flag=True, help="Remove it; without this, only show what would go.")
@click.option(
    "--runs", default=90, show_default=True, type=_DAYS, metavar="DAYS", help="Keep what young runs need for so long."
)
@click.option(
    "--predictions", default=365, show_default=True, type=_DAYS, metavar="DAYS", help="Keep scores of past days."
)
@click.option("--logs", default=30, show_default=True, type=_DAYS, metavar="DAYS", help="Keep the logs of tasks.")
@json_option
def clean(really: bool, runs: int, predictions: int, logs: int, as_json: bool) -> None:
    """Remove files that no champion, no young run and no run to come needs; the ledger stays whole."""
    from mlsys.upkeep import retention
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        limits = retention.Limits(runs=runs, predictions=predictions, logs=logs)
        done = retention.clean(work, limits, apply=really)
    if as_json:
        say_json({**done.dump(), "n_bytes": done.n_bytes})
        return
    show_table(("what", "files", "bytes"), [(s.name, f"{s.n_files:,}", f"{s.n_bytes:,}") for s in done.shares])
    say(f"{done.sentence}." + ("" if really or not done.n_bytes else " To remove them: mlsys clean --apply"))


def _heal() -> list[str]:
    """Bring all registries up to date, overrides whose time is over included, and return what could not be."""
    from mlsys.promotion.by_hand import expire
    from mlsys.promotion.projection import project
    from mlsys.workspace import open_workspace

    failed = []
    with open_workspace() as work:
        for name in work.ledger.pipelines():
            try:
                expire(work, name)
                project(work, name)
            except MlsysError as error:
                failed.append(f"{name}: {error}")
    return failed


def _refuse(failed: Sequence[str]) -> None:
    if failed:
        raise RunError("Not all registries say what the ledger says. " + " ".join(failed).rstrip("."))


def _show(components: Sequence[ComponentStatus]) -> None:
    rows = [
        (c.name, c.state, f"{c.since:%Y-%m-%d %H:%M} UTC" if c.since else "", c.pid,
         f"{c.memory_bytes / 1e6:.0f} MB" if c.memory_bytes else "", c.address)
        for c in components
    ]  # fmt: skip
    show_table(("component", "state", "since", "pid", "memory", "address"), rows)
