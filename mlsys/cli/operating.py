"""`mlsys up`, `down`, `status`, `doctor`, `reconcile` and `clean`: the installation itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mlsys.cli.terminal import say, show_table
from mlsys.errors import MlsysError, RunError

if TYPE_CHECKING:
    from mlsys.orchestration.stack.stack import ComponentStatus


@click.command()
def up() -> None:
    """Start the embedded stack: Postgres, Airflow and the MLflow UI, all on this machine alone."""
    from mlsys.cli.logs import set_up
    from mlsys.orchestration.stack import stack
    from mlsys.settings import load_settings

    settings = load_settings()
    set_up(settings.log_format, "WARNING")
    found = stack.up(settings, progress=say)
    failed = _heal()
    say(f"\nAirflow  {found.airflow}   login {found.login} / {found.password}\nMLflow   {found.mlflow}")
    say("Stop it with: mlsys down")
    _refuse(failed)


@click.command()
def down() -> None:
    """Stop the embedded stack; data stays."""
    from mlsys.orchestration.stack import stack
    from mlsys.settings import load_settings

    stack.down(load_settings(), progress=say)


@click.command()
def status() -> int:
    """Show what of the embedded stack runs, where, and how much memory it takes."""
    from mlsys.orchestration.stack import stack
    from mlsys.settings import load_settings

    found = stack.status(load_settings())
    _show(found)
    return 4 if any(component.state == "died" for component in found) else 0


@click.command()
@click.argument("name", required=False)
def reconcile(name: str | None) -> None:
    """Write MLflow's registry and the file registry again from the ledger (all pipelines without NAME)."""
    from mlsys.promotion.projection import mend
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        known = work.ledger.pipelines()
        if name is not None and name not in known:
            work.settings.spec_path(name)  # a pipeline without runs has nothing to mend, another name is a mistake
        failed = []
        for each in [name] if name else known:
            try:
                found = mend(work, each)
            except MlsysError as error:  # the other pipelines' registries are to be mended all the same
                failed.append(f"{each}: {error}")
                continue
            for sentence in found:
                say(f"mended: {sentence}")
            if not found:
                say(f"{each}: the registries say what the ledger says")
    _refuse(failed)


@click.command()
def doctor() -> int:
    """Look for what could go wrong: disk, database, ledger, stored models, registries."""
    from mlsys.settings import load_settings
    from mlsys.upkeep.doctor import examine

    sick = False
    for finding in examine(load_settings()):
        say(f"{'ok     ' if finding.ok else 'PROBLEM'}  {finding.subject}: {finding.sentence}")
        sick = sick or not finding.ok
    return 4 if sick else 0


@click.command()
@click.option("--apply", "really", is_flag=True, help="Remove it; without this, only show what would go.")
@click.option("--runs", default=90, show_default=True, metavar="DAYS", help="Keep what young runs need for so long.")
@click.option("--predictions", default=365, show_default=True, metavar="DAYS", help="Keep scores of past days.")
@click.option("--logs", default=30, show_default=True, metavar="DAYS", help="Keep the logs of tasks.")
def clean(really: bool, runs: int, predictions: int, logs: int) -> None:
    """Remove files that no champion, no young run and no run to come needs; the ledger stays whole."""
    from mlsys.upkeep import retention
    from mlsys.workspace import open_workspace

    with open_workspace() as work:
        limits = retention.Limits(runs=runs, predictions=predictions, logs=logs)
        done = retention.clean(work, limits, apply=really)
    show_table(("what", "files", "bytes"), [(s.name, f"{s.n_files:,}", f"{s.n_bytes:,}") for s in done.shares])
    say(f"{done.sentence}." + ("" if really or not done.n_bytes else " To remove them: mlsys clean --apply"))


def _heal() -> list[str]:
    """Bring all registries up to date, and return what could not be."""
    from mlsys.promotion.projection import project
    from mlsys.workspace import open_workspace

    failed = []
    with open_workspace() as work:
        for name in work.ledger.pipelines():
            try:
                project(work, name)
            except MlsysError as error:
                failed.append(f"{name}: {error}")
    return failed


def _refuse(failed: Sequence[str]) -> None:
    if failed:
        raise RunError("Not all registries say what the ledger says. " + " ".join(failed).rstrip("."))


def _show(components: Sequence[ComponentStatus]) -> None:
    rows = [(c.name, c.state, c.pid, f"{c.memory_bytes / 1e6:.0f} MB" if c.pid else "", c.address) for c in components]
    show_table(("component", "state", "pid", "memory", "address"), rows)
